package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// timing is the member "time" of an answer, the same in every one.
func timing(now time.Time) string {
	day := now.Format(time.RFC3339)
	return fmt.Sprintf(`{"start":%d.1,"finish":%[1]d.2,"duration":0.1,"processing":0.1,"date_start":%q,"date_finish":%[2]q,"operating_reset_at":%d,"operating":0.1}`,
		now.Unix(), day, now.Unix()+600)
}

// answer is what a method says: a result with a total where it is a list, or an error.
type answer struct {
	result []byte
	total  int // -1: none
	failed []byte
}

func result(text string) answer { return answer{result: []byte(text), total: -1} }

func list(text string, total int) answer { return answer{result: []byte(text), total: total} }

// call answers one method by its name, whatever else a batch holds and however its commands are called. Answers are as
// long as a portal's, and as true as one item can make them.
func (s Shape) call(method string, params url.Values) answer {
	start, _ := strconv.Atoi(params.Get("start"))
	start = max(0, start)
	switch strings.ToLower(method) {
	case "profile":
		return result(`{"ID":"1","ADMIN":true,"NAME":"Anna","LAST_NAME":"Berger","PERSONAL_GENDER":"","TIME_ZONE":"Europe/Berlin"}`)
	case "crm.item.get":
		return answer{result: s.Item(), total: -1}
	case "crm.item.fields":
		return answer{result: s.Describe(), total: -1}
	case "crm.item.productrow.list":
		return answer{result: s.Products(start), total: s.Rows}
	case "crm.item.details.configuration.get":
		if strings.EqualFold(params.Get("scope"), "C") {
			return answer{result: s.Layout(), total: -1}
		}
		return result(`null`) // this user has arranged nothing
	case "crm.item.list":
		return list(`{"items":[]}`, 0)
	case "crm.status.list":
		return page(statuses, start)
	case "crm.category.list":
		return list(`{"categories":[{"id":0,"name":"General","sort":100,"entityTypeId":2,"isDefault":"Y"},`+
			`{"id":9,"name":"Service","sort":200,"entityTypeId":2,"isDefault":"N"}]}`, 2)
	case "crm.currency.list":
		return list(currencies, 2)
	case "crm.enum.ownertype":
		return result(ownerTypes)
	case "user.get":
		return page(people, start)
	case "crm.type.list":
		return list(`{"types":[]}`, 0)
	case "placement.get", "event.get":
		return result(`[]`)
	case "placement.bind", "placement.unbind", "event.bind":
		return result(`true`)
	case "event.unbind":
		return result(`{"count":1}`)
	case "scope":
		return result(`["crm","placement","user_brief"]`)
	default:
		if known, ok := history(strings.ToLower(method)); ok {
			return known
		}
		return answer{failed: []byte(`{"error":"ERROR_METHOD_NOT_FOUND","error_description":"Method not found!"}`)}
	}
}

func page(rows []string, start int) answer {
	from := min(start, len(rows))
	return list("["+strings.Join(rows[from:min(len(rows), from+pageSize)], ",")+"]", len(rows))
}

// command is one line of a batch.
type command struct {
	key, method string
	params      url.Values
}

// parseCommands reads the member "cmd" of a batch in the order in which it is written: an object, or a list, whose keys
// are then numbers.
func parseCommands(cmd []byte) (commands []command, isList bool, err error) {
	decoder := json.NewDecoder(bytes.NewReader(cmd))
	open, err := decoder.Token()
	if err != nil {
		return nil, false, fmt.Errorf("read cmd: %w", err)
	}
	isList = open == json.Delim('[')
	if !isList && open != json.Delim('{') {
		return nil, false, fmt.Errorf("cmd is neither object nor list")
	}
	for i := 0; decoder.More(); i++ {
		key := strconv.Itoa(i)
		if !isList {
			token, err := decoder.Token()
			if err != nil {
				return nil, false, fmt.Errorf("read key of a command: %w", err)
			}
			key, _ = token.(string)
		}
		var line string
		if err := decoder.Decode(&line); err != nil {
			return nil, false, fmt.Errorf("read a command: %w", err)
		}
		method, query, _ := strings.Cut(line, "?")
		params, err := url.ParseQuery(query)
		if err != nil {
			return nil, false, fmt.Errorf("read parameters of %s: %w", method, err)
		}
		commands = append(commands, command{key, method, params})
	}
	return commands, isList, nil
}

// batch writes the whole answer of a batch.
func (s Shape) batch(commands []command, isList bool, time string) []byte {
	var results, errs, totals, times object
	results.list = isList
	for _, c := range commands {
		a := s.call(c.method, c.params)
		if a.failed != nil {
			errs.add(c.key, a.failed)
			continue
		}
		results.add(c.key, a.result)
		if a.total >= 0 {
			totals.add(c.key, []byte(strconv.Itoa(a.total)))
		}
		times.add(c.key, []byte(time))
	}
	return fmt.Appendf(nil, `{"result":{"result":%s,"result_error":%s,"result_total":%s,"result_next":[],"result_time":%s},"time":%s}`,
		results.end(), errs.end(), totals.end(), times.end(), time)
}

// object writes a JSON object, or [] where it is empty, as PHP does.
type object struct {
	out  bytes.Buffer
	list bool
}

func (o *object) add(key string, value []byte) {
	if o.out.Len() > 0 {
		o.out.WriteByte(',')
	}
	if !o.list {
		name, _ := json.Marshal(key) // a text always marshals
		o.out.Write(name)
		o.out.WriteByte(':')
	}
	o.out.Write(value)
}

func (o *object) end() string {
	if o.list || o.out.Len() == 0 {
		return "[" + o.out.String() + "]"
	}
	return "{" + o.out.String() + "}"
}

// statuses are the dictionaries of a portal with two pipelines (api-reference/crm/status/crm-status-list.md).
var statuses = func() []string {
	var rows []string
	add := func(entity, color, semantics string, names ...string) {
		for i, name := range names {
			id, title, _ := strings.Cut(name, "|")
			said := `null`
			if semantics != "" && i >= len(names)-2 {
				said = strconv.Quote(map[bool]string{true: "S", false: "F"}[i == len(names)-2])
			}
			rows = append(rows, fmt.Sprintf(`{"ID":"%d","ENTITY_ID":%q,"STATUS_ID":%q,"NAME":%q,"NAME_INIT":"","SORT":"%d","SYSTEM":"N",`+
				`"CATEGORY_ID":null,"COLOR":%q,"SEMANTICS":%s}`, 101+2*len(rows), entity, id, title, 10*(i+1), color, said))
		}
	}
	add("DEAL_STAGE", "#47E4C2", "stages", "NEW|New", "PREPARATION|Document preparation", "EXECUTING|In progress", "WON|Deal won", "LOSE|Deal lost")
	add("DEAL_STAGE_9", "#39A8EF", "stages", "C9:NEW|Request", "C9:VISIT|Visit planned", "C9:WON|Done", "C9:LOSE|Refused")
	add("DEAL_TYPE", "", "", "SALE|Sale", "SERVICE|Service")
	add("SOURCE", "", "", "CALL|Call", "EMAIL|E-mail", "WEB|Website", "ADVERTISING|Advertising", "TRADE_SHOW|Exhibition", "OTHER|Other")
	add("STATUS", "#2FC6F6", "stages", "NEW|Unassigned", "IN_PROCESS|In progress", "CONVERTED|Good lead", "JUNK|Junk lead")
	add("HONORIFIC", "", "", "HNR_EN_1|Mr.", "HNR_EN_2|Ms.")
	add("CONTACT_TYPE", "", "", "CLIENT|Client", "SUPPLIER|Supplier")
	add("COMPANY_TYPE", "", "", "CUSTOMER|Customer", "PARTNER|Partner")
	add("INDUSTRY", "", "", "IT|Information technology", "MANUFACTURING|Manufacturing")
	return rows
}()

const currencies = `[{"CURRENCY":"EUR","AMOUNT_CNT":"1","AMOUNT":"1.0000","SORT":"100","BASE":"Y","FULL_NAME":"Euro","LID":"en","FORMAT_STRING":"&euro;&nbsp;#",` +
	`"DEC_POINT":".","THOUSANDS_SEP":",","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"},` +
	`{"CURRENCY":"USD","AMOUNT_CNT":"1","AMOUNT":"0.9200","SORT":"200","BASE":"N","FULL_NAME":"US Dollar","LID":"en","FORMAT_STRING":"$#",` +
	`"DEC_POINT":".","THOUSANDS_SEP":",","DECIMALS":"2","DATE_UPDATE":"2024-01-29T12:28:40+02:00"}]`

const ownerTypes = `[{"ID":1,"NAME":"Lead","SYMBOL_CODE":"LEAD","SYMBOL_CODE_SHORT":"L"},{"ID":2,"NAME":"Deal","SYMBOL_CODE":"DEAL","SYMBOL_CODE_SHORT":"D"},` +
	`{"ID":3,"NAME":"Contact","SYMBOL_CODE":"CONTACT","SYMBOL_CODE_SHORT":"C"},{"ID":4,"NAME":"Company","SYMBOL_CODE":"COMPANY","SYMBOL_CODE_SHORT":"CO"},` +
	`{"ID":7,"NAME":"Estimate","SYMBOL_CODE":"QUOTE","SYMBOL_CODE_SHORT":"Q"},{"ID":31,"NAME":"Invoice","SYMBOL_CODE":"SMART_INVOICE","SYMBOL_CODE_SHORT":"SI"}]`

var people = []string{
	`{"ID":"1","ACTIVE":true,"NAME":"Anna","LAST_NAME":"Berger","SECOND_NAME":"","WORK_POSITION":"Administrator","USER_TYPE":"employee"}`,
	`{"ID":"2","ACTIVE":true,"NAME":"Marco","LAST_NAME":"Rossi","SECOND_NAME":"","WORK_POSITION":"Sales manager","USER_TYPE":"employee"}`,
	`{"ID":"3","ACTIVE":true,"NAME":"Nora","LAST_NAME":"Lind","SECOND_NAME":"","WORK_POSITION":"Accountant","USER_TYPE":"employee"}`,
}
