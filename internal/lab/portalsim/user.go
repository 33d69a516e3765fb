package portalsim

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// User is a user of a portal.
type User struct {
	ID           int
	Name         string
	LastName     string
	Position     string
	TimeZone     string
	Lang         string // of the interface: en, ru, ...
	Admin        bool
	Extranet     bool
	CRM          bool   // may read CRM items
	NoApp        bool   // an administrator keeps the user out of apps
	Photo        bool   // has a picture
	Email        string // default: made of the name
	NoDepartment bool   // belongs to none: user.get leaves such people out, as it does with extranet users
	Dismissed    bool   // may not log in; still listed, with ACTIVE false
	System       bool   // runs the apps of a dismissed user; never listed (settings/system-user.md)

	// Hidden are items that the user may not read though they may read others of the type, such as "4:40".
	Hidden []string
}

func (u *User) email() string {
	if u.Email != "" {
		return u.Email
	}
	return strings.ToLower(u.Name + "." + u.LastName + "@example.com")
}

// hidden are the ids of a type that the user may not read.
func (u *User) hidden(entityTypeID int) []string {
	var ids []string
	for _, name := range u.Hidden {
		if id, ok := strings.CutPrefix(name, strconv.Itoa(entityTypeID)+":"); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

func (u *User) kind() string {
	if u.Extranet {
		return "extranet"
	}
	return "employee"
}

// standardUsers are the users of a new portal. A zone that the browser finds out is stored as an empty one, and that is
// how most users have it.
func standardUsers() []*User {
	return []*User{
		{ID: 1, Name: "Anna", LastName: "Berger", Position: "Administrator", Lang: "en", Admin: true, CRM: true, Photo: true},
		{ID: 2, Name: "Marco", LastName: "Rossi", Position: "Sales manager", Lang: "en", CRM: true},
		{ID: 3, Name: "Nora", LastName: "Lind", Position: "Accountant", Lang: "en"},
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

// methodProfile tells TIME_ZONE as it is stored, and an empty list for somebody who may not log in.
func methodProfile(c *call) (any, *apiError) {
	if c.user.Dismissed {
		return newObject(), nil
	}
	out := newObject().
		set("ID", strconv.Itoa(c.user.ID)).
		set("ADMIN", c.user.Admin).
		set("NAME", c.user.Name).
		set("LAST_NAME", c.user.LastName).
		set("PERSONAL_GENDER", "").
		set("TIME_ZONE", c.user.TimeZone)
	if c.user.Photo {
		out.set("PERSONAL_PHOTO", c.portal.photo(c.user, ""))
	}
	return out, nil
}

// photo is the address of a user's picture, in the size that was asked for; callers hold mu.
func (p *Portal) photo(u *User, size string) string {
	address := p.servers[len(p.servers)-1].url() + "/sim/photo.svg?user=" + strconv.Itoa(u.ID)
	if size != "" {
		address += "&size=" + size
	}
	return address
}

// userFieldTitles are the fields that user.fields names; those of the narrower scopes are marked: b is user_brief, s is
// user_basic (api-reference/user/user-scope.md). Fields of which a user has nothing are left out of answers.
const userFieldTitles = `
ID|ID|bs
XML_ID|External code|bs
ACTIVE|Activity|bs
NAME|First Name|bs
LAST_NAME|Last Name|bs
SECOND_NAME|Middle Name|bs
TITLE|User List|bs
EMAIL|E-Mail|s
LAST_LOGIN|Last Authorization|
DATE_REGISTER|Registration Date|bs
TIME_ZONE|TIME_ZONE|bs
IS_ONLINE|IS_ONLINE|bs
TIMESTAMP_X|TIMESTAMP_X|bs
LAST_ACTIVITY_DATE|LAST_ACTIVITY_DATE|bs
PERSONAL_GENDER|Gender|bs
PERSONAL_PROFESSION|Profession|bs
PERSONAL_WWW|Homepage|
PERSONAL_BIRTHDAY|Date of Birth|bs
PERSONAL_PHOTO|Photo|bs
PERSONAL_PHONE|Personal Phone|s
PERSONAL_MOBILE|Personal Mobile|s
PERSONAL_CITY|Residential City|bs
WORK_PHONE|Company Phone|s
WORK_COMPANY|Company|s
WORK_POSITION|Job Title|bs
WORK_DEPARTMENT|Department|s
UF_EMPLOYMENT_DATE|Hire Date|bs
UF_DEPARTMENT|Units|bs
UF_PHONE_INNER|Extension|bs
USER_TYPE|USER_TYPE|bs
`

// userFieldNames are the fields that the token's scopes let one see, with their titles.
func (c *call) userFieldNames() *object {
	out := newObject()
	for line := range strings.SplitSeq(strings.TrimSpace(userFieldTitles), "\n") {
		part := strings.Split(line, "|")
		if c.granted("user") || strings.Contains(part[2], "s") && c.granted("user_basic") || strings.Contains(part[2], "b") && c.granted("user_brief") {
			out.set(part[0], part[1])
		}
	}
	return out
}

// wholeUser is everything that a portal knows of a user.
func (c *call) wholeUser(u *User, photoSize string) *object {
	out := newObject().set("ID", strconv.Itoa(u.ID)).set("ACTIVE", !u.Dismissed).set("NAME", u.Name).set("LAST_NAME", u.LastName).
		set("SECOND_NAME", "").set("EMAIL", u.email()).set("LAST_LOGIN", "2026-06-01T08:00:00+00:00").
		set("DATE_REGISTER", "2024-07-15T00:00:00+00:00").set("TIME_ZONE", u.TimeZone).set("IS_ONLINE", "N").
		set("TIMESTAMP_X", newObject()).set("LAST_ACTIVITY_DATE", "2026-06-01 08:05:31").set("PERSONAL_GENDER", "").
		set("PERSONAL_BIRTHDAY", "").set("PERSONAL_MOBILE", "").set("PERSONAL_CITY", "").set("WORK_PHONE", "").
		set("WORK_POSITION", u.Position).set("UF_EMPLOYMENT_DATE", "").set("USER_TYPE", u.kind())
	if u.Photo {
		out.set("PERSONAL_PHOTO", c.portal.photo(u, photoSize))
	}
	if !u.NoDepartment && !u.Extranet {
		out.set("UF_DEPARTMENT", newObject().push(1))
	}
	return out
}

// userFields are those of a user that the token's scopes give, and of them those that select names.
func (c *call) userFields(u *User, selected []string, photoSize string) *object {
	allowed, out := c.userFieldNames(), newObject()
	all := len(selected) == 0 || slices.Contains(selected, "*")
	whole := c.wholeUser(u, photoSize)
	for _, name := range whole.keys {
		_, may := allowed.values[name]
		wanted := all || slices.Contains(selected, name) || strings.HasPrefix(name, "UF_") && slices.Contains(selected, "UF_*")
		if may && wanted {
			out.set(name, whole.values[name])
		}
	}
	return out
}

func methodUserCurrent(c *call) (any, *apiError) { return c.userFields(c.user, nil, ""), nil }

func methodServerTime(*call) (any, *apiError) { return moment(time.Now()), nil }
