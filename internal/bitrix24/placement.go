package bitrix24

import (
	"fmt"
	"strconv"
	"strings"
)

// The ids of CRM types (api-reference/crm/data-types.md, object types). Smart processes have ids of their own.
const (
	Lead         = 1
	Deal         = 2
	Contact      = 3
	Company      = 4
	Quote        = 7
	SmartInvoice = 31
)

// DefaultPlacement is the placement of the app's own page in the left menu.
const DefaultPlacement = "DEFAULT"

var detailTabs = []struct {
	entityTypeID int
	code         string
}{
	{Lead, "CRM_LEAD_DETAIL_TAB"},
	{Deal, "CRM_DEAL_DETAIL_TAB"},
	{Contact, "CRM_CONTACT_DETAIL_TAB"},
	{Company, "CRM_COMPANY_DETAIL_TAB"},
	{Quote, "CRM_QUOTE_DETAIL_TAB"},
	{SmartInvoice, "CRM_SMART_INVOICE_DETAIL_TAB"},
}

// SystemTypes are the ids of the types that every portal has, in the order of the portal's menu.
func SystemTypes() []int {
	ids := make([]int, len(detailTabs))
	for i, tab := range detailTabs {
		ids[i] = tab.entityTypeID
	}
	return ids
}

// DetailTab is the placement code of the tab in the card of a type (api-reference/widgets/crm/detail-tab.md).
func DetailTab(entityTypeID int) string {
	for _, tab := range detailTabs {
		if tab.entityTypeID == entityTypeID {
			return tab.code
		}
	}
	return fmt.Sprintf("CRM_DYNAMIC_%d_DETAIL_TAB", entityTypeID)
}

// shortCodes are the short codes of the types that every portal has (api-reference/crm/data-types.md, object types).
var shortCodes = map[int]string{Lead: "L", Deal: "D", Contact: "C", Company: "CO", Quote: "Q", SmartInvoice: "SI"}

// ShortCode is the short code of a type, as product rows and fields of type crm write it: "D", or "T40e" with the id of
// a smart process in hexadecimal digits.
func ShortCode(entityTypeID int) string {
	if code, ok := shortCodes[entityTypeID]; ok {
		return code
	}
	return "T" + strconv.FormatInt(int64(entityTypeID), 16)
}

// TypeOfShortCode is the reverse of ShortCode.
func TypeOfShortCode(code string) (entityTypeID int, ok bool) {
	for id, known := range shortCodes {
		if known == code {
			return id, true
		}
	}
	hex, dynamic := strings.CutPrefix(code, "T")
	id, err := strconv.ParseInt(hex, 16, 32)
	return int(id), dynamic && err == nil && id > 0
}

// IsDetailTab reports whether a placement is a tab in a CRM card, of whatever type.
func IsDetailTab(placement string) bool {
	return strings.HasPrefix(placement, "CRM_") && strings.HasSuffix(placement, "_DETAIL_TAB")
}

// EntityTypeOf tells the type from the code of a card's tab: no other key of the request does.
func EntityTypeOf(placement string) (entityTypeID int, ok bool) {
	for _, tab := range detailTabs {
		if tab.code == placement {
			return tab.entityTypeID, true
		}
	}
	digits, found := strings.CutPrefix(placement, "CRM_DYNAMIC_")
	digits, tab := strings.CutSuffix(digits, "_DETAIL_TAB")
	if !found || !tab || strings.Trim(digits, "0123456789") != "" {
		return 0, false
	}
	id, err := strconv.Atoi(digits)
	return id, err == nil && id > 0
}
