package portalsim

import (
	"fmt"
	"time"
)

// Ids of what AddNeighbours makes.
const (
	NeighbourCompany = 45   // with so many deals
	NeighbourContact = 34   // of that company, with the phone number of contact 30
	NeighbourProject = 1222 // a smart process: its items are parents of deals and leads, and children of companies
	neighbourDeals   = 1000 // the id of the first deal
)

// AddNeighbours makes a company that a card is worth looking at from: with so many deals in three currencies over a year and
// a half, won, lost and open, four contacts, invoices, estimates, and a smart process with a project of which the deals are
// children. Everything is the same each time.
func (p *Portal) AddNeighbours(deals int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	add := func(t *crmType, text string) *object {
		item := parseItems("[" + text + "]")[0].set("entityTypeId", t.entityTypeID)
		for _, f := range t.fields {
			if _, ok := item.values[f.name]; !ok && f.name != "fm" {
				item.set(f.name, f.empty())
			}
		}
		t.items = append(t.items, item)
		return item
	}
	project := smartProcess(NeighbourProject, "Projects")
	project.title, project.plural = [2]string{"Project", "Проект"}, [2]string{"Projects", "Проекты"}
	project.fields = parseFields(commonFields + "stageId|crm_status|Stage|Стадия||DYNAMIC_1222_STAGE_14\n" + moneyFields + clientFields + "parentId4|crm_entity|Company|Компания\n")
	project.settleParents()
	p.types = append(p.types, project)
	p.statuses = append(p.statuses,
		status{"DYNAMIC_1222_STAGE_14", "DT1222_14:NEW", "#39A8EF", "", [2]string{"Planned", "Запланирован"}},
		status{"DYNAMIC_1222_STAGE_14", "DT1222_14:SUCCESS", "#7BD500", "S", [2]string{"Finished", "Завершён"}})
	company, contact, deal := p.crmType(4), p.crmType(3), p.crmType(2)
	deal.fields = append(deal.fields, field{name: "parentId1222", kind: "crm_entity", titles: [2]string{"Project", "Проект"}, settings: `{"parentEntityTypeId":1222}`})
	add(company, `{"id":45,"title":"Meridian Cold Storage","createdTime":"2024-11-04T09:00:00+01:00","updatedTime":"2026-06-01T10:00:00+02:00","createdBy":2,"updatedBy":2,
		"assignedById":2,"opened":"Y","typeId":"CUSTOMER","industry":"MANUFACTURING","contactIds":[32,33,34,35],"phone":"+1 202 555 0190",
		"fm":[{"id":131,"valueType":"WORK","value":"+1 202 555 0190","typeId":"PHONE"}]}`)
	for i, name := range []string{"Ines Duarte", "Piotr Nowicki", "Clara Weiss-Lind", "Jonas Moreau"} {
		phone := fmt.Sprintf("+1 202 555 018%d", i)
		if 32+i == NeighbourContact {
			phone = "+1 202 555 0134"
		}
		var first, last string
		_, _ = fmt.Sscan(name, &first, &last)
		add(contact, fmt.Sprintf(`{"id":%d,"name":%q,"lastName":%q,"createdTime":"2025-01-0%dT10:00:00+01:00","updatedTime":"2025-06-01T10:00:00+02:00","createdBy":2,
			"updatedBy":2,"assignedById":2,"opened":"Y","companyId":45,"companyIds":[45],"phone":%q,"fm":[{"id":%d,"valueType":"WORK","value":%q,"typeId":"PHONE"}]}`,
			32+i, first, last, i+1, phone, 140+i, phone))
	}
	add(project, `{"id":3,"title":"Cold chain 2026","createdTime":"2025-10-01T10:00:00+02:00","updatedTime":"2026-05-01T10:00:00+02:00","createdBy":2,"updatedBy":2,
		"assignedById":2,"opened":"Y","stageId":"DT1222_14:NEW","opportunity":180000,"currencyId":"EUR","companyId":45,"contactId":32,"contactIds":[32],"parentId4":45}`)
	stages := []struct{ id, semantics string }{{"NEW", "P"}, {"PREPARATION", "P"}, {"EXECUTING", "P"}, {"WON", "S"}, {"WON", "S"}, {"LOSE", "F"}}
	currencies := []string{"EUR", "EUR", "USD", "KZT"}
	subjects := []string{"Cold room sensors", "Pallet scales", "Maintenance", "Dock levellers", "Calibration", "Spare parts"}
	start := time.Date(2024, 11, 5, 9, 0, 0, 0, time.UTC)
	for i := range deals {
		stage, parent := stages[i%len(stages)], "null"
		if i%7 == 0 {
			parent = "3"
		}
		created := start.Add(time.Duration(i) * 14 * 24 * time.Hour).Format(time.RFC3339)
		amount := 1200.5 + float64(i*37%29)*850
		if currencies[i%4] == "KZT" {
			amount *= 480
		}
		add(deal, fmt.Sprintf(`{"id":%d,"title":"%s, order %d","createdTime":%q,"updatedTime":%q,"createdBy":2,"updatedBy":2,"assignedById":%d,"opened":"Y",
			"stageId":%q,"stageSemanticId":%q,"categoryId":0,"opportunity":%g,"currencyId":%q,"companyId":45,"contactId":32,"contactIds":[32],"parentId1222":%s}`,
			neighbourDeals+i, subjects[i%len(subjects)], i+1, created, created, 1+i%2, stage.id, stage.semantics, amount, currencies[i%4], parent))
	}
	for i, stage := range []string{"DT31_10:N", "DT31_10:S", "DT31_10:P"} {
		add(p.crmType(31), fmt.Sprintf(`{"id":%d,"title":"Invoice %d","createdTime":"2026-0%d-02T09:00:00+02:00","createdBy":2,"updatedBy":2,"assignedById":2,"categoryId":10,
			"stageId":%q,"opportunity":%d,"currencyId":"EUR","companyId":45,"contactId":32,"contactIds":[32],"parentId2":%d}`,
			320+i, 320+i, i+3, stage, 4000+i*1500, neighbourDeals))
	}
	add(p.crmType(7), fmt.Sprintf(`{"id":71,"title":"Estimate for cold room sensors","createdTime":"2026-03-02T09:00:00+02:00","createdBy":2,"updatedBy":2,"assignedById":2,
		"stageId":"DRAFT","opportunity":9900,"currencyId":"USD","companyId":45,"contactId":32,"contactIds":[32],"dealId":%d}`, neighbourDeals))
	extra := clientDetails{
		requisites: parseItems(`[{"ID":"21","ENTITY_TYPE_ID":"4","ENTITY_ID":"45","PRESET_ID":"1","NAME":"Meridian, head office","ACTIVE":"Y","ADDRESS_ONLY":"N","SORT":"500",
			"RQ_COMPANY_NAME":"Meridian Cold Storage","RQ_COMPANY_FULL_NAME":"Meridian Cold Storage International Holding and Distribution Ltd.","RQ_DIRECTOR":"Ines Duarte","RQ_INN":"0000000045"},
			{"ID":"22","ENTITY_TYPE_ID":"4","ENTITY_ID":"45","PRESET_ID":"1","NAME":"Meridian, branch","ACTIVE":"Y","ADDRESS_ONLY":"N","SORT":"510","RQ_COMPANY_NAME":"Meridian Branch","RQ_KPP":"000000045"}]`),
		bank: parseItems(`[{"ID":"11","ENTITY_TYPE_ID":"8","ENTITY_ID":"21","COUNTRY_ID":"46","NAME":"EUR account","ACTIVE":"Y","SORT":"500","RQ_BANK_NAME":"Bank of Nowhere","RQ_IBAN":"DE00 0000 0000 0000 0000 45","RQ_SWIFT":"NOWHDE00"}]`),
		addresses: parseItems(`[{"TYPE_ID":"6","ENTITY_TYPE_ID":"8","ENTITY_ID":"21","ADDRESS_1":"Ice Street 12","ADDRESS_2":"","CITY":"Northport","POSTAL_CODE":"00045","REGION":"","PROVINCE":"","COUNTRY":"",
			"COUNTRY_CODE":null,"LOC_ADDR_ID":"21","ANCHOR_TYPE_ID":"4","ANCHOR_ID":"45"}]`),
	}
	p.details.requisites = append(p.details.requisites, extra.requisites...)
	p.details.bank = append(p.details.bank, extra.bank...)
	p.details.addresses = append(p.details.addresses, extra.addresses...)
}
