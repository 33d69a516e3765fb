package portalsim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// condition is one member of a list method's filter: an operator before a field's name, and what to compare with.
type condition struct {
	operator string
	field    string
	values   []string
}

// operators in the order in which they are looked for: the longer ones first.
var operators = []string{"!=%", "!%=", "!@", ">=", "<=", "!%", "=%", "%=", "!=", ">", "<", "@", "%", "!", "="}

// parseFilter reads a filter (crm.item.list). A list of values means "one of them".
func parseFilter(filter *object) []condition {
	if filter == nil {
		return nil
	}
	var out []condition
	for _, key := range filter.keys {
		c := condition{operator: "=", field: key, values: filter.texts(key)}
		for _, operator := range operators {
			if field, ok := strings.CutPrefix(key, operator); ok {
				c.operator, c.field = operator, field
				break
			}
		}
		out = append(out, c)
	}
	return out
}

// holds compares one value.
func (c condition) holds(value string) bool {
	among := func() bool { return slices.Contains(c.values, value) }
	like := func() bool {
		for _, v := range c.values {
			if strings.Contains(strings.ToLower(value), strings.ToLower(strings.Trim(v, "%"))) {
				return true
			}
		}
		return false
	}
	switch c.operator {
	case "=", "@":
		return among() || len(c.values) == 0 && value == ""
	case "!", "!=", "!@":
		return !among()
	case "%", "=%", "%=":
		return like()
	case "!%", "!=%", "!%=":
		return !like()
	}
	order := compare(value, strings.Join(c.values, ""))
	switch c.operator {
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "<":
		return order < 0
	default:
		return order <= 0
	}
}

// compare orders numbers as numbers and everything else as text.
func compare(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return strings.Compare(a, b)
}

// list finds a page of items. Conditions on the id alone take no time however many items are made up; others look at
// every item, one at a time.
func (t *crmType) list(filter *object, descending bool, start, size int) (total int, page []*object) {
	conditions := parseFilter(filter)
	onIDs := !slices.ContainsFunc(conditions, func(c condition) bool { return !strings.EqualFold(c.field, "id") })
	ids := t.ids(conditions, onIDs)
	match := func(id int) *object {
		item := t.item(id)
		for _, c := range conditions {
			if !onIDs && !c.holds(item.text(c.field)) {
				return nil
			}
		}
		return item
	}
	count := ids.len()
	if onIDs {
		for i := start; i < min(start+size, count); i++ {
			page = append(page, match(ids.at(i, descending)))
		}
		return count, page
	}
	for i := range count {
		item := match(ids.at(i, descending))
		if item == nil {
			continue
		}
		if total >= start && len(page) < size {
			page = append(page, item)
		}
		total++
	}
	return total, page
}

// idList is a few ids in order, then a range of ids without gaps: items that exist, then items that are made up.
type idList struct {
	few      []int
	from, to int
}

func (l idList) len() int { return len(l.few) + l.to - l.from }

func (l idList) at(i int, descending bool) int {
	if descending {
		i = l.len() - 1 - i
	}
	if i < len(l.few) {
		return l.few[i]
	}
	return l.from + i - len(l.few)
}

// ids are the ids that conditions on them leave.
func (t *crmType) ids(conditions []condition, narrow bool) idList {
	l := idList{from: firstGenerated, to: firstGenerated + t.generated}
	for _, item := range t.items {
		if id := item.int("id"); id < l.from || id >= l.to {
			l.few = append(l.few, id)
		}
	}
	slices.Sort(l.few)
	if !narrow {
		return l
	}
	for _, c := range conditions {
		n, _ := strconv.Atoi(strings.Join(c.values, ""))
		switch c.operator {
		case ">":
			l.from = max(l.from, n+1)
		case ">=":
			l.from = max(l.from, n)
		case "<":
			l.to = min(l.to, n)
		case "<=":
			l.to = min(l.to, n+1)
		case "=", "@":
			// Those that are asked for, one by one.
			for _, v := range c.values {
				if id, err := strconv.Atoi(v); err == nil && id >= l.from && id < l.to {
					l.few = append(l.few, id)
				}
			}
			slices.Sort(l.few)
			l.few = slices.Compact(l.few)
			l.to = l.from
		}
		l.few = slices.DeleteFunc(l.few, func(id int) bool { return !c.holds(strconv.Itoa(id)) })
	}
	l.to = max(l.to, l.from)
	return l
}
