package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Shape is how large the deal of a portal is. A portal's REST address names it: http://127.0.0.1:port/45x4/rest/ has
// deals of 45 fields and 4 product rows.
type Shape struct {
	Fields, Rows int
}

// maxFields and maxRows keep what one address can make the process build within its memory.
const (
	maxFields = 20_000
	maxRows   = 1_000
)

// ParseShape reads "45x4".
func ParseShape(text string) (Shape, error) {
	var s Shape
	fields, rows, found := strings.Cut(text, "x")
	var err error
	if s.Fields, err = strconv.Atoi(fields); err != nil || !found || s.Fields < 1 || s.Fields > maxFields {
		return s, fmt.Errorf("%q is no shape: want fieldsxrows, at most %dx%d", text, maxFields, maxRows)
	}
	if s.Rows, err = strconv.Atoi(rows); err != nil || s.Rows < 0 || s.Rows > maxRows {
		return s, fmt.Errorf("%q is no shape: want fieldsxrows, at most %dx%d", text, maxFields, maxRows)
	}
	return s, nil
}

func (s Shape) String() string { return fmt.Sprintf("%dx%d", s.Fields, s.Rows) }

// field is a field of the deal: how crm.item.fields describes it and what crm.item.get says is in it (JSON).
type field struct {
	name, kind, title, value string
	more                     string // further members of its description, beginning with a comma
}

// standard are fields that every deal has, with values that people fill in
// (api-reference/crm/universal/crm-item-get.md). The title comes early, so that the smallest deal has it too.
var standard = []field{
	{"id", "integer", "ID", `20`, ""},
	{"title", "string", "Name", `"Bench deal"`, ""},
	{"stageId", "crm_status", "Stage", `"EXECUTING"`, `,"statusType":"DEAL_STAGE"`},
	{"categoryId", "crm_category", "Pipeline", `0`, ""},
	{"opportunity", "double", "Amount", `48250.5`, ""},
	{"currencyId", "crm_currency", "Currency", `"EUR"`, ""},
	{"assignedById", "user", "Responsible person", `2`, ""},
	{"createdTime", "datetime", "Created on", `"2026-02-10T11:20:00+01:00"`, ""},
	{"updatedTime", "datetime", "Updated on", `"2026-06-01T08:05:31+02:00"`, ""},
	{"createdBy", "user", "Created by", `2`, ""},
	{"updatedBy", "user", "Updated by", `1`, ""},
	{"movedTime", "datetime", "Moved on", `"2026-05-20T14:00:00+02:00"`, ""},
	{"movedBy", "user", "Moved by", `2`, ""},
	{"opened", "boolean", "Available to everyone", `"Y"`, ""},
	{"stageSemanticId", "string", "Stage group", `"P"`, ""},
	{"typeId", "crm_status", "Deal type", `"SALE"`, `,"statusType":"DEAL_TYPE"`},
	{"isManualOpportunity", "boolean", "Amount calculation mode", `"N"`, ""},
	{"taxValue", "double", "Tax", `7703.86`, ""},
	{"probability", "integer", "Probability, %", `70`, ""},
	{"begindate", "date", "Start date", `"2026-02-10T03:00:00+03:00"`, ""},
	{"closedate", "date", "End date", `"2026-07-31T03:00:00+03:00"`, ""},
	{"companyId", "crm_company", "Company", `40`, ""},
	{"contactId", "crm_contact", "Contact", `30`, ""},
	{"contactIds", "crm_contact", "Contacts", `[30,31]`, ""},
	{"sourceId", "crm_status", "Source", `"CALL"`, `,"statusType":"SOURCE"`},
	{"sourceDescription", "text", "Source information", `"Met at the spring exhibition, hall 4"`, ""},
	{"observers", "user", "Observers", `[1,3]`, ""},
	{"lastActivityTime", "datetime", "Last activity", `"2026-06-01T08:05:31+02:00"`, ""},
	{"lastActivityBy", "user", "Last activity by", `1`, ""},
	{"additionalInfo", "text", "Additional information", `"Gate 3, ask for the shift lead"`, ""},
	{"comments", "text", "Comment", `"Delivery in [b]two parts[/b]: scales first, cables later. The northern gate is open from 8 to 16."`, ""},
	{"xmlId", "string", "External code", `"erp-20"`, ""},
	{"leadId", "crm_lead", "Lead", `250`, ""},
	{"isRecurring", "boolean", "Recurring deal", `"N"`, ""},
	{"isReturnCustomer", "boolean", "Repeat deal", `"Y"`, ""},
	{"closed", "boolean", "Closed", `"N"`, ""},
	{"utmSource", "string", "Advertising system", `"newsletter"`, ""},
	{"utmMedium", "string", "Medium", `"email"`, ""},
	{"utmCampaign", "string", "Campaign", `null`, ""},
}

// custom are the kinds of fields that portals add, in turns; %[1]d is the field's number.
var custom = []field{
	{"", "string", "Note", `"Some text of a usual length"`, `,"settings":{"SIZE":20,"ROWS":1,"REGEXP":"","MIN_LENGTH":0,"MAX_LENGTH":0,"DEFAULT_VALUE":""}`},
	{"", "integer", "Pieces", `42`, `,"settings":{"SIZE":20,"MIN_VALUE":0,"MAX_VALUE":0,"DEFAULT_VALUE":null}`},
	{"", "double", "Weight", `1.5`, `,"settings":{"PRECISION":2,"SIZE":20,"MIN_VALUE":0,"MAX_VALUE":0,"DEFAULT_VALUE":null}`},
	{"", "boolean", "Checked", `"Y"`, `,"settings":{"DEFAULT_VALUE":0,"DISPLAY":"CHECKBOX","LABEL":["",""],"LABEL_CHECKBOX":"Checked"}`},
	{"", "date", "Due", `"2026-01-20T03:00:00+03:00"`, `,"settings":{"DEFAULT_VALUE":{"TYPE":"NONE","VALUE":""}}`},
	{"", "money", "Price", `"99.5|EUR"`, `,"settings":{"DEFAULT_VALUE":""}`},
	{"", "employee", "Colleague", `1`, `,"settings":[]`},
	{"", "url", "Page", `"https://example.com/page/%[1]d"`, `,"settings":{"POPUP":"Y","SIZE":20,"MIN_LENGTH":0,"MAX_LENGTH":0,"DEFAULT_VALUE":"","ROWS":1}`},
	{"", "string", "Left empty", `null`, `,"settings":{"SIZE":20,"ROWS":1,"REGEXP":"","MIN_LENGTH":0,"MAX_LENGTH":0,"DEFAULT_VALUE":""}`},
	{"", "enumeration", "Delivery", `41`, `,"settings":{"DISPLAY":"LIST","LIST_HEIGHT":1,"CAPTION_NO_VALUE":"","SHOW_NO_VALUE":"Y"},"items":[{"ID":"41","VALUE":"By courier"},{"ID":"42","VALUE":"Pick-up"}]`},
	{"", "datetime", "Visit", `"2026-03-04T09:30:00+01:00"`, `,"settings":{"DEFAULT_VALUE":{"TYPE":"NONE","VALUE":""},"USE_SECOND":"Y","USE_TIMEZONE":"N"}`},
	{"", "string", "Serial numbers", `["A-%[1]d","B-%[1]d"]`, `,"settings":{"SIZE":20,"ROWS":1,"REGEXP":"","MIN_LENGTH":0,"MAX_LENGTH":0,"DEFAULT_VALUE":""}`},
}

// fields are the fields of a shape's deal.
func (s Shape) fields() []field {
	all := append([]field{}, standard[:min(s.Fields, len(standard))]...)
	for i := 0; len(all) < s.Fields; i++ {
		f := custom[i%len(custom)]
		f.name = fmt.Sprintf("ufCrm_%d", 1700000000000+i)
		f.title = fmt.Sprintf("%s %d", f.title, i+1)
		if strings.Contains(f.value, "%[1]d") {
			f.value = fmt.Sprintf(f.value, i)
		}
		all = append(all, f)
	}
	return all
}

func (f field) isCustom() bool   { return strings.HasPrefix(f.name, "ufCrm_") }
func (f field) isMultiple() bool { return strings.HasPrefix(f.value, "[") }

// upperName writes createdTime as CREATED_TIME.
func (f field) upperName() string {
	var out strings.Builder
	for _, r := range f.name {
		if r >= 'A' && r <= 'Z' {
			out.WriteByte('_')
		}
		out.WriteRune(r)
	}
	return strings.ToUpper(out.String())
}

// Item is the answer of crm.item.get. All deals of a portal are alike, whatever id is asked for.
func (s Shape) Item() []byte {
	var out bytes.Buffer
	out.WriteString(`{"item":{`)
	for _, f := range s.fields() {
		fmt.Fprintf(&out, `%q:%s,`, f.name, f.value)
	}
	out.WriteString(`"entityTypeId":2}}`)
	return out.Bytes()
}

// Describe is the answer of crm.item.fields.
func (s Shape) Describe() []byte {
	var out bytes.Buffer
	out.WriteString(`{"fields":{`)
	for i, f := range s.fields() {
		if i > 0 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `%q:{"type":%q,"isRequired":false,"isReadOnly":false,"isImmutable":false,"isMultiple":%t,"isDynamic":%t,"title":%q`,
			f.name, f.kind, f.isMultiple(), f.isCustom(), f.title)
		if f.isCustom() {
			fmt.Fprintf(&out, `,"listLabel":%q,"formLabel":%[1]q,"filterLabel":%[1]q`, f.title)
		}
		fmt.Fprintf(&out, `%s,"upperName":%q}`, f.more, f.upperName())
	}
	out.WriteString(`}}`)
	return out.Bytes()
}

// Layout is the common arrangement of the card: three sections, which hold three of four custom fields.
func (s Shape) Layout() []byte {
	type element struct {
		Name string `json:"name"`
	}
	type section struct {
		Name     string    `json:"name"`
		Title    string    `json:"title"`
		Type     string    `json:"type"`
		Elements []element `json:"elements"`
	}
	sections := []section{
		{Name: "main", Title: "About deal", Type: "section"},
		{Name: "additional", Title: "More", Type: "section"},
		{Name: "products", Title: "Products", Type: "section", Elements: []element{{"PRODUCT_ROW_SUMMARY"}}},
	}
	for _, name := range []string{"TITLE", "OPPORTUNITY_WITH_CURRENCY", "STAGE_ID", "CLOSEDATE", "CLIENT"} {
		sections[0].Elements = append(sections[0].Elements, element{name})
	}
	for _, name := range []string{"TYPE_ID", "SOURCE_ID", "BEGINDATE", "OPENED", "ASSIGNED_BY_ID", "OBSERVER", "COMMENTS", "UTM"} {
		sections[1].Elements = append(sections[1].Elements, element{name})
	}
	for i, f := range s.fields() {
		if f.isCustom() && i%4 != 0 {
			sections[1].Elements = append(sections[1].Elements, element{f.upperName()})
		}
	}
	text, _ := json.Marshal(sections) // plain texts always marshal
	return text
}

// pageSize is how many rows a list answers at once.
const pageSize = 50

// Products is a page of the answer of crm.item.productrow.list.
func (s Shape) Products(start int) []byte {
	var out bytes.Buffer
	out.WriteString(`{"productRows":[`)
	for i := start; i < min(s.Rows, start+pageSize); i++ {
		if i > start {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, `{"id":%d,"ownerId":20,"ownerType":"D","productId":%d,"productName":"Floor scale FS-%d","price":%d.66,"priceAccount":"%[4]d.66",`+
			`"priceExclusive":%[5]d.30,"priceNetto":%[5]d.5,"priceBrutto":%[4]d.9,"quantity":2.5,"discountTypeId":2,"discountRate":5,"discountSum":3.25,`+
			`"taxRate":19,"taxIncluded":"N","customized":"Y","measureCode":796,"measureName":"pcs","sort":%[6]d,"xmlId":"","type":1,"storeId":null}`,
			17001+i, 9601+i, 300+i, 119+i, 100+i, 10*(i+1))
	}
	out.WriteString(`]}`)
	return out.Bytes()
}
