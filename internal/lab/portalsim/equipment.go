package portalsim

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
