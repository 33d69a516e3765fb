package portalsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// move is a step of an item from stage to stage.
type move struct {
	at       string // RFC 3339
	category int
	stage    string
}

// The types of a step (crm-stage-history-list.md).
const (
	moveMade     = 1
	moveOn       = 2
	moveEnd      = 3
	movePipeline = 5
)

// moveKey names the item whose steps are kept: "2/20".
func moveKey(entityTypeID, id int) string { return fmt.Sprintf("%d/%d", entityTypeID, id) }

// standardMoves are the ways of items that took more than the two steps that every other item is said to have taken: made
// in the first stage, and moved to where it stands.
func standardMoves() map[string][]move {
	return map[string][]move{
		moveKey(2, 20): {
			{"2026-02-10T11:20:00+01:00", 0, "NEW"}, {"2026-02-24T16:05:00+01:00", 0, "PREPARATION"}, {"2026-03-19T09:30:00+01:00", 0, "EXECUTING"},
			{"2026-04-02T12:10:00+02:00", 0, "PREPARATION"}, {"2026-05-20T14:00:00+02:00", 0, "EXECUTING"},
		},
		moveKey(2, 21): {{"2026-04-02T09:00:00+02:00", 0, "NEW"}, {"2026-04-20T10:00:00+02:00", 0, "PREPARATION"}, {"2026-05-11T17:30:00+02:00", 0, "WON"}},
		moveKey(2, 22): {{"2026-05-02T09:00:00+02:00", 0, "NEW"}, {"2026-05-04T11:00:00+02:00", 9, "C9:NEW"}, {"2026-05-06T09:00:00+02:00", 9, "C9:VISIT"}},
		moveKey(1, 252): {
			{"2026-05-11T10:00:00+02:00", 0, "NEW"}, {"2026-05-12T08:45:00+02:00", 0, "IN_PROCESS"}, {"2026-05-29T15:20:00+02:00", 0, "JUNK"},
		},
		moveKey(1038, 5): {
			{"2026-01-20T10:00:00+01:00", 12, "DT1038_12:NEW"}, {"2026-02-27T10:00:00+01:00", 12, "DT1038_12:CLIENT"},
			{"2026-04-10T10:00:00+02:00", 12, "DT1038_12:NEW"}, {"2026-05-01T10:00:00+02:00", 12, "DT1038_12:CLIENT"},
		},
	}
}

// AddMoves has an item taken back and forth between its stage and the first one, so many times, a day each.
func (p *Portal) AddMoves(entityTypeID, id, count int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.crmType(entityTypeID)
	if t == nil || t.item(id) == nil {
		return fmt.Errorf("add moves: no item %d of type %d", id, entityTypeID)
	}
	item := t.item(id)
	moves := p.movesOf(t, item)
	last, _ := time.Parse(time.RFC3339, moves[len(moves)-1].at)
	stages := []string{moves[0].stage, item.text("stageId")}
	for n := range count {
		moves = append(moves, move{moment(last.AddDate(0, 0, n+1)), item.int("categoryId"), stages[n%2]})
	}
	p.moves[moveKey(entityTypeID, id)] = moves
	return nil
}

// movesOf are the steps of an item; callers hold mu.
func (p *Portal) movesOf(t *crmType, item *object) []move {
	if known := p.moves[moveKey(t.entityTypeID, item.int("id"))]; known != nil {
		return known
	}
	stage, category := item.text("stageId"), item.int("categoryId")
	first := stage
	for _, s := range p.statuses {
		if slices.Contains([]string{t.field("stageId").statusType, fmt.Sprintf("%s_%d", t.field("stageId").statusType, category)}, s.entityID) {
			first = s.statusID
			break
		}
	}
	moves := []move{{item.text("createdTime"), category, first}}
	if stage != first {
		at := item.text("movedTime")
		if at == "" {
			at = item.text("updatedTime")
		}
		moves = append(moves, move{at, category, stage})
	}
	return moves
}

// moved notes that an item has come to another stage; callers hold mu.
func (p *Portal) moved(t *crmType, before, after *object) {
	if before.text("stageId") == after.text("stageId") || after.text("stageId") == "" {
		return
	}
	now := moment(time.Now())
	p.moves[moveKey(t.entityTypeID, after.int("id"))] = append(slices.Clone(p.movesOf(t, before)), move{now, after.int("categoryId"), after.text("stageId")})
	if t.field("movedTime").name != "" {
		after.set("movedTime", now)
	}
}

// methodStageHistory answers the steps of leads, deals, invoices and items of smart processes, of those items that the user
// may read: nobody is refused, and who may read nothing gets nothing. Orders are taken as far as they are understood; a
// filter by any other field is refused (crm-stage-history-list.md; crm/lib/controller/stagehistory.php).
func methodStageHistory(c *call) (any, *apiError) {
	id, refusal := c.entityTypeID()
	if refusal != nil {
		return nil, refusal
	}
	t := c.portal.crmType(id)
	if t == nil || id == 3 || id == 4 || id == 7 {
		return nil, failure(400, "ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported")
	}
	names := []string{"ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", "CATEGORY_ID", "STAGE_SEMANTIC_ID", "STAGE_ID"}
	if id == 1 {
		names = []string{"ID", "TYPE_ID", "OWNER_ID", "CREATED_TIME", "STATUS_SEMANTIC_ID", "STATUS_ID"}
	}
	given, _ := c.params.get("filter").(*object)
	f, refusal := parseFilter(given, func(_, name string) (string, *apiError) {
		if !slices.Contains(names, name) {
			return "", failure(400, "INVALID_ARG_VALUE", "Invalid filter: field '"+name+"' is not allowed in filter")
		}
		return name, nil
	})
	if refusal != nil {
		return nil, refusal
	}
	var rows []*object
	if c.user.CRM {
		for _, item := range c.portal.owners(t, f) {
			rows = append(rows, c.portal.history(t, item)...)
		}
	}
	rows = slices.DeleteFunc(rows, func(row *object) bool { return !f.holds(func(field string) []string { return row.texts(field) }) })
	order, _ := c.params.get("order").(*object)
	sortRows(rows, order, func(name string) bool { return slices.Contains(names, name) })
	selected := slices.DeleteFunc(c.params.texts("select"), func(name string) bool { return !slices.Contains(names, name) })
	if len(selected) == 0 {
		selected = names
	}
	all := newObject()
	for _, row := range rows {
		all.push(row.only(append(selected, "ID")))
	}
	return newObject().set("items", c.wholePage(all)), nil
}

// owners are the items whose steps a filter may mean.
func (p *Portal) owners(t *crmType, f filter) []*object {
	for _, condition := range f.conditions {
		if condition.field != "OWNER_ID" || condition.operator != "=" && condition.operator != "@" || f.or {
			continue
		}
		var items []*object
		for _, value := range condition.values {
			id, _ := strconv.Atoi(value)
			if item := t.item(id); item != nil {
				items = append(items, item)
			}
		}
		return items
	}
	_, items := t.list(filter{}, nil, 0, 1<<30)
	return items
}

// history are the steps of an item as the method answers them.
func (p *Portal) history(t *crmType, item *object) []*object {
	var rows []*object
	moves := p.movesOf(t, item)
	for n, m := range moves {
		semantics := p.semantics(m.stage)
		kind := moveOn
		switch {
		case n == 0:
			kind = moveMade
		case m.category != moves[n-1].category:
			kind = movePipeline
		case semantics != "P":
			kind = moveEnd
		}
		row := newObject().set("ID", item.int("id")*1000+n+1).set("TYPE_ID", kind).set("OWNER_ID", item.int("id")).set("CREATED_TIME", m.at)
		if t.entityTypeID == 1 {
			row.set("STATUS_SEMANTIC_ID", semantics).set("STATUS_ID", m.stage)
		} else {
			row.set("CATEGORY_ID", m.category).set("STAGE_SEMANTIC_ID", semantics).set("STAGE_ID", m.stage)
		}
		rows = append(rows, row)
	}
	return rows
}

// semantics tells whether a stage is on the way (P) or ends it well (S) or badly (F).
func (p *Portal) semantics(stage string) string {
	for _, s := range p.statuses {
		if s.statusID == stage && s.semantics != "" {
			return s.semantics
		}
	}
	return "P"
}

// sortRows orders rows by the members of an order whose names are known; any direction but DESC, in any case, is ASC.
func sortRows(rows []*object, order *object, known func(name string) bool) {
	if order == nil {
		return
	}
	slices.SortStableFunc(rows, func(a, b *object) int {
		for _, key := range order.keys {
			by := compare(a.text(key), b.text(key))
			if strings.EqualFold(order.text(key), "DESC") {
				by = -by
			}
			if by != 0 && known(key) {
				return by
			}
		}
		return 0
	})
}
