package portalsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// comment is a comment in the timeline of items.
type comment struct {
	id      int
	owners  []string // as moveKey names them
	author  int
	created string
	text    string // BBCode
}

// methodCommentList answers the comments of one item (crm-timeline-comment-list.md). Whoever may not read the item is
// refused without a code; of an item that does not exist there are none. Directions of an order are read in capitals only,
// and orders by other fields are passed over. Everything is text; FILES are left out where there are none.
func methodCommentList(c *call) (any, *apiError) {
	filter, _ := c.params.fold("filter").(*object)
	if filter == nil {
		filter = newObject()
	}
	name := strings.ToUpper(filter.text("ENTITY_TYPE"))
	at := slices.IndexFunc(c.portal.types, func(t *crmType) bool { return t.ownerName() == name })
	if !c.user.CRM || c.user.Extranet || at < 0 || filter.int("ENTITY_ID") <= 0 {
		return nil, failure(400, "", "Access denied.")
	}
	t, id := c.portal.types[at], filter.int("ENTITY_ID")
	var rows []*object
	for _, entry := range c.portal.comments {
		if slices.Contains(entry.owners, moveKey(t.entityTypeID, id)) {
			rows = append(rows, newObject().set("ID", strconv.Itoa(entry.id)).set("ENTITY_ID", id).set("ENTITY_TYPE", strings.ToLower(name)).
				set("CREATED", entry.created).set("COMMENT", entry.text).set("AUTHOR_ID", strconv.Itoa(entry.author)))
		}
	}
	order, _ := c.params.fold("order").(*object)
	if order != nil {
		strict := newObject()
		for _, key := range order.keys {
			strict.set(key, map[bool]string{true: "DESC"}[order.text(key) == "DESC"])
		}
		sortRows(rows, strict, func(name string) bool { return slices.Contains([]string{"ID", "CREATED", "AUTHOR_ID"}, name) })
	}
	selected := c.params.texts("select")
	all := newObject()
	for _, row := range rows {
		if len(selected) > 0 {
			row = row.only(selected)
		}
		all.push(row)
	}
	return c.wholePage(all), nil
}

// ownerName is the platform's name of a type (api-reference/crm/data-types.md, object types).
func (t *crmType) ownerName() string {
	if t.typeID > 0 {
		return fmt.Sprintf("DYNAMIC_%d", t.entityTypeID)
	}
	return t.code
}

// AddComments adds comments to an item, a minute after each other.
func (p *Portal) AddComments(entityTypeID, id, author int, texts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n, text := range texts {
		p.comments = append(p.comments, comment{
			id: 9000 + len(p.comments), owners: []string{moveKey(entityTypeID, id)}, author: author,
			created: fmt.Sprintf("2026-06-02T%02d:%02d:00+02:00", 10+n/60%12, n%60), text: text,
		})
	}
}

func standardComments() []comment {
	deal := []string{moveKey(2, 20)}
	return []comment{
		{701, deal, 2, "2026-02-11T09:12:00+01:00", "Clara wants [b]three scales[/b], two of them before Easter."},
		{702, deal, 1, "2026-03-18T17:40:00+01:00", "[user=2]Marco Rossi[/user], please ask for:\n[list][*]the floor plan[*]the height of the gate[/list]"},
		{703, deal, 2, "2026-04-02T12:14:00+02:00", "The customer changed the order: back to the documents.\n[quote]Please take the display cables out.[/quote]"},
		{704, deal, 2, "2026-05-20T14:02:00+02:00", "Signed. See [url=https://nordlicht.example/gate]the gate[/url]."},
		{705, deal, 999, "2026-05-22T08:30:00+02:00", "Imported note <script>alert(1)</script> from a colleague who has left."},
		{706, []string{moveKey(1, 251)}, 2, "2026-03-03T10:00:00+01:00", "Compares us with two others."},
		{707, []string{moveKey(1038, 5)}, 1, "2026-05-01T10:05:00+02:00", "Handed over with the [i]calibration certificate[/i]."},
		{708, []string{moveKey(7, 70)}, 2, "2026-02-13T10:00:00+01:00", "Sent by mail and by post."},
		{709, []string{moveKey(4, 40)}, 1, "2026-01-15T11:00:00+01:00", "Framework agreement until the end of 2027."},
	}
}
