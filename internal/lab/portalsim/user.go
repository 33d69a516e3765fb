package portalsim

import (
	"slices"
	"strconv"
)

// User is a user of a portal.
type User struct {
	ID       int
	Name     string
	LastName string
	Position string
	TimeZone string
	Lang     string // of the interface: en, ru, ...
	Admin    bool
	Extranet bool
	CRM      bool // may read CRM items
	NoApp    bool // an administrator keeps the user out of apps
	Photo    bool // has a picture
}

func standardUsers() []*User {
	return []*User{
		{ID: 1, Name: "Anna", LastName: "Berger", Position: "Administrator", TimeZone: "Europe/Berlin", Lang: "en", Admin: true, CRM: true, Photo: true},
		{ID: 2, Name: "Marco", LastName: "Rossi", Position: "Sales manager", TimeZone: "Europe/Rome", Lang: "en", CRM: true},
		{ID: 3, Name: "Nora", LastName: "Lind", Position: "Accountant", TimeZone: "", Lang: "en"},
		{ID: 4, Name: "Erik", LastName: "Novak", Position: "Contractor", TimeZone: "Europe/Prague", Lang: "en", Extranet: true},
	}
}

// ChangeUser changes a user's rights, language or anything else.
func (p *Portal) ChangeUser(id int, change func(*User)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := p.user(id); u != nil {
		change(u)
	}
}

func (p *Portal) user(id int) *User { // callers hold mu
	for _, u := range p.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

func methodProfile(c *call) (any, *apiError) {
	return newObject().
		set("ID", strconv.Itoa(c.user.ID)).
		set("ADMIN", c.user.Admin).
		set("NAME", c.user.Name).
		set("LAST_NAME", c.user.LastName).
		set("PERSONAL_GENDER", "").
		set("TIME_ZONE", c.user.TimeZone), nil
}

// userFields are those that user_brief gives; user_basic and user give more.
func (c *call) userFields(u *User) *object {
	out := newObject().set("ID", strconv.Itoa(u.ID)).set("ACTIVE", true).set("NAME", u.Name).
		set("LAST_NAME", u.LastName).set("SECOND_NAME", "").set("WORK_POSITION", u.Position)
	if u.Photo {
		out.set("PERSONAL_PHOTO", "http://"+c.portal.servers[len(c.portal.servers)-1].host()+"/sim/photo.svg?user="+strconv.Itoa(u.ID))
	}
	if u.Extranet {
		return out.set("USER_TYPE", "extranet")
	}
	return out.set("USER_TYPE", "employee")
}

func methodUserGet(c *call) (any, *apiError) {
	ids := c.params.texts("FILTER", "ID")
	if ids == nil {
		ids = c.params.texts("FILTER", "@ID")
	}
	out := newObject()
	out.list = true
	for _, u := range c.portal.users {
		if ids == nil || slices.Contains(ids, strconv.Itoa(u.ID)) {
			out.set(strconv.Itoa(len(out.keys)), c.userFields(u))
		}
	}
	return c.page(out), nil
}
