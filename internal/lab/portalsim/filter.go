package portalsim

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// filter is a list method's filter: conditions and nested filters, all of which hold, or one of which (logic OR).
type filter struct {
	or         bool
	conditions []condition
	nested     []filter
}

// condition is one member of a filter: an operator before a field's name, and what to compare with.
type condition struct {
	operator string
	field    string
	values   []string
}

// operators in the order in which they are looked for: the longer ones first.
var operators = []string{"!=%", "!%=", "!@", ">=", "<=", "!%", "=%", "%=", "!=", ">", "<", "@", "%", "!", "="}

// splitOperator takes the operator off a filter's key.
func splitOperator(key string) (operator, field string) {
	for _, operator := range operators {
		if field, ok := strings.CutPrefix(key, operator); ok {
			return operator, field
		}
	}
	return "=", key
}

// parseFilter reads a filter (crm-item-list.md). A list of values means "one of them"; numbers are the keys of nested
// filters. name gives a field the name that values are found under, or refuses it; nil takes every one.
func parseFilter(from *object, name func(key, field string) (string, *apiError)) (filter, *apiError) {
	var out filter
	if from == nil {
		return out, nil
	}
	for _, key := range from.keys {
		if strings.EqualFold(key, "logic") {
			out.or = strings.EqualFold(from.text(key), "OR")
			continue
		}
		if _, err := strconv.Atoi(key); err == nil {
			if nested, ok := from.values[key].(*object); ok {
				inner, refusal := parseFilter(nested, name)
				if refusal != nil {
					return filter{}, refusal
				}
				out.nested = append(out.nested, inner)
				continue
			}
		}
		operator, field := splitOperator(key)
		if name != nil {
			var refusal *apiError
			if field, refusal = name(key, field); refusal != nil {
				return filter{}, refusal
			}
		}
		out.conditions = append(out.conditions, condition{operator, field, from.texts(key)})
	}
	return out, nil
}

// onIDs reports whether the filter is made of conditions on ids alone, all of which hold.
func (f filter) onIDs() bool {
	return !f.or && len(f.nested) == 0 && !slices.ContainsFunc(f.conditions, func(c condition) bool { return c.field != "id" })
}

// holds looks at something whose values are given by field; a field without a value has none.
func (f filter) holds(values func(field string) []string) bool {
	if len(f.conditions)+len(f.nested) == 0 {
		return true
	}
	for _, c := range f.conditions {
		if c.holds(values(c.field)) == f.or {
			return f.or
		}
	}
	for _, n := range f.nested {
		if n.holds(values) == f.or {
			return f.or
		}
	}
	return !f.or
}

// holds compares the values of one field: one is enough, and for the negations none may be left.
func (c condition) holds(values []string) bool {
	if negated, ok := strings.CutPrefix(c.operator, "!"); ok {
		positive := c
		if positive.operator = negated; negated == "" {
			positive.operator = "="
		}
		return !positive.holds(values)
	}
	if len(values) == 0 {
		values = []string{""}
	}
	return slices.ContainsFunc(values, c.matches)
}

func (c condition) matches(value string) bool {
	against := c.values
	if len(against) == 0 {
		against = []string{""}
	}
	return slices.ContainsFunc(against, func(v string) bool {
		switch c.operator {
		case "%":
			return strings.Contains(strings.ToLower(value), strings.ToLower(v))
		case "=%", "%=":
			return like(value, v)
		case ">":
			return compare(value, v) > 0
		case ">=":
			return compare(value, v) >= 0
		case "<":
			return compare(value, v) < 0
		case "<=":
			return compare(value, v) <= 0
		default:
			return value == v || value != "" && v != "" && compare(value, v) == 0
		}
	})
}

// like compares with a pattern in which % stands for anything: "mol%" begins with mol.
func like(value, pattern string) bool {
	parts := strings.Split(pattern, "%")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	found, err := regexp.MatchString("(?is)^"+strings.Join(parts, ".*")+"$", value)
	return err == nil && found
}

// compare orders numbers as numbers, moments as moments and everything else as text.
func compare(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	s, okS := parseMoment(a)
	t, okT := parseMoment(b)
	if okS && okT {
		return s.Compare(t)
	}
	return strings.Compare(a, b)
}

func parseMoment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// sorting is one member of an order.
type sorting struct {
	field      string
	descending bool
}

// list finds a page of items. Conditions on the id alone, in the order of ids, take no time however many items are made
// up; others look at every item, one at a time.
func (t *crmType) list(f filter, order []sorting, start, size int) (total int, page []*object) {
	byID := len(order) == 0 || len(order) == 1 && order[0].field == "id"
	descending := byID && len(order) == 1 && order[0].descending
	onIDs := f.onIDs()
	ids := t.ids(f.conditions, onIDs)
	known := make(map[int]*object, len(t.items))
	for _, item := range slices.Backward(t.items) { // of two with one id, the first counts
		known[item.int("id")] = item
	}
	find := func(id int) *object {
		if item := known[id]; item != nil {
			return item
		}
		return t.item(id)
	}
	if onIDs && byID {
		count := ids.len()
		for i := start; i < min(start+size, count); i++ {
			page = append(page, find(ids.at(i, descending)))
		}
		return count, page
	}
	var sorted []*object
	for i := range ids.len() {
		item := find(ids.at(i, descending))
		if !f.holds(func(field string) []string { return t.filterValues(item, field) }) {
			continue
		}
		if !byID {
			sorted = append(sorted, item)
		} else if total >= start && len(page) < size {
			page = append(page, item)
		}
		total++
	}
	if byID {
		return total, page
	}
	slices.SortStableFunc(sorted, func(a, b *object) int {
		for _, o := range order {
			if c := compare(a.text(o.field), b.text(o.field)); c != 0 {
				if o.descending {
					return -c
				}
				return c
			}
		}
		return 0
	})
	return total, sorted[min(start, total):min(start+size, total)]
}

// filterValues are an item's values of a field as filters compare them: custom booleans as 1 and 0.
func (t *crmType) filterValues(item *object, field string) []string {
	values := item.texts(field)
	if !strings.HasPrefix(field, "ufCrm") || t.field(field).kind != "boolean" {
		return values
	}
	out := []string{}
	for _, v := range values {
		out = append(out, map[string]string{"Y": "1"}[v]+map[bool]string{true: "0"}[v != "Y"])
	}
	return out
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
		default:
			l.spell(c)
		}
		l.few = slices.DeleteFunc(l.few, func(id int) bool { return !c.holds([]string{strconv.Itoa(id)}) })
	}
	l.to = max(l.to, l.from)
	return l
}

// spell writes the range out, for conditions that leave gaps in it: those that are asked for, one by one.
func (l *idList) spell(c condition) {
	if c.operator == "=" || c.operator == "@" {
		for _, v := range c.values {
			if id, err := strconv.Atoi(v); err == nil && id >= l.from && id < l.to {
				l.few = append(l.few, id)
			}
		}
	} else {
		for id := l.from; id < l.to; id++ {
			l.few = append(l.few, id)
		}
	}
	slices.Sort(l.few)
	l.few = slices.Compact(l.few)
	l.to = l.from
}
