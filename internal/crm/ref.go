package crm

import (
	"fmt"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// Ref names an item.
type Ref struct {
	EntityTypeID int
	ID           int64
}

// Path is where the portal shows the item (sdk/bx24-js-sdk/additional-functions/bx24-open-path.md).
func (r Ref) Path() string {
	if name := typePath(r.EntityTypeID); name != "" {
		return "/crm/" + name + "/details/" + strconv.FormatInt(r.ID, 10) + "/"
	}
	return fmt.Sprintf("/crm/type/%d/details/%d/", r.EntityTypeID, r.ID)
}

// ListPath is where the portal lists the items of a type; its slider does not open lists.
func ListPath(entityTypeID int) string {
	if name := typePath(entityTypeID); name != "" {
		return "/crm/" + name + "/list/"
	}
	return fmt.Sprintf("/crm/type/%d/list/category/0/", entityTypeID)
}

// typePath is the name that types with addresses of their own have in them.
func typePath(entityTypeID int) string {
	switch entityTypeID {
	case bitrix24.Lead:
		return "lead"
	case bitrix24.Deal:
		return "deal"
	case bitrix24.Contact:
		return "contact"
	case bitrix24.Company:
		return "company"
	}
	return ""
}

// Key is the key under which a page asks for the item's title: "item:4:40".
func (r Ref) Key() string {
	return "item:" + strconv.Itoa(r.EntityTypeID) + ":" + strconv.FormatInt(r.ID, 10)
}

// PersonKey is the key under which a page asks for a person's name: "user:7".
func PersonKey(id int64) string { return "user:" + strconv.FormatInt(id, 10) }

// PersonPath is where the portal shows a person.
func PersonPath(id int64) string { return "/company/personal/user/" + strconv.FormatInt(id, 10) + "/" }

// PositiveID reads an id; 0 where there is none.
func PositiveID(text string) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}
