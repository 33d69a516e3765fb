package portalsim

import (
	"slices"
	"strings"
)

// complete adds what the standard data leaves out and real portals have: fields that are
// described (api-reference/crm/universal/object-fields.md), members that items have without a description, and custom
// fields with settings.
func (t *crmType) complete() {
	t.describeMore(moreFields[t.entityTypeID] + commonToAll)
	for _, item := range t.items {
		for _, f := range t.fields {
			if _, ok := item.values[f.name]; !ok && f.name != "fm" {
				item.set(f.name, f.empty())
			}
		}
		for name := range strings.FieldsSeq(undescribed[t.entityTypeID]) {
			if _, ok := item.values[name]; !ok {
				item.set(name, nil)
			}
		}
		if t.field("hasPhone").name != "" && item.values["fm"] == nil {
			item.set("fm", newObject())
		}
	}
	t.settleParents()
	t.describeMultifields()
	if t.entityTypeID == 1038 {
		t.describeMore(clocks)
	}
	t.fillSamples()
}

// settleParents tells of fields that hold an item of which type they are (crm-item-fields.md).
func (t *crmType) settleParents() {
	t.fields = slices.Clone(t.fields)
	for i := range t.fields {
		f := &t.fields[i]
		id, isParent := strings.CutPrefix(f.name, "parentId")
		switch {
		case isParent:
			f.settings = `{"parentEntityTypeId":` + id + `}`
		case f.name == "companyId":
			f.settings = `{"parentEntityTypeId":4}`
		case f.name == "mycompanyId":
			f.settings = `{"isMyCompany":true,"parentEntityTypeId":4,"isEmbeddedEditorEnabled":true}`
		}
	}
}

// empty is what an item has in a field that nobody filled in.
func (f field) empty() any {
	switch {
	case containsFlag(f.flags, 'm'):
		return newObject()
	case f.kind == "boolean" && !containsFlag(f.flags, 'd'):
		return "N"
	}
	return nil
}

func (t *crmType) describeMore(lines string) {
	for _, f := range parseFields(lines) {
		if t.field(f.name).name == "" {
			t.fields = append(t.fields, f)
		}
	}
}

// describeMultifields: phones and the like are described as fm, and under no name of their own; items have both.
func (t *crmType) describeMultifields() {
	if t.field("phone").name == "" {
		return
	}
	single := func(name string) bool {
		return strings.HasPrefix(name, "phone") || strings.HasPrefix(name, "email") || slices.Contains([]string{"skype", "icq", "imol"}, name)
	}
	t.fields = slices.DeleteFunc(slices.Clone(t.fields), func(f field) bool { return single(f.name) })
	t.fields = append(t.fields, field{name: "fm", kind: "crm_multifield", titles: [2]string{"Multi-fields", "Мультиполя"}, flags: "m"})
}

// commonToAll: the platform describes the moment of the last communication as a string.
const commonToAll = `
lastCommunicationTime|string|Last communication|Последняя коммуникация|r
lastCommunicationCallTime|datetime|Last call|Последний звонок|r
lastCommunicationEmailTime|datetime|Last e-mail|Последнее письмо|r
lastCommunicationImolTime|datetime|Last open channel message|Последнее сообщение|r
lastCommunicationWebformTime|datetime|Last CRM form|Последняя форма|r
lastActivityTime|datetime|Last activity|Последняя активность|r
lastActivityBy|user|Last activity by|Последняя активность: кто|r
webformId|integer|Created by CRM form|Создано CRM-формой
utmSource|string|UTM Source|UTM Source
utmMedium|string|UTM Medium|UTM Medium
utmCampaign|string|UTM Campaign|UTM Campaign
utmContent|string|UTM Content|UTM Content
utmTerm|string|UTM Term|UTM Term
`

var moreFields = map[int]string{
	1: `
statusDescription|text|Stage information|Дополнительно о стадии
`,
	2: `
leadId|crm_lead|Lead|Лид
quoteId|crm_quote|Estimate|Предложение
isNew|boolean|New deal|Новая сделка|r
isRecurring|boolean|Recurring deal|Регулярная сделка
isReturnCustomer|boolean|Repeat deal|Повторная сделка|r
isRepeatedApproach|boolean|Repeat inquiry|Повторное обращение|r
closed|boolean|Deal is closed|Сделка закрыта|r
eventDate|datetime|Event date|Дата события
eventId|crm_status|Event type|Тип события||EVENT_TYPE
eventDescription|text|Event description|Описание события
locationId|location|Location|Местоположение
originatorId|string|External source|Внешний источник
originId|string|Item ID in the data source|ID элемента в источнике данных
orderStage|string|Payment status|Статус оплаты
repeatSaleSegmentId|crm_repeat_sale_segment_title|Repeat sale segments|Сегменты повторных продаж|m
`,
	3: `
photo|file|Photo|Фотография
leadId|crm_lead|Lead|Лид
export|boolean|Included in export|Участвует в экспорте
originatorId|string|External source|Внешний источник
originId|string|Item ID in the data source|ID элемента в источнике данных
originVersion|string|Original version|Версия оригинала
categoryId|crm_category|Pipeline|Воронка
`,
	4: `
logo|file|Logo|Логотип
leadId|crm_lead|Lead|Лид
bankingDetails|text|Bank details|Банковские реквизиты
hasPhone|boolean|Phone is set|Задан телефон|r
hasEmail|boolean|E-mail is set|Задан e-mail|r
hasImol|boolean|Open channel is set|Задана открытая линия|r
originatorId|string|External source|Внешний источник
originId|string|Item ID in the data source|ID элемента в источнике данных
originVersion|string|Original version|Версия оригинала
categoryId|crm_category|Pipeline|Воронка
ufLogo|file|Logo (document generator)|Логотип для документов|d
ufStamp|file|Company seal (document generator)|Печать для документов|d
`,
	7: `
leadId|crm_lead|Lead|Лид
closed|boolean|Estimate is closed|Предложение закрыто
actualDate|date|Valid until|Действительно до
mycompanyId|crm_company|My company|Реквизиты вашей компании
personTypeId|integer|Payer type|Тип плательщика
comments|text|Comment|Комментарий
taxValue|double|Tax|Налог
storageElementIds|file|Files|Файлы|m
locationId|location|Location|Местоположение
clientTitle|string|Client name|Название клиента
clientAddr|string|Client address|Адрес клиента
clientContact|string|Client contact|Контакты клиента
clientEmail|string|Client e-mail|E-mail клиента
clientPhone|string|Client phone|Телефон клиента
`,
	31: `
xmlId|string|External code|Внешний код
previousStageId|crm_status|Previous stage|Предыдущая стадия|r|SMART_INVOICE_STAGE_10
sourceId|crm_status|Source|Источник||SOURCE
sourceDescription|text|Source information|Дополнительно об источнике
observers|user|Observers|Наблюдатели|m
locationId|location|Location|Местоположение
`,
	1038: `
begindate|date|Start date|Дата начала
closedate|date|End date|Дата завершения
mycompanyId|crm_company|My company|Реквизиты вашей компании
taxValue|double|Tax|Налог
opportunityAccount|double|Amount in accounting currency|Сумма в валюте отчётов|r
taxValueAccount|double|Tax in accounting currency|Налог в валюте отчётов|r
accountCurrencyId|crm_currency|Accounting currency|Валюта отчётов|r
`,
}

// undescribed are members that items have and crm.item.fields does not name.
var undescribed = map[int]string{
	1: `dateCreateShort dateModifyShort isConvert productId shortName address address2 addressCity addressPostalCode addressRegion addressProvince addressCountry
		login searchContent imol`,
	2: `dateCreateShort dateModifyShort productId begindateShort closedateShort eventDateShort searchContent isWork isWon isLose receivedAmount lostAmount
		hasProducts`,
	3: `shortName address address2 addressCity addressPostalCode addressRegion addressProvince addressCountry searchContent login emailHome emailWork
		emailMailing phoneMobile phoneWork phoneMailing imol`,
	4: `address address2 addressCity addressPostalCode addressRegion addressProvince addressCountry addressLegal searchContent emailHome emailWork emailMailing
		phoneMobile phoneWork phoneMailing imol`,
	7: `dateCreateShort dateModifyShort commentsType begindateShort closedateShort contentType termsType storageTypeId clientTpId clientTpaId searchContent hasProducts`,
}

// clocks are moments of a custom field: the first one is wall-clock time, which readers in every zone see as written.
const clocks = `
ufCrm5_1023|datetime|Opens at|Открывается|d||{"DEFAULT_VALUE":{"TYPE":"NONE","VALUE":""},"USE_SECOND":"Y","USE_TIMEZONE":"N"}
ufCrm5_1024|datetime|Calls at|Звонит|d||{"DEFAULT_VALUE":{"TYPE":"NONE","VALUE":""},"USE_SECOND":"Y","USE_TIMEZONE":"Y"}
`

// samples are values of the fields above, by type and item.
var samples = map[int]map[int]string{
	2: {20: `{"lastCommunicationTime":"2026-05-11T21:06:22+03:00","leadId":251,"quoteId":70,"isNew":"N","closed":"N","eventDate":"2026-05-12T09:00:00+03:00",
		"eventDescription":"Talked to the warehouse","hasProducts":"Y","isWork":"Y"}`},
	3: {30: `{"lastCommunicationTime":"2026-05-11T21:06:22+03:00","photo":905,"export":"Y","shortName":"Clara W.","phoneWork":"+1 202 555 0134",
		"phoneMobile":"+1 202 555 0177","emailWork":"clara.weiss@example.com","address":"Hafenstrasse 4","addressCity":"Port Town","addressPostalCode":"20457"}`},
	4: {40: `{"lastCommunicationTime":"2026-05-11T21:06:22+03:00","logo":906,"bankingDetails":"IBAN DE00 0000 0000 0000 0000 00","hasPhone":"Y","hasEmail":"Y",
		"address":"Hafenstrasse 4","addressCity":"Port Town","addressLegal":"Lagerweg 1, Port Town","phoneWork":"+1 202 555 0110","emailWork":"office@nordlicht.example"}`},
	7: {70: `{"closed":"N","actualDate":"2026-03-20T03:00:00+03:00","storageElementIds":[907,908],"clientTitle":"Nordlicht Logistics",
		"clientEmail":"office@nordlicht.example","mycompanyId":41,"personTypeId":1}`},
	1038: {5: `{"ufCrm5_1023":"2026-03-05T10:00:00+03:00","ufCrm5_1024":"2026-03-05T10:00:00+03:00","accountCurrencyId":"EUR","opportunityAccount":16083.5}`},
}

// fillSamples gives the items values in those fields that the type now has.
func (t *crmType) fillSamples() {
	for id, text := range samples[t.entityTypeID] {
		value, err := decodeJSON([]byte(text))
		if err != nil {
			panic("portalsim: samples: " + err.Error())
		}
		sample, item := value.(*object), t.item(id)
		for _, name := range sample.keys {
			_, member := item.values[name]
			if member || t.field(name).name != "" {
				item.set(name, sample.values[name])
			}
		}
	}
}
