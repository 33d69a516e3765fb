package portalsim

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// clientDetails are the requisites of contacts and companies, the bank details of requisites, and addresses.
type clientDetails struct {
	requisites, bank, addresses []*object
}

// detailField is a field of requisites, bank details or addresses, with its titles.
type detailField struct {
	name, kind string
	titles     [2]string
}

func parseDetailFields(text string) []detailField {
	var out []detailField
	for _, f := range parseFields(text) {
		out = append(out, detailField{f.name, f.kind, f.titles})
	}
	return out
}

// Some of the fields that the platform has; what a portal's country does not know has its name for a title.
const (
	requisiteFields = `
ID|integer|ID|ID
ENTITY_TYPE_ID|integer|Entity type ID|ID типа сущности
ENTITY_ID|integer|Entity ID|ID сущности
PRESET_ID|integer|Preset ID|ID шаблона
DATE_CREATE|datetime|Creation date|Дата создания
NAME|string|Name|Название
ACTIVE|char|Active|Активность
ADDRESS_ONLY|char|ADDRESS_ONLY|ADDRESS_ONLY
SORT|integer|Sort order|Сортировка
RQ_NAME|string|Full Name|ФИО
RQ_COMPANY_NAME|string|Short organization name|Сокращённое наименование организации
RQ_COMPANY_FULL_NAME|string|Full organization name|Полное наименование организации
RQ_DIRECTOR|string|CEO|Ген. директор
RQ_INN|string|Tax ID|ИНН
RQ_KPP|string|Tax Registration Code|КПП
RQ_VAT_ID|string|VAT ID|Номер плательщика НДС
RQ_EDRPOU|string|RQ_EDRPOU|RQ_EDRPOU
`
	bankFields = `
ID|integer|ID|ID
ENTITY_TYPE_ID|integer|Entity type ID|ID типа сущности
ENTITY_ID|integer|Object ID|ID объекта
COUNTRY_ID|integer|Country ID|ID страны
NAME|string|Name|Название
ACTIVE|char|Active|Активность
SORT|integer|Sort order|Сортировка
RQ_BANK_NAME|string|Bank name|Наименование банка
RQ_BIK|string|BIK|БИК
RQ_ACC_NUM|string|Bank account|Расчётный счёт
RQ_IBAN|string|IBAN|IBAN
RQ_SWIFT|string|SWIFT|SWIFT
COMMENTS|string|Comment|Комментарий
`
	addressFields = `
TYPE_ID|integer|Type|Тип
ENTITY_TYPE_ID|integer|Entity type|Тип сущности
ENTITY_ID|integer|Entity|Сущность
ADDRESS_1|string|Street, house no.|Улица, дом
ADDRESS_2|string|Suite / Apartment|Квартира, офис
CITY|string|City|Населённый пункт
POSTAL_CODE|string|Zip|Почтовый индекс
REGION|string|Region|Район
PROVINCE|string|State / Province|Область
COUNTRY|string|Country|Страна
COUNTRY_CODE|string|Country code|Код страны
LOC_ADDR_ID|integer|Location|Местоположение
ANCHOR_TYPE_ID|integer|Anchor type|Тип владельца
ANCHOR_ID|integer|Anchor|Владелец
`
)

func standardDetails() clientDetails {
	return clientDetails{
		requisites: parseItems(`[
{"ID":"7","ENTITY_TYPE_ID":"4","ENTITY_ID":"40","PRESET_ID":"1","NAME":"Head office","ACTIVE":"Y","ADDRESS_ONLY":"N","SORT":"500",
 "RQ_COMPANY_NAME":"Nordlicht Logistics","RQ_COMPANY_FULL_NAME":"Nordlicht Logistics GmbH & Co. KG","RQ_DIRECTOR":"Clara Weiss","RQ_VAT_ID":"DE000000000"},
{"ID":"8","ENTITY_TYPE_ID":"4","ENTITY_ID":"41","PRESET_ID":"1","NAME":"Blue Harbor","ACTIVE":"Y","ADDRESS_ONLY":"N","SORT":"500","RQ_COMPANY_NAME":"Blue Harbor Software","RQ_INN":"0000000041"},
{"ID":"9","ENTITY_TYPE_ID":"3","ENTITY_ID":"30","PRESET_ID":"5","NAME":"Individual","ACTIVE":"Y","ADDRESS_ONLY":"N","SORT":"500","RQ_NAME":"Clara Weiss","RQ_INN":"0000000030"}
]`),
		bank: parseItems(`[
{"ID":"3","ENTITY_TYPE_ID":"8","ENTITY_ID":"7","COUNTRY_ID":"46","NAME":"Everyday account","ACTIVE":"Y","SORT":"500","RQ_BANK_NAME":"Bank of Nowhere","RQ_IBAN":"DE00 0000 0000 0000 0000 00","RQ_SWIFT":"NOWHDE00"},
{"ID":"4","ENTITY_TYPE_ID":"8","ENTITY_ID":"8","COUNTRY_ID":"1","NAME":"Main","ACTIVE":"Y","SORT":"500","RQ_BANK_NAME":"Harbor Bank","RQ_ACC_NUM":"00000000000000000041"}
]`),
		addresses: parseItems(`[
{"TYPE_ID":"1","ENTITY_TYPE_ID":"8","ENTITY_ID":"7","ADDRESS_1":"Hafenstrasse 4","ADDRESS_2":"Gate 2","CITY":"Port Town","POSTAL_CODE":"20457","REGION":"","PROVINCE":"","COUNTRY":"Germany","COUNTRY_CODE":null,"LOC_ADDR_ID":"11","ANCHOR_TYPE_ID":"4","ANCHOR_ID":"40"},
{"TYPE_ID":"6","ENTITY_TYPE_ID":"8","ENTITY_ID":"7","ADDRESS_1":"Lagerweg 1","ADDRESS_2":"","CITY":"Port Town","POSTAL_CODE":"20459","REGION":"","PROVINCE":"","COUNTRY":"Germany","COUNTRY_CODE":null,"LOC_ADDR_ID":"12","ANCHOR_TYPE_ID":"4","ANCHOR_ID":"40"},
{"TYPE_ID":"6","ENTITY_TYPE_ID":"8","ENTITY_ID":"8","ADDRESS_1":"Quay 7","ADDRESS_2":"","CITY":"Blue Harbor","POSTAL_CODE":"","REGION":"","PROVINCE":"","COUNTRY":"","COUNTRY_CODE":null,"LOC_ADDR_ID":"13","ANCHOR_TYPE_ID":"4","ANCHOR_ID":"41"}
]`),
	}
}

// detailRows answers a list of the older methods: filters by fields that it has, 50 a page, every value as text. Rights
// are those on the types alone: whoever may read some contacts and companies is told of all of them (the platform's code).
func (c *call) detailRows(rows []*object, text string) (any, *apiError) {
	if !c.user.CRM || c.user.Extranet {
		return nil, failure(400, "", "Access denied.")
	}
	kinds := map[string]string{}
	for _, f := range parseDetailFields(text) {
		kinds[f.name] = f.kind
	}
	given, _ := c.params.fold("filter").(*object)
	kept := newObject()
	if given != nil {
		for _, key := range given.keys {
			_, name := splitOperator(key)
			switch kinds[name] {
			case "": // passed over
			case "integer":
				kept.set(key, asIntegers(given.values[key]))
			default:
				kept.set(key, given.values[key])
			}
		}
	}
	f, refusal := parseFilter(kept, nil)
	if refusal != nil {
		return nil, refusal
	}
	selected := newObject().set("select", c.params.fold("select")).texts("select")
	out := newObject()
	for _, row := range rows {
		if f.holds(func(field string) []string { return row.texts(field) }) {
			shown := newObject()
			for _, name := range slices.Sorted(maps.Keys(kinds)) {
				if len(selected) == 0 || slices.Contains(selected, name) || slices.Contains(selected, "*") {
					shown.set(name, row.values[name])
				}
			}
			out.push(shown)
		}
	}
	return c.page(out), nil
}

// asIntegers reads values as PHP casts texts to integers: as far as they are digits.
func asIntegers(value any) any {
	list, isArray := value.(*object)
	if isArray {
		out := newObject()
		for _, key := range list.keys {
			out.set(key, asIntegers(list.values[key]))
		}
		return out
	}
	text := newObject().set("v", value).text("v")
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		text = text[:end]
	}
	n, _ := strconv.Atoi(text)
	return strconv.Itoa(n)
}

// methodRequisiteList is crm.requisite.list (crm-requisite-list.md).
func methodRequisiteList(c *call) (any, *apiError) {
	if id := c.params.text("filter", "ENTITY_TYPE_ID"); id != "" && id != "3" && id != "4" {
		return nil, failure(400, "", "Access denied.")
	}
	return c.detailRows(c.portal.details.requisites, requisiteFields)
}

// methodBankDetailList is crm.requisite.bankdetail.list (crm-requisite-bank-detail-list.md).
func methodBankDetailList(c *call) (any, *apiError) {
	return c.detailRows(c.portal.details.bank, bankFields)
}

// methodAddressList is crm.address.list (crm-address-list.md).
func methodAddressList(c *call) (any, *apiError) {
	return c.detailRows(c.portal.details.addresses, addressFields)
}

// detailDescriptions describes fields in the language of the user's interface; who may not read anything is told too.
func (c *call) detailDescriptions(text string) (any, *apiError) {
	out := newObject()
	for _, f := range parseDetailFields(text) {
		out.set(f.name, newObject().set("type", f.kind).set("isRequired", false).set("isReadOnly", f.name == "ID").set("isImmutable", false).
			set("isMultiple", false).set("isDynamic", false).set("title", pick(f.titles, c.user.Lang)))
	}
	return out, nil
}

func methodRequisiteFields(c *call) (any, *apiError)  { return c.detailDescriptions(requisiteFields) }
func methodBankDetailFields(c *call) (any, *apiError) { return c.detailDescriptions(bankFields) }

// methodAddressTypes is crm.enum.addresstype (crm-enum-address-type.md).
func methodAddressTypes(c *call) (any, *apiError) {
	out := newObject()
	for _, t := range []struct {
		id     int
		titles [2]string
	}{
		{11, [2]string{"Shipping address", "Адрес доставки"}}, {1, [2]string{"Physical address", "Фактический адрес"}},
		{6, [2]string{"Legal address", "Юридический адрес"}}, {4, [2]string{"Registered address", "Адрес регистрации"}},
		{8, [2]string{"Mailing address", "Адрес для корреспонденции"}}, {9, [2]string{"Beneficiary address", "Адрес бенефициара"}},
	} {
		out.push(newObject().set("ID", t.id).set("NAME", pick(t.titles, c.user.Lang)).set("SYMBOL_CODE", nil).set("SYMBOL_CODE_SHORT", nil))
	}
	return out, nil
}
