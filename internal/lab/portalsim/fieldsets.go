package portalsim

// The people, companies and numbers of the standard data are invented; example.com and the numbers of the 555-01xx kind
// belong to nobody. Lead 250 is the lead of the documentation's example (api-reference/crm/universal/crm-item-get.md).

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
		t.complete()
	}
	return types
}
