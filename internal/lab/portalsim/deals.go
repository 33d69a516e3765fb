package portalsim

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
 "currencyId":"EUR","isManualOpportunity":"N","taxValue":7703.95,"probability":70,"begindate":"2026-02-10T03:00:00+03:00","closedate":"2026-07-31T03:00:00+03:00",
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
