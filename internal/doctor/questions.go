package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// questions are what is asked, in the order in which it is asked. docs/platform.md tells of each where it was read.
func questions() []question {
	return slices.Concat(tokenQuestions(), fieldQuestions(), listQuestions(), []question{
		{"batch-keys", "a batch in which a command fails keeps the keys of the others", askBatchKeys},
		{"references", "a reference that leads nowhere, as a card's pipeline, leaves the whole batch without an answer", askReferences},
	})
}

// tokenQuestions are about users, tokens and what the app is to the portal.
func tokenQuestions() []question {
	return []question{
		{"time-zone", "profile tells TIME_ZONE as a text and no TIME_ZONE_OFFSET", askTimeZone},
		{"plan", "app.info names the family of the plan, by which requests are limited", askPlan},
		{"installed", "app.info says that the app is installed to its end", askInstalled},
		{"authority", "app.info of the OAuth server names this portal, the address of its REST and the user of the token", askAuthority},
		{"unknown-token", "an invented access token is refused with 401 and invalid_token", askUnknownToken},
		{"unknown-method", "a method that does not exist is told with 404 before anybody looks at the token", askUnknownMethod},
		{"missing-scope", "a method of a scope that was not granted is refused with 401 and insufficient_scope", askMissingScope},
		{"operating", "answers tell until when a method's operating time counts (operating_reset_at; the cloud alone)", askOperating},
	}
}

func askTimeZone(_ context.Context, e *exam) (string, Verdict) {
	var zone *string
	raw, has := e.profile["TIME_ZONE"]
	_ = json.Unmarshal(raw, &zone)
	_, offset := e.profile["TIME_ZONE_OFFSET"]
	kind := map[bool]string{true: "a name", false: "empty"}[zone != nil && *zone != ""]
	switch {
	case !has:
		kind = "missing"
	case zone == nil:
		kind = "no text"
	}
	return fmt.Sprintf("TIME_ZONE is %s, TIME_ZONE_OFFSET is %s", kind, there(offset)), verdict(zone != nil && !offset)
}

func askPlan(ctx context.Context, e *exam) (string, Verdict) {
	var info struct {
		Family string `json:"LICENSE_FAMILY"`
	}
	if err := e.read(ctx, "app.info", nil, &info); err != nil {
		return unanswered(err)
	}
	if info.Family == "" {
		return "LICENSE_FAMILY is missing or empty", Differs
	}
	rate := "2 a second, 50 at once"
	if strings.EqualFold(info.Family, bitrix24.Enterprise) {
		rate = "5 a second, 250 at once"
	}
	return fmt.Sprintf("LICENSE_FAMILY is %s: %s", bitrix24.CleanCode(info.Family), rate), Same
}

func askInstalled(ctx context.Context, e *exam) (string, Verdict) {
	var info struct {
		Installed *bool `json:"INSTALLED"`
	}
	if err := e.read(ctx, "app.info", nil, &info); err != nil {
		return unanswered(err)
	}
	switch {
	case info.Installed == nil:
		return "INSTALLED is missing", Differs
	case !*info.Installed:
		return "INSTALLED is false: an update waits for an administrator to open the app", Differs
	}
	return "INSTALLED is true", Same
}

func askAuthority(ctx context.Context, e *exam) (string, Verdict) {
	info, err := e.doctor.Server.AppInfo(ctx, e.portal.ServerEndpoint, e.pair.Access)
	if err != nil {
		return unanswered(err)
	}
	var differ []string
	for what, same := range map[string]bool{
		"member_id": info.MemberID == e.portal.MemberID, "client_endpoint": info.ClientEndpoint == e.portal.ClientEndpoint,
		"domain": info.Domain == e.portal.Domain, "user_id": e.pair.UserID == 0 || info.UserID == e.pair.UserID,
	} {
		if !same {
			differ = append(differ, what)
		}
	}
	if len(differ) > 0 {
		slices.Sort(differ)
		return "other than what is stored: " + strings.Join(differ, ", "), Differs
	}
	return "as it is stored", Same
}

// invented is a token that nobody has given out.
var invented = strings.Repeat("0", 70)

func askUnknownToken(ctx context.Context, e *exam) (string, Verdict) {
	_, err := e.doctor.REST.Call(ctx, e.target(secret.New(invented)), "profile", nil)
	status, name, ok := refusal(err)
	if !ok {
		return answered(err)
	}
	return fmt.Sprintf("status %d, %s", status, name), verdict(status == 401 && strings.EqualFold(name, "invalid_token"))
}

func askUnknownMethod(ctx context.Context, e *exam) (string, Verdict) {
	_, err := e.doctor.REST.Call(ctx, e.target(secret.New(invented)), "no.such.method", nil)
	status, name, ok := refusal(err)
	if !ok {
		return answered(err)
	}
	return fmt.Sprintf("status %d, %s", status, name), verdict(status == 404 && strings.EqualFold(name, "ERROR_METHOD_NOT_FOUND"))
}

// askMissingScope takes the first method whose scope the app does not have; each only reads.
func askMissingScope(ctx context.Context, e *exam) (string, Verdict) {
	for _, m := range []struct {
		method string
		scopes []string
	}{
		{"user.current", []string{"user", "user_basic", "user_brief"}}, {"department.fields", []string{"department"}},
		{"tasks.task.getFields", []string{"task"}}, {"calendar.settings.get", []string{"calendar"}},
	} {
		if slices.ContainsFunc(m.scopes, func(s string) bool { return slices.Contains(e.scope, s) }) {
			continue
		}
		_, err := e.call(ctx, m.method, nil)
		status, name, ok := refusal(err)
		if !ok {
			return answered(err)
		}
		if strings.EqualFold(name, "ERROR_METHOD_NOT_FOUND") {
			continue // a portal without that tool
		}
		return fmt.Sprintf("%s: status %d, %s", m.method, status, name), verdict(status == 401 && strings.EqualFold(name, "insufficient_scope"))
	}
	return "no method is known to belong to a scope that was not granted", Unknown
}

// answered is what a question is worth that was to be refused.
func answered(err error) (string, Verdict) {
	if err == nil {
		return "answered, where a refusal was expected", Differs
	}
	return unanswered(err)
}

func askOperating(ctx context.Context, e *exam) (string, Verdict) {
	answer, err := e.call(ctx, "crm.status.list", bitrix24.Params{"filter": bitrix24.Params{"ENTITY_ID": "SOURCE"}})
	if err != nil {
		return unanswered(err)
	}
	if answer.ResetAt == 0 {
		return "not told: as a rule a portal on somebody's own server", Unknown
	}
	in := time.Until(time.Unix(answer.ResetAt, 0)).Round(time.Minute)
	return fmt.Sprintf("told, %s ahead", in), verdict(in > 0 && in <= 11*time.Minute)
}

// fieldQuestions are about fields, values and arrangements.
func fieldQuestions() []question {
	return []question{
		{"multifields", "crm.item.fields of contacts describes fm, and neither phone nor email", askMultifields},
		{"last-communication", "lastCommunicationTime, a moment, is described as a string", askLastCommunication},
		{"wall-clock", "custom datetime fields say by settings.USE_TIMEZONE whether they hold wall-clock time", askWallClock},
		{"dates", "a date is the server's midnight: the nearest midnight of UTC is its day", askDates},
		{"booleans", "booleans of items are Y and N", askBooleans},
		{"arrangement", "an arranged card is a list of sections, without columns", askArrangement},
		{"invoice-arrangement", "an invoice's card is found by extras[CATEGORY_ID], not by extras[categoryId]", askInvoiceArrangement},
	}
}

type fieldInfo struct {
	Type     string          `json:"type"`
	Dynamic  bitrix24.Bool   `json:"isDynamic"`
	Settings json.RawMessage `json:"settings"`
}

func (e *exam) fields(ctx context.Context, entityTypeID int) (map[string]fieldInfo, error) {
	var result struct {
		Fields map[string]fieldInfo `json:"fields"`
	}
	err := e.read(ctx, "crm.item.fields", bitrix24.Params{"entityTypeId": entityTypeID}, &result)
	return result.Fields, err
}

func askMultifields(ctx context.Context, e *exam) (string, Verdict) {
	fields, err := e.fields(ctx, bitrix24.Contact)
	if err != nil {
		return unanswered(err)
	}
	_, fm := fields["fm"]
	_, phone := fields["phone"]
	_, email := fields["email"]
	return fmt.Sprintf("fm is %s, phone %s, email %s", there(fm), there(phone), there(email)), verdict(fm && !phone && !email)
}

func there(has bool) string { return map[bool]string{true: "there", false: "not there"}[has] }

func askLastCommunication(ctx context.Context, e *exam) (string, Verdict) {
	fields, err := e.fields(ctx, bitrix24.Deal)
	if err != nil {
		return unanswered(err)
	}
	field, has := fields["lastCommunicationTime"]
	if !has {
		return "not described", Differs
	}
	return "described as " + bitrix24.CleanCode(field.Type), verdict(field.Type == "string")
}

func askWallClock(ctx context.Context, e *exam) (string, Verdict) {
	all, told, wall := 0, 0, 0
	for _, id := range append(bitrix24.SystemTypes(), e.smartTypes(ctx)...) {
		fields, err := e.fields(ctx, id)
		if err != nil {
			continue // a type that this portal does not have, or that is not for this user
		}
		for _, field := range fields {
			if field.Type != "datetime" || !bool(field.Dynamic) {
				continue
			}
			all++
			var settings struct {
				UseTimeZone string `json:"USE_TIMEZONE"`
			}
			if json.Unmarshal(field.Settings, &settings) == nil && settings.UseTimeZone != "" {
				told++
				if settings.UseTimeZone == "N" {
					wall++
				}
			}
		}
	}
	if all == 0 {
		return "no custom datetime fields in this portal", Unknown
	}
	return fmt.Sprintf("%d custom datetime fields, %d say it, %d of them hold wall-clock time", all, told, wall), verdict(told > 0)
}

// someTypes bounds how many smart processes are looked at.
const someTypes = 5

// smartTypes are some smart processes of the portal.
func (e *exam) smartTypes(ctx context.Context) (ids []int) {
	var list struct {
		Types []struct {
			EntityTypeID bitrix24.ID `json:"entityTypeId"`
		} `json:"types"`
	}
	if e.read(ctx, "crm.type.list", nil, &list) != nil {
		return nil
	}
	for _, t := range list.Types[:min(len(list.Types), someTypes)] {
		ids = append(ids, int(t.EntityTypeID))
	}
	return ids
}

// items are some items of a type, the newest first.
func (e *exam) items(ctx context.Context, entityTypeID int) ([]bitrix24.Object, error) {
	var list struct {
		Items []bitrix24.Object `json:"items"`
	}
	err := e.read(ctx, "crm.item.list", bitrix24.Params{"entityTypeId": entityTypeID, "order": bitrix24.Params{"id": "DESC"}}, &list)
	return list.Items, err
}

func askDates(ctx context.Context, e *exam) (string, Verdict) {
	deals, err := e.items(ctx, bitrix24.Deal)
	if err != nil {
		return unanswered(err)
	}
	seen, far, offsets := 0, 0, map[string]bool{}
	for _, deal := range deals {
		for _, name := range []string{"begindate", "closedate"} {
			var text string
			if json.Unmarshal(deal[name], &text) != nil || text == "" {
				continue
			}
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return name + " is written in another form than a moment with an offset", Differs
			}
			seen++
			offsets[text[len(text)-6:]] = true
			if past := at.UTC().Sub(at.UTC().Round(24 * time.Hour)).Abs(); past > 2*time.Hour {
				far++
			}
		}
	}
	if seen == 0 {
		return "no deal has a date", Unknown
	}
	return fmt.Sprintf("%d dates, %d far from a midnight of UTC, offsets %s", seen, far, strings.Join(sorted(offsets), " ")), verdict(far == 0)
}

func askBooleans(ctx context.Context, e *exam) (string, Verdict) {
	deals, err := e.items(ctx, bitrix24.Deal)
	if err != nil {
		return unanswered(err)
	}
	forms := map[string]bool{}
	for _, deal := range deals {
		if raw, has := deal["opened"]; has {
			forms[bitrix24.CleanText(string(raw), 10)] = true
		}
	}
	if len(forms) == 0 {
		return "there are no deals", Unknown
	}
	delete(forms, "null")
	same := len(forms) > 0
	for form := range forms {
		same = same && (form == `"Y"` || form == `"N"`)
	}
	return "opened is " + strings.Join(sorted(forms), " or "), verdict(same)
}

func sorted(set map[string]bool) (list []string) {
	for text := range set {
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}

// section is a part of an arranged card.
type section struct {
	Type string `json:"type"`
}

// arrangement is an arranged card; nil where nobody arranged it, or where it was not found.
func (e *exam) arrangement(ctx context.Context, entityTypeID int, extras bitrix24.Params) (sections []section, err error) {
	err = e.read(ctx, "crm.item.details.configuration.get", bitrix24.Params{"entityTypeId": entityTypeID, "scope": "C", "extras": extras}, &sections)
	return sections, err
}

func askArrangement(ctx context.Context, e *exam) (string, Verdict) {
	categories, err := e.categories(ctx, bitrix24.Deal)
	if err != nil {
		return unanswered(err)
	}
	found, columns := 0, 0
	for _, id := range categories {
		sections, err := e.arrangement(ctx, bitrix24.Deal, bitrix24.Params{"dealCategoryId": id})
		if err != nil {
			return unanswered(err)
		}
		if sections == nil {
			continue
		}
		found++
		if slices.ContainsFunc(sections, func(s section) bool { return s.Type == "column" }) {
			columns++
		}
	}
	if found == 0 {
		return "nobody has arranged the common card of deals", Unknown
	}
	return fmt.Sprintf("%d arranged cards of deals, %d with columns", found, columns), verdict(columns == 0)
}

// categories are some pipelines of a type.
func (e *exam) categories(ctx context.Context, entityTypeID int) (ids []int, err error) {
	var list struct {
		Categories []struct {
			ID bitrix24.ID `json:"id"`
		} `json:"categories"`
	}
	err = e.read(ctx, "crm.category.list", bitrix24.Params{"entityTypeId": entityTypeID}, &list)
	for _, c := range list.Categories[:min(len(list.Categories), someTypes)] {
		ids = append(ids, int(c.ID))
	}
	return ids, err
}

func askInvoiceArrangement(ctx context.Context, e *exam) (string, Verdict) {
	categories, err := e.categories(ctx, bitrix24.SmartInvoice)
	if err != nil {
		return unanswered(err)
	}
	upper, lower := 0, 0
	for _, id := range categories {
		for name, count := range map[string]*int{"CATEGORY_ID": &upper, "categoryId": &lower} {
			sections, err := e.arrangement(ctx, bitrix24.SmartInvoice, bitrix24.Params{name: id})
			if err != nil {
				return unanswered(err)
			}
			if sections != nil {
				*count++
			}
		}
	}
	if upper+lower == 0 {
		return "nobody has arranged the common card of invoices", Unknown
	}
	return fmt.Sprintf("found %d times by CATEGORY_ID, %d times by categoryId", upper, lower), verdict(upper > 0 && lower == 0)
}

// listQuestions are about lists, dictionaries and what may be bound.
func listQuestions() []question {
	return []question{
		{"statuses", "crm.status.list answers everything at once", askStatuses},
		{"status-filter", "crm.status.list refuses a list of ENTITY_ID", askStatusFilter},
		{"categories", "crm.category.list answers for contacts too", askCategories},
		{"types", "crm.type.list leaves out 31, 36 and 39", askTypes},
		{"unsupported-type", "a type that has no items is ENTITY_TYPE_NOT_SUPPORTED", askUnsupportedType},
		{"placements", "every type of items has a place for a tab", askPlacements},
		{"events", "every event that the app binds exists", askEvents},
	}
}

func askStatuses(ctx context.Context, e *exam) (string, Verdict) {
	answer, err := e.call(ctx, "crm.status.list", nil)
	if err != nil {
		return unanswered(err)
	}
	var rows []json.RawMessage
	if err := json.Unmarshal(answer.Result, &rows); err != nil {
		return "no list", Differs
	}
	told := fmt.Sprintf("%d entries, total %d, next %d", len(rows), answer.Total, answer.Next)
	switch {
	case answer.Next > 0 || len(rows) < answer.Total:
		return told, Differs
	case len(rows) <= 50:
		return told + ": too few to tell", Unknown
	}
	return told, Same
}

func askStatusFilter(ctx context.Context, e *exam) (string, Verdict) {
	_, err := e.call(ctx, "crm.status.list", bitrix24.Params{"filter": bitrix24.Params{"ENTITY_ID": []string{"SOURCE", "DEAL_TYPE"}}})
	status, name, ok := refusal(err)
	if !ok {
		return answered(err)
	}
	return fmt.Sprintf("status %d, %s", status, name), Same
}

func askCategories(ctx context.Context, e *exam) (string, Verdict) {
	ids, err := e.categories(ctx, bitrix24.Contact)
	if status, name, ok := refusal(err); ok {
		return fmt.Sprintf("status %d, %s", status, name), Differs
	}
	if err != nil {
		return unanswered(err)
	}
	return fmt.Sprintf("%d pipelines", len(ids)), verdict(len(ids) > 0)
}

func askTypes(ctx context.Context, e *exam) (string, Verdict) {
	var list struct {
		Types []struct {
			EntityTypeID bitrix24.ID `json:"entityTypeId"`
		} `json:"types"`
	}
	if err := e.read(ctx, "crm.type.list", nil, &list); err != nil {
		return unanswered(err)
	}
	var system []string
	for _, t := range list.Types {
		if slices.Contains([]bitrix24.ID{31, 36, 39}, t.EntityTypeID) {
			system = append(system, strconv.FormatInt(int64(t.EntityTypeID), 10))
		}
	}
	if len(system) > 0 {
		return "among them " + strings.Join(system, ", "), Differs
	}
	return fmt.Sprintf("%d smart processes on the first page", len(list.Types)), Same
}

func askUnsupportedType(ctx context.Context, e *exam) (string, Verdict) {
	_, err := e.call(ctx, "crm.item.get", bitrix24.Params{"entityTypeId": 5, "id": 1})
	status, name, ok := refusal(err)
	if !ok {
		return answered(err)
	}
	return fmt.Sprintf("status %d, %s", status, name), verdict(strings.EqualFold(name, "ENTITY_TYPE_NOT_SUPPORTED"))
}

func askPlacements(ctx context.Context, e *exam) (string, Verdict) {
	var have []string
	if err := e.read(ctx, "placement.list", nil, &have); err != nil {
		return unanswered(err)
	}
	return missing(have, detailTabs(append(bitrix24.SystemTypes(), e.smartTypes(ctx)...)))
}

func detailTabs(types []int) (codes []string) {
	for _, id := range types {
		codes = append(codes, bitrix24.DetailTab(id))
	}
	return codes
}

func askEvents(ctx context.Context, e *exam) (string, Verdict) {
	var have []string
	if err := e.read(ctx, "events", nil, &have); err != nil {
		return unanswered(err)
	}
	return missing(have, append(bitrix24.SchemaEvents(), bitrix24.OnAppInstall, bitrix24.OnAppUpdate, bitrix24.OnAppUninstall, bitrix24.OnAppPayment))
}

// missing says which of those that are wanted are not among those that there are.
func missing(have, want []string) (string, Verdict) {
	known := map[string]bool{}
	for _, name := range have {
		known[strings.ToUpper(name)] = true
	}
	var lacks []string
	for _, name := range want {
		if !known[name] {
			lacks = append(lacks, name)
		}
	}
	if len(lacks) > 0 {
		return fmt.Sprintf("%d of %d are missing: %s", len(lacks), len(want), strings.Join(lacks, " ")), Differs
	}
	return fmt.Sprintf("all %d", len(want)), Same
}

// nobody is the id of an item that does not exist.
const nobody = 999_999_999

func askBatchKeys(ctx context.Context, e *exam) (string, Verdict) {
	answer, err := e.call(ctx, "batch", map[string]any{"halt": 0, "cmd": map[string]string{
		"0": fmt.Sprintf("crm.item.get?entityTypeId=%d&id=%d", bitrix24.Deal, nobody), "1": "server.time",
	}})
	if err != nil {
		return unanswered(err)
	}
	var whole struct {
		Result json.RawMessage `json:"result"`
	}
	var keyed map[string]json.RawMessage
	if json.Unmarshal(answer.Result, &whole) != nil || json.Unmarshal(whole.Result, &keyed) != nil {
		return "the results are a list: what comes after the failure moves", Differs
	}
	return fmt.Sprintf("the results are an object, and the second command's is %s", there(keyed["1"] != nil)), verdict(keyed["1"] != nil)
}

func askReferences(ctx context.Context, e *exam) (string, Verdict) {
	_, err := e.doctor.REST.Batch(ctx, e.target(e.pair.Access), []bitrix24.Command{
		{Key: "item", Method: "crm.item.get", Params: bitrix24.Params{"entityTypeId": bitrix24.Deal, "id": nobody}},
		{Key: "card", Method: "crm.item.details.configuration.get", Params: bitrix24.Params{
			"entityTypeId": bitrix24.Deal, "scope": "C", "extras": bitrix24.Params{"dealCategoryId": "$result[item][item][categoryId]"},
		}},
	})
	var unusable *bitrix24.AnswerError
	switch {
	case err == nil:
		return "the batch is answered", Differs
	case errors.As(err, &unusable):
		return fmt.Sprintf("an unusable answer (%s), status %d", unusable.Kind, unusable.Status), Same
	}
	status, name, ok := refusal(err)
	if !ok {
		return unanswered(err)
	}
	return fmt.Sprintf("the batch as a whole is refused: status %d, %s", status, name), verdict(status >= 500)
}
