package portalsim

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
 "assignedById":2,"opened":"Y","categoryId":10,"stageId":"DT31_10:S","opportunity":35046.4,"currencyId":"EUR","isManualOpportunity":"N","taxValue":5595.65,
 "begindate":"2026-06-02T03:00:00+03:00","closedate":"2026-06-16T03:00:00+03:00","parentId2":20,"mycompanyId":41,"companyId":40,"contactId":30,"contactIds":[30],
 "movedTime":"2026-06-02T09:30:00+02:00","movedBy":2}
]`),
	}
}
