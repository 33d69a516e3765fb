package portalsim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// methodStatusList answers every entry at once, as long as Statuses is on: the platform ignores start. Its filters know no
// operators: a member that is no field's name is passed over, and so is an empty value.
func methodStatusList(c *call) (any, *apiError) {
	if !c.user.CRM {
		return nil, failure(400, "", "Access denied.")
	}
	filter, _ := c.params.fold("filter").(*object)
	if filter == nil {
		filter = newObject()
	}
	for _, name := range []string{"ENTITY_ID", "STATUS_ID", "SORT", "SEMANTICS"} {
		if _, isArray := filter.get(name).(*object); isArray && c.truth().Statuses {
			return nil, failure(400, "", "Filter by "+name+" must be a string")
		}
	}
	var rows []*object
	for i, s := range c.portal.statuses {
		if row := s.describe(i, c.user.Lang); statusMatches(row, filter) {
			rows = append(rows, row)
		}
	}
	order, _ := c.params.fold("order").(*object)
	if order == nil {
		order = newObject()
	}
	slices.SortStableFunc(rows, func(a, b *object) int {
		for _, key := range order.keys {
			by := compare(a.text(strings.ToUpper(key)), b.text(strings.ToUpper(key)))
			if !strings.EqualFold(order.text(key), "ASC") { // whatever else it is
				by = -by
			}
			if by != 0 {
				return by
			}
		}
		return 0
	})
	out := newObject()
	for _, row := range rows {
		out.push(row)
	}
	if c.truth().Statuses {
		total := len(rows)
		c.total = &total
		return out, nil
	}
	return c.page(out), nil
}

func statusMatches(row, filter *object) bool {
	for _, key := range filter.keys {
		name, wanted := strings.ToUpper(key), filter.texts(key)
		if _, known := row.values[name]; !known || len(wanted) == 0 {
			continue
		}
		has := row.text(name)
		if name == "NAME" {
			if !strings.Contains(strings.ToLower(has), strings.ToLower(wanted[0])) {
				return false
			}
		} else if !slices.Contains(wanted, has) {
			return false
		}
	}
	return true
}

// describe is the entry as crm.status.list answers it; i is its place among all.
func (s status) describe(i int, lang string) *object {
	row := newObject().
		set("ID", strconv.Itoa(101+2*i)).set("ENTITY_ID", s.entityID).set("STATUS_ID", s.statusID).
		set("NAME", s.name(lang)).set("NAME_INIT", "").set("SORT", strconv.Itoa(10*(i+1))).
		set("SYSTEM", "N").set("CATEGORY_ID", nil).set("COLOR", s.color)
	if s.semantics == "" {
		row.set("SEMANTICS", nil)
	} else {
		row.set("SEMANTICS", s.semantics)
	}
	if s.color != "" {
		process := map[string]string{"": "process", "S": "success", "F": "failure"}[s.semantics]
		row.set("EXTRA", newObject().set("SEMANTICS", process).set("COLOR", s.color))
	}
	return row
}

func methodCurrencyList(c *call) (any, *apiError) {
	if !c.user.CRM {
		return nil, failure(400, "", "Access denied.")
	}
	total := 0 // whatever there is (crm-currency-list.md)
	c.total = &total
	return json.RawMessage(`[
		{"CURRENCY":"EUR","AMOUNT_CNT":"1","AMOUNT":"1.0000","SORT":"100","BASE":"Y","FULL_NAME":"Euro","LID":"en","FORMAT_STRING":"&euro;&nbsp;#","DEC_POINT":".","THOUSANDS_SEP":",","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},
		{"CURRENCY":"USD","AMOUNT_CNT":"1","AMOUNT":"0.9200","SORT":"200","BASE":"N","FULL_NAME":"US Dollar","LID":"en","FORMAT_STRING":"$#","DEC_POINT":".","THOUSANDS_SEP":",","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},
		{"CURRENCY":"KZT","AMOUNT_CNT":"100","AMOUNT":"0.1800","SORT":"300","BASE":"N","FULL_NAME":"Tenge","LID":"en","FORMAT_STRING":"# &#8376;","DEC_POINT":",","THOUSANDS_SEP":"&nbsp;","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},
		{"CURRENCY":"JPY","AMOUNT_CNT":"1","AMOUNT":"0.0060","SORT":"400","BASE":"N","FULL_NAME":"Yen","LID":"en","FORMAT_STRING":"&yen;#","DEC_POINT":null,"THOUSANDS_SEP":null,"DECIMALS":"0","DATE_UPDATE":"2024-01-29T12:28:40+02:00"}
	]`), nil
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

// AddStatus adds an entry to a dictionary, as an administrator does; it gets a STATUS_ID of its own.
func (p *Portal) AddStatus(entityID, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statuses = append(p.statuses, status{entityID, "UC_" + strings.ToUpper(randomHex(3)), "", "", [2]string{name, name}})
}
