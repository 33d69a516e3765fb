package portalsim

import "slices"

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
