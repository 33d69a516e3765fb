package portalsim

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
