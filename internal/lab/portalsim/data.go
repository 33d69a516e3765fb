package portalsim

import "slices"

// The people, companies and numbers below are invented; example.com and the numbers of the 555-01xx kind belong to
// nobody. Lead 250 is the lead of the documentation's example (api-reference/crm/universal/crm-item-get.md).

func standardUsers() []*User {
	return []*User{
		{ID: 1, Name: "Anna", LastName: "Berger", Position: "Administrator", TimeZone: "Europe/Berlin", Lang: "en", Admin: true, CRM: true, Photo: true},
		{ID: 2, Name: "Marco", LastName: "Rossi", Position: "Sales manager", TimeZone: "Europe/Rome", Lang: "en", CRM: true},
		{ID: 3, Name: "Nora", LastName: "Lind", Position: "Accountant", TimeZone: "", Lang: "en"},
		{ID: 4, Name: "Erik", LastName: "Novak", Position: "Contractor", TimeZone: "Europe/Prague", Lang: "en", Extranet: true},
	}
}

func standardStatuses() []status {
	stage := func(entity, id, color, semantics, en, ru string) status {
		return status{entity, id, color, semantics, [2]string{en, ru}}
	}
	return []status{
		stage("STATUS", "NEW", "#39A8EF", "", "Unassigned", "Не обработан"),
		stage("STATUS", "IN_PROCESS", "#2FC6F6", "", "In progress", "В работе"),
		stage("STATUS", "PROCESSED", "#55D0E0", "", "Processed", "Обработан"),
		stage("STATUS", "CONVERTED", "#7BD500", "S", "Good lead", "Качественный лид"),
		stage("STATUS", "JUNK", "#FF5752", "F", "Junk lead", "Некачественный лид"),
		stage("SOURCE", "CALL", "", "", "Call", "Звонок"),
		stage("SOURCE", "WEB", "", "", "Website", "Веб-сайт"),
		stage("SOURCE", "TRADE_SHOW", "", "", "Exhibition", "Выставка"),
		stage("HONORIFIC", "HNR_EN_1", "", "", "Mr.", "г-н"),
		stage("HONORIFIC", "UC_N1LWUS", "", "", "Ms.", "г-жа"),
		stage("DEAL_STAGE", "NEW", "#39A8EF", "", "New", "Новая"),
		stage("DEAL_STAGE", "PREPARATION", "#2FC6F6", "", "Document preparation", "Подготовка документов"),
		stage("DEAL_STAGE", "EXECUTING", "#47E4C2", "", "In progress", "В работе"),
		stage("DEAL_STAGE", "WON", "#7BD500", "S", "Deal won", "Сделка успешна"),
		stage("DEAL_STAGE", "LOSE", "#FF5752", "F", "Deal lost", "Сделка провалена"),
		stage("DEAL_STAGE_9", "C9:NEW", "#39A8EF", "", "Request", "Заявка"),
		stage("DEAL_STAGE_9", "C9:VISIT", "#FFA900", "", "Visit planned", "Выезд назначен"),
		stage("DEAL_STAGE_9", "C9:WON", "#7BD500", "S", "Done", "Выполнено"),
		stage("DEAL_STAGE_9", "C9:LOSE", "#FF5752", "F", "Refused", "Отказ"),
		stage("DEAL_TYPE", "SALE", "", "", "Sale", "Продажа"),
		stage("DEAL_TYPE", "SERVICE", "", "", "Service", "Обслуживание"),
		stage("CONTACT_TYPE", "CLIENT", "", "", "Client", "Клиент"),
		stage("COMPANY_TYPE", "CUSTOMER", "", "", "Customer", "Клиент"),
		stage("COMPANY_TYPE", "PARTNER", "", "", "Partner", "Партнёр"),
		stage("INDUSTRY", "IT", "", "", "Information technology", "Информационные технологии"),
		stage("INDUSTRY", "MANUFACTURING", "", "", "Manufacturing", "Производство"),
		stage("EMPLOYEES", "EMPLOYEES_2", "", "", "50 to 250", "50–250"),
		stage("QUOTE_STATUS", "DRAFT", "#39A8EF", "", "Draft", "Черновик"),
		stage("QUOTE_STATUS", "SENT", "#2FC6F6", "", "Sent to client", "Отправлено клиенту"),
		stage("QUOTE_STATUS", "APPROVED", "#7BD500", "S", "Accepted", "Принято"),
		stage("SMART_INVOICE_STAGE_10", "DT31_10:N", "#39A8EF", "", "New", "Новый"),
		stage("SMART_INVOICE_STAGE_10", "DT31_10:S", "#2FC6F6", "", "Sent to client", "Отправлен клиенту"),
		stage("SMART_INVOICE_STAGE_10", "DT31_10:P", "#7BD500", "S", "Paid", "Оплачен"),
		stage("DYNAMIC_1038_STAGE_12", "DT1038_12:NEW", "#39A8EF", "", "In stock", "На складе"),
		stage("DYNAMIC_1038_STAGE_12", "DT1038_12:CLIENT", "#2FC6F6", "", "At the customer", "У клиента"),
		stage("DYNAMIC_1038_STAGE_12", "DT1038_12:FAIL", "#FF5752", "F", "Scrapped", "Списано"),
	}
}

const commonFields = `
id|integer|ID|ID|r
title|string|Title|Название
createdTime|datetime|Created on|Дата создания|r
updatedTime|datetime|Modified on|Дата изменения|r
createdBy|user|Created by|Кем создано|r
updatedBy|user|Modified by|Кем изменено|r
assignedById|user|Responsible person|Ответственный
opened|boolean|Available to everyone|Доступно для всех
`

const clientFields = `
companyId|crm_company|Company|Компания
contactId|crm_contact|Contact|Контакт|x
contactIds|crm_contact|Contacts|Контакты|m
`

const moneyFields = `
opportunity|double|Amount|Сумма
currencyId|crm_currency|Currency|Валюта
isManualOpportunity|boolean|Amount entered by hand|Сумма введена вручную
`

const activityFields = `
movedTime|datetime|Stage changed on|Дата смены стадии|r
movedBy|user|Stage changed by|Кто сменил стадию|r
lastActivityTime|datetime|Last activity|Последняя активность|r
lastActivityBy|user|Last activity by|Последняя активность: кто|r
`

const sourceFields = `
sourceId|crm_status|Source|Источник||SOURCE
sourceDescription|text|Source information|Дополнительно об источнике
utmSource|string|UTM Source|UTM Source
utmMedium|string|UTM Medium|UTM Medium
utmCampaign|string|UTM Campaign|UTM Campaign
utmContent|string|UTM Content|UTM Content
utmTerm|string|UTM Term|UTM Term
observers|user|Observers|Наблюдатели|m
`

const personFields = `
honorific|crm_status|Salutation|Обращение||HONORIFIC
name|string|First name|Имя
secondName|string|Second name|Отчество
lastName|string|Last name|Фамилия
post|string|Position|Должность
birthdate|date|Date of birth|Дата рождения
comments|text|Comment|Комментарий
hasPhone|boolean|Phone is set|Задан телефон|r
hasEmail|boolean|E-mail is set|Задан e-mail|r
hasImol|boolean|Open channel is set|Задана открытая линия|r
phone|string|Phone|Телефон
email|string|E-mail|E-mail
`

func standardTypes() []*crmType {
	types := []*crmType{leads(), deals(), contacts(), companies(), quotes(), invoices(), equipment()}
	for _, t := range types {
		for _, item := range t.items {
			item.set("entityTypeId", t.entityTypeID)
		}
	}
	return types
}

func leads() *crmType {
	fields := parseFields(commonFields + `
stageId|crm_status|Stage|Стадия||STATUS
stageSemanticId|string|Stage group|Группа стадий|r
` + clientFields + moneyFields + sourceFields + personFields + activityFields + `
companyTitle|string|Company name|Название компании
address|string|Address|Адрес
webformId|integer|Created by CRM form|Создано CRM-формой
originatorId|string|External source|Внешний источник
originId|string|Item ID in the data source|ID элемента в источнике данных
dateClosed|datetime|Closed on|Дата завершения|r
isReturnCustomer|boolean|Repeat lead|Повторный лид|r
phoneMobile|string|Mobile|Мобильный телефон
phoneWork|string|Work phone|Рабочий телефон
phoneMailing|string|Phone for mailings|Телефон для рассылок
emailHome|string|Private e-mail|Частный e-mail
emailWork|string|Work e-mail|Рабочий e-mail
emailMailing|string|E-mail for mailings|E-mail для рассылок
skype|string|Skype|Skype
icq|string|ICQ|ICQ
ufCrm_1720019876534|string|Customer number|Номер клиента|d
parentId1222|crm_entity|Project|Проект
parentId1226|crm_entity|Warranty case|Гарантийный случай
`)
	return &crmType{
		entityTypeID: 1, code: "LEAD", title: [2]string{"Lead", "Лид"}, plural: [2]string{"Leads", "Лиды"}, fields: fields,
		items: parseItems(`[
{"id":250,"createdTime":"2024-07-22T18:00:08+02:00","dateCreateShort":null,"updatedTime":"2024-07-22T18:00:08+02:00","dateModifyShort":null,
 "createdBy":1,"updatedBy":1,"assignedById":1,"opened":"Y","companyId":0,"contactId":0,"stageId":"IN_PROCESS","isConvert":null,
 "statusDescription":null,"stageSemanticId":"P","productId":null,"opportunity":999.9,"currencyId":"USD","sourceId":"TRADE_SHOW",
 "sourceDescription":"Admin Exhibition","title":"Lead #250","name":"Admin","lastName":"Adminov","secondName":"Adminovich","shortName":null,
 "companyTitle":"Administrative Company","post":"Admin","address":null,"comments":"[B]Comment about the admin[/B]","webformId":0,
 "originatorId":null,"originId":null,"dateClosed":null,"birthdate":"2000-01-01T02:00:00+02:00","honorific":"UC_N1LWUS","hasPhone":"Y",
 "hasEmail":"Y","hasImol":"N","login":null,"isReturnCustomer":"N",
 "searchContent":"250 Lead #250 Adminov Admin Adminovich Administrative Company 999.90 US Dollar 6111111111 111111111 11111111 1111111 111111 11111 1111 111 nqzva rknzcyr pbz In Process Exhibition Admin Exhibition Admin [O]Comment about the admin[/O] 321",
 "isManualOpportunity":"Y","movedBy":1,"movedTime":"2024-07-22T17:00:08+02:00","lastActivityBy":1,"lastActivityTime":"2024-07-22T17:00:08+02:00",
 "phoneMobile":"","phoneWork":"+16111111111","phoneMailing":"","emailHome":"","emailWork":"admin@example.com","emailMailing":"","skype":null,
 "icq":null,"imol":"","email":"admin@example.com","phone":"+16111111111",
 "fm":[{"id":101,"valueType":"WORK","value":"+16111111111","typeId":"PHONE"},{"id":102,"valueType":"WORK","value":"admin@example.com","typeId":"EMAIL"}],"ufCrm_1720019876534":"321","parentId1222":null,"parentId1226":null,
 "parentId1228":null,"parentId1236":null,"parentId1238":null,"parentId1240":null,"parentId1244":null,"parentId1246":null,"parentId1254":null,
 "parentId1256":null,"utmSource":null,"utmMedium":null,"utmCampaign":null,"utmContent":null,"utmTerm":null,"observers":[],"contactIds":[]},
{"id":251,"title":"Request from the website: industrial scales","createdTime":"2026-03-02T09:12:44+01:00","updatedTime":"2026-03-04T16:40:00+01:00",
 "createdBy":2,"updatedBy":2,"assignedById":2,"opened":"Y","stageId":"NEW","stageSemanticId":"P","companyId":40,"contactId":30,"contactIds":[30],
 "opportunity":12500,"currencyId":"EUR","isManualOpportunity":"Y","sourceId":"WEB","sourceDescription":"","name":"Clara","lastName":"Weiss",
 "comments":"Wants to compare three models.\nCalls back on Friday.","phone":"+1 202 555 0134","email":"clara.weiss@example.com",
 "hasPhone":"Y","hasEmail":"Y","hasImol":"N","utmSource":"newsletter","utmMedium":"email","observers":[1]},
{"id":252,"title":"<b>Angle brackets & \"quotes\"</b> <script>alert(1)</script>","createdTime":"2026-05-11T10:00:00+02:00","updatedTime":"2026-05-11T10:00:00+02:00",
 "createdBy":1,"updatedBy":1,"assignedById":999,"opened":"N","stageId":"JUNK","stageSemanticId":"F","opportunity":null,"currencyId":null,
 "comments":"<img src=x onerror=alert(1)>","observers":[],"contactIds":[],"ufCrm_1720019876534":"This customer number is far too long to be one, and it goes on and on without a single break: 0123456789012345678901234567890123456789012345678901234567890123456789"}
]`),
	}
}

func deals() *crmType {
	return &crmType{
		entityTypeID: 2, code: "DEAL", title: [2]string{"Deal", "Сделка"}, plural: [2]string{"Deals", "Сделки"},
		fields: parseFields(commonFields+`
stageId|crm_status|Stage|Стадия||DEAL_STAGE
stageSemanticId|string|Stage group|Группа стадий|r
categoryId|crm_category|Pipeline|Воронка
typeId|crm_status|Deal type|Тип сделки||DEAL_TYPE
`+moneyFields+`
taxValue|double|Tax|Налог
probability|integer|Probability, %|Вероятность, %
begindate|date|Start date|Дата начала
closedate|date|End date|Дата завершения
`+clientFields+sourceFields+activityFields+`
additionalInfo|text|Additional information|Дополнительная информация
comments|text|Comment|Комментарий
ufCrm_1700000000101|enumeration|Delivery|Доставка|d
`).withValues("ufCrm_1700000000101", []enumValue{{41, [2]string{"By courier", "Курьером"}}, {42, [2]string{"Pick-up", "Самовывоз"}}}),
		items: parseItems(`[
{"id":20,"title":"Scales for the northern warehouse","createdTime":"2026-02-10T11:20:00+01:00","updatedTime":"2026-06-01T08:05:31+02:00","createdBy":2,
 "updatedBy":1,"assignedById":2,"opened":"Y","stageId":"EXECUTING","stageSemanticId":"P","categoryId":0,"typeId":"SALE","opportunity":48250.5,
 "currencyId":"EUR","isManualOpportunity":"N","taxValue":7703.86,"probability":70,"begindate":"2026-02-10T03:00:00+03:00","closedate":"2026-07-31T03:00:00+03:00",
 "companyId":40,"contactId":30,"contactIds":[30,31],"sourceId":"CALL","observers":[1,3],"movedTime":"2026-05-20T14:00:00+02:00","movedBy":2,
 "lastActivityTime":"2026-06-01T08:05:31+02:00","lastActivityBy":1,"comments":"Delivery in [b]two parts[/b]:\n[list][*]scales first[*]cables later[/list]See [url=https://nordlicht.example/gate]the gate[/url].","ufCrm_1700000000101":41},
{"id":21,"title":"Service contract","createdTime":"2026-04-02T09:00:00+02:00","updatedTime":"2026-04-02T09:00:00+02:00","createdBy":1,"updatedBy":1,
 "assignedById":1,"opened":"Y","stageId":"WON","stageSemanticId":"S","categoryId":0,"typeId":"SERVICE","opportunity":0,"currencyId":"EUR",
 "isManualOpportunity":"N","companyId":41,"contactId":0,"contactIds":[],"observers":[],"ufCrm_1700000000101":null},
{"id":22,"title":"Repair of the bench scale","createdTime":"2026-05-02T09:00:00+02:00","updatedTime":"2026-05-06T09:00:00+02:00","createdBy":1,"updatedBy":1,
 "assignedById":2,"opened":"Y","stageId":"C9:VISIT","stageSemanticId":"P","categoryId":9,"typeId":"SERVICE","opportunity":95000,"currencyId":"KZT",
 "isManualOpportunity":"Y","companyId":41,"contactId":0,"contactIds":[],"observers":[],"ufCrm_1700000000101":42}
]`),
		categories: []category{{0, [2]string{"General", "Общее"}}, {9, [2]string{"Service", "Сервис"}}},
	}
}

func contacts() *crmType {
	return &crmType{
		entityTypeID: 3, code: "CONTACT", title: [2]string{"Contact", "Контакт"}, plural: [2]string{"Contacts", "Контакты"},
		fields: slices.DeleteFunc(parseFields(commonFields+personFields+`
typeId|crm_status|Contact type|Тип контакта||CONTACT_TYPE
companyId|crm_company|Company|Компания
companyIds|crm_company|Companies|Компании|m
`+sourceFields), func(f field) bool { return f.name == "title" }), // a contact has a name and no title
		items: parseItems(`[
{"id":30,"name":"Clara","lastName":"Weiss","secondName":"","honorific":"UC_N1LWUS","post":"Head of purchasing","createdTime":"2025-11-03T10:00:00+01:00",
 "updatedTime":"2026-02-10T11:19:00+01:00","createdBy":2,"updatedBy":2,"assignedById":2,"opened":"Y","typeId":"CLIENT","companyId":40,"companyIds":[40],
 "birthdate":"1984-04-12T03:00:00+03:00","phone":"+1 202 555 0134","email":"clara.weiss@example.com",
 "fm":[{"id":111,"valueType":"WORK","value":"+1 202 555 0134","typeId":"PHONE"},{"id":112,"valueType":"MOBILE","value":"+1 202 555 0177","typeId":"PHONE"},
 {"id":113,"valueType":"WORK","value":"clara.weiss@example.com","typeId":"EMAIL"},{"id":114,"valueType":"TELEGRAM","value":"@clara","typeId":"IM"}],"hasPhone":"Y","hasEmail":"Y","hasImol":"N","observers":[]},
{"id":31,"name":"Tomas","lastName":"Horak","secondName":"","post":"Warehouse lead","createdTime":"2025-12-01T10:00:00+01:00","updatedTime":"2025-12-01T10:00:00+01:00",
 "createdBy":2,"updatedBy":2,"assignedById":2,"opened":"Y","typeId":"CLIENT","companyId":40,"companyIds":[40],"hasPhone":"N","hasEmail":"N","hasImol":"N","observers":[]}
]`),
	}
}

func companies() *crmType {
	return &crmType{
		entityTypeID: 4, code: "COMPANY", title: [2]string{"Company", "Компания"}, plural: [2]string{"Companies", "Компании"},
		fields: parseFields(commonFields + `
typeId|crm_status|Company type|Тип компании||COMPANY_TYPE
industry|crm_status|Industry|Сфера деятельности||INDUSTRY
employees|crm_status|Employees|Количество сотрудников||EMPLOYEES
revenue|double|Annual revenue|Годовой оборот
currencyId|crm_currency|Currency|Валюта
phone|string|Phone|Телефон
email|string|E-mail|E-mail
comments|text|Comment|Комментарий
isMyCompany|boolean|My company|Моя компания
contactIds|crm_contact|Contacts|Контакты|m
` + sourceFields),
		items: parseItems(`[
{"id":40,"title":"Nordlicht Logistics","createdTime":"2025-10-01T09:00:00+02:00","updatedTime":"2026-01-15T12:00:00+01:00","createdBy":1,"updatedBy":2,"assignedById":2,
 "opened":"Y","typeId":"CUSTOMER","industry":"MANUFACTURING","employees":"EMPLOYEES_2","revenue":4200000,"currencyId":"EUR","phone":"+1 202 555 0110",
 "email":"office@nordlicht.example","fm":[{"id":121,"valueType":"WORK","value":"+1 202 555 0110","typeId":"PHONE"},{"id":122,"valueType":"FAX","value":"+1 202 555 0111","typeId":"PHONE"},
 {"id":123,"valueType":"WORK","value":"office@nordlicht.example","typeId":"EMAIL"},{"id":124,"valueType":"WORK","value":"https://nordlicht.example/","typeId":"WEB"}],
 "comments":"<p>Prefers <b>Thursday</b>.</p><ul><li>gate 4</li><li>ask for <a href=\"https://nordlicht.example/map\">the map</a></li></ul>","isMyCompany":"N","contactIds":[30,31],"observers":[]},
{"id":41,"title":"Blue Harbor Software","createdTime":"2025-10-02T09:00:00+02:00","updatedTime":"2025-10-02T09:00:00+02:00","createdBy":1,"updatedBy":1,"assignedById":1,
 "opened":"Y","typeId":"PARTNER","industry":"IT","employees":null,"revenue":null,"currencyId":"EUR","isMyCompany":"N","contactIds":[],"observers":[]}
]`),
	}
}

func quotes() *crmType {
	return &crmType{
		entityTypeID: 7, code: "QUOTE", title: [2]string{"Estimate", "Предложение"}, plural: [2]string{"Estimates", "Предложения"},
		fields: parseFields(commonFields + `
stageId|crm_status|Stage|Стадия||QUOTE_STATUS
quoteNumber|string|Number|Номер
` + moneyFields + `
begindate|date|Date|Дата выставления
closedate|date|Valid until|Действительно до
dealId|crm_deal|Deal|Сделка
content|text|Content|Содержание
terms|text|Terms|Условия
` + clientFields),
		items: parseItems(`[
{"id":70,"title":"Estimate for the northern warehouse","quoteNumber":"2026-0070","createdTime":"2026-02-12T10:00:00+01:00","updatedTime":"2026-02-13T10:00:00+01:00",
 "createdBy":2,"updatedBy":2,"assignedById":2,"opened":"Y","stageId":"SENT","opportunity":48250.5,"currencyId":"EUR","isManualOpportunity":"N",
 "begindate":"2026-02-12T03:00:00+03:00","closedate":"2026-03-12T03:00:00+03:00","dealId":20,"content":"Three scales, <b>installed</b>.","terms":"Payment within 14 days.",
 "companyId":40,"contactId":30,"contactIds":[30]}
]`),
	}
}

func invoices() *crmType {
	return &crmType{
		categories:   []category{{10, [2]string{"General", "Общее"}}},
		entityTypeID: 31, code: "SMART_INVOICE", title: [2]string{"Invoice", "Счёт"}, plural: [2]string{"Invoices", "Счета"},
		fields: parseFields(commonFields + `
accountNumber|string|Number|Номер
categoryId|crm_category|Pipeline|Воронка
stageId|crm_status|Stage|Стадия||SMART_INVOICE_STAGE_10
` + moneyFields + `
taxValue|double|Tax|Налог
begindate|date|Invoice date|Дата выставления
closedate|date|Payment due|Срок оплаты
parentId2|crm_deal|Deal|Сделка
mycompanyId|crm_company|My company|Реквизиты вашей компании
comments|text|Comment|Комментарий
` + clientFields + activityFields),
		items: parseItems(`[
{"id":310,"title":"Invoice 310","accountNumber":"INV-310","createdTime":"2026-06-02T09:00:00+02:00","updatedTime":"2026-06-02T09:30:00+02:00","createdBy":2,"updatedBy":2,
 "assignedById":2,"opened":"Y","categoryId":10,"stageId":"DT31_10:S","opportunity":24125.25,"currencyId":"EUR","isManualOpportunity":"N","taxValue":3851.93,
 "begindate":"2026-06-02T03:00:00+03:00","closedate":"2026-06-16T03:00:00+03:00","parentId2":20,"mycompanyId":41,"companyId":40,"contactId":30,"contactIds":[30],
 "movedTime":"2026-06-02T09:30:00+02:00","movedBy":2}
]`),
	}
}

// equipment is a smart process with a custom field of every type, single and multiple.
func equipment() *crmType {
	choices := []enumValue{{51, [2]string{"New", "Новое"}}, {52, [2]string{"Used", "Б/у"}}, {53, [2]string{"Refurbished", "Восстановленное"}}}
	return &crmType{
		categories:   []category{{12, [2]string{"General", "Общее"}}},
		entityTypeID: 1038, typeID: 5, code: "DYNAMIC_1038", title: [2]string{"Equipment", "Оборудование"}, plural: [2]string{"Equipment", "Оборудование"},
		fields: parseFields(commonFields+`
xmlId|string|External code|Внешний код
categoryId|crm_category|Pipeline|Воронка
stageId|crm_status|Stage|Стадия||DYNAMIC_1038_STAGE_12
previousStageId|crm_status|Previous stage|Предыдущая стадия|r|DYNAMIC_1038_STAGE_12
`+moneyFields+clientFields+sourceFields+activityFields+`
parentId2|crm_entity|Deal|Сделка
ufCrm5_1001|string|Serial number|Серийный номер|d
ufCrm5_1002|integer|Year of manufacture|Год выпуска|d
ufCrm5_1003|double|Weight, kg|Масса, кг|d
ufCrm5_1004|boolean|Calibrated|Откалибровано|d
ufCrm5_1005|date|Warranty until|Гарантия до|d
ufCrm5_1006|datetime|Last inspection|Последний осмотр|d
ufCrm5_1007|enumeration|Condition|Состояние|d
ufCrm5_1008|enumeration|Past conditions|Прежние состояния|dm
ufCrm5_1009|url|Manual|Инструкция|d
ufCrm5_1010|file|Photo|Фото|d
ufCrm5_1011|file|Documents|Документы|dm
ufCrm5_1012|money|Purchase price|Цена покупки|d
ufCrm5_1013|address|Location|Место|d
ufCrm5_1014|employee|Engineer|Инженер|d
ufCrm5_1015|employee|Trained staff|Обученные сотрудники|dm
ufCrm5_1016|crm|Bindings|Привязки|dm
ufCrm5_1017|crm_status|How it was found|Как найдено|d|SOURCE
ufCrm5_1018|iblock_section|Catalog section|Раздел каталога|d
ufCrm5_1019|iblock_element|Catalog element|Элемент каталога|d
ufCrm5_1020|resourcebooking|Booked times|Бронирования|dm
ufCrm5_1021|string|Tags|Метки|dm
ufCrm5_1022|rest_5_gauge|Gauge|Датчик|d
`).withValues("ufCrm5_1007", choices).withValues("ufCrm5_1008", choices),
		items: parseItems(`[
{"id":5,"xmlId":"","title":"Floor scale FS-300","createdTime":"2026-01-20T10:00:00+01:00","updatedTime":"2026-06-03T15:45:10+02:00","createdBy":1,"updatedBy":2,
 "assignedById":2,"opened":"Y","categoryId":12,"stageId":"DT1038_12:CLIENT","previousStageId":"DT1038_12:NEW","opportunity":16083.5,"currencyId":"EUR",
 "isManualOpportunity":"Y","companyId":40,"contactId":30,"contactIds":[30],"sourceId":"CALL","observers":[1],"movedTime":"2026-05-01T10:00:00+02:00","movedBy":2,
 "lastActivityTime":"2026-06-03T15:45:10+02:00","lastActivityBy":2,"parentId2":20,
 "ufCrm5_1001":"FS-300-000417","ufCrm5_1002":2025,"ufCrm5_1003":412.75,"ufCrm5_1004":"Y","ufCrm5_1005":"2028-01-20T03:00:00+03:00","ufCrm5_1006":"2026-06-01T08:30:00+02:00",
 "ufCrm5_1007":51,"ufCrm5_1008":[52,53],"ufCrm5_1009":"https://manuals.example/fs-300.pdf",
 "ufCrm5_1010":{"id":901,"url":"/bitrix/services/main/ajax.php?action=crm.controller.item.getFile&entityTypeId=1038&id=5&fieldName=ufCrm5_1010&fileId=901","urlMachine":"https://portal.invalid/rest/crm.controller.item.getFile.json?auth=x&token=y"},
 "ufCrm5_1011":[{"id":902,"url":"/bitrix/services/main/ajax.php?fileId=902","urlMachine":""},{"id":903,"url":"/bitrix/services/main/ajax.php?fileId=903","urlMachine":""}],
 "ufCrm5_1012":"14000.5|EUR","ufCrm5_1013":"Hafenstrasse 4, Port Town|52.5;13.4|12","ufCrm5_1014":2,"ufCrm5_1015":[1,3],"ufCrm5_1016":["D_20","C_30","CO_40"],
 "ufCrm5_1017":"TRADE_SHOW","ufCrm5_1018":17,"ufCrm5_1019":1714,"ufCrm5_1020":[77,78],"ufCrm5_1021":["heavy","indoor"],"ufCrm5_1022":"42.1;bar"},
{"id":6,"xmlId":null,"title":"Bench scale BS-12","createdTime":"2026-02-20T10:00:00+01:00","updatedTime":"2026-02-20T10:00:00+01:00","createdBy":1,"updatedBy":1,"assignedById":1,
 "opened":"N","categoryId":12,"stageId":"DT1038_12:NEW","previousStageId":"","opportunity":null,"currencyId":"EUR","isManualOpportunity":"N","companyId":0,"contactId":0,
 "contactIds":[],"observers":[],"parentId2":null,"ufCrm5_1001":"","ufCrm5_1002":null,"ufCrm5_1003":null,"ufCrm5_1004":"N","ufCrm5_1005":"","ufCrm5_1006":"","ufCrm5_1007":null,
 "ufCrm5_1008":[],"ufCrm5_1009":"","ufCrm5_1010":null,"ufCrm5_1011":[],"ufCrm5_1012":"","ufCrm5_1013":"","ufCrm5_1014":null,"ufCrm5_1015":[],"ufCrm5_1016":[],
 "ufCrm5_1017":null,"ufCrm5_1018":null,"ufCrm5_1019":null,"ufCrm5_1020":[],"ufCrm5_1021":[],"ufCrm5_1022":null}
]`),
	}
}
