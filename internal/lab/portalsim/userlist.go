package portalsim

import (
	"fmt"
	"slices"
	"strings"
)

func methodUserGet(c *call) (any, *apiError) { return c.userList(false) }

// methodUserSearch finds people by parts of their names and positions; FIND looks at all of these.
func methodUserSearch(c *call) (any, *apiError) { return c.userList(true) }

func methodUserFields(c *call) (any, *apiError) { return c.userFieldNames(), nil }

// userList answers user.get and user.search. A filter may stand under FILTER, or its members among the parameters; names
// are taken in any case, and members that are no fields are passed over (the platform's code).
func (c *call) userList(search bool) (any, *apiError) {
	from, _ := c.params.fold("FILTER").(*object)
	if from == nil {
		from = c.params
	}
	given, find := newObject(), ""
	for _, key := range from.keys {
		operator, field := splitOperator(strings.ToUpper(key))
		_, known := c.wholeUser(c.user, "").values[field]
		switch {
		case field == "NAME_SEARCH" || search && field == "FIND":
			find = from.text(key)
		case known || field == "UF_DEPARTMENT" || field == "PERSONAL_PHOTO":
			if search && operator == "=" && slices.Contains([]string{"NAME", "LAST_NAME", "SECOND_NAME", "WORK_POSITION"}, field) {
				operator = "%"
			}
			given.set(operator+field, userFilterValue(field, from.values[key]))
		}
	}
	f, refusal := parseFilter(given, nil)
	if refusal != nil {
		return nil, refusal
	}
	selected := newObject().set("select", c.params.fold("select")).texts("select")
	var found []*User
	for _, u := range c.portal.users {
		whole := c.wholeUser(u, "")
		text := strings.ToLower(strings.Join([]string{u.Name, u.LastName, u.Position}, " "))
		if c.listed(u) && f.holds(func(field string) []string { return whole.texts(field) }) && strings.Contains(text, strings.ToLower(find)) {
			found = append(found, u)
		}
	}
	if field := strings.ToUpper(c.params.foldText("sort")); field != "" && c.params.foldText("order") != "" {
		slices.SortStableFunc(found, func(a, b *User) int {
			order := compare(c.wholeUser(a, "").text(field), c.wholeUser(b, "").text(field))
			if strings.EqualFold(c.params.foldText("order"), "DESC") {
				return -order
			}
			return order
		})
	}
	out := newObject()
	for _, u := range found {
		out.push(c.userFields(u, selected, c.params.foldText("IMAGE_RESIZE")))
	}
	return c.page(out), nil
}

// listed reports whether a user appears in lists: employees see people of departments, extranet users themselves, and
// nobody sees system users.
func (c *call) listed(u *User) bool {
	switch {
	case u.System:
		return false
	case c.user.Extranet:
		return u.ID == c.user.ID
	default:
		return !u.NoDepartment && !u.Extranet
	}
}

// userFilterValue writes truth as answers have it.
func userFilterValue(field string, value any) any {
	if field != "ACTIVE" {
		return value
	}
	if text := newObject().set("v", value).text("v"); text == "Y" || text == "1" || text == "true" {
		return "Y"
	}
	return "N"
}

// TerminateUser ends a user's employment, as an administrator does in the portal. Without transfer the user's tokens and
// webhooks stop working; with it they go over to a system user with the same rights, which is a new user.
func (p *Portal) TerminateUser(id int, transfer bool) error {
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.user(id)
	if u == nil {
		return fmt.Errorf("there is no user %d", id)
	}
	u.Dismissed = true
	if !transfer {
		return nil
	}
	last := u.ID
	for _, other := range p.users {
		last = max(last, other.ID)
	}
	clone := *u
	clone.ID, clone.Dismissed, clone.System, clone.LastName, clone.Photo = last+1, false, true, "", false
	p.users = append(p.users, &clone)
	for _, in := range p.installs {
		if in.user == u {
			in.user = &clone
		}
		for i := range in.handlers {
			if in.handlers[i].userID == u.ID {
				in.handlers[i].userID = clone.ID
			}
		}
		clone.Name = in.app.Name
	}
	for _, set := range []map[string]*token{p.sim.access, p.sim.refresh, p.webhooks} {
		for _, t := range set {
			if t.portal == p && t.user == u {
				t.user = &clone
			}
		}
	}
	return nil
}
