package portalsim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// The types of activities (api-reference/crm/data-types.md, crm_enum_activitytype).
const (
	aMeeting  = 1
	aCall     = 2
	aTask     = 3
	aEmail    = 4
	aProvided = 6 // by a provider, which PROVIDER_ID names
)

// noDeadline is what the platform keeps where an activity has none: the last day of its database.
const noDeadline = "9999-12-31T00:00:00+03:00"

// activity makes a row as crm.activity.list answers it. Its first binding is its owner.
func activity(id, kind int, provider, subject string, direction int, at string, done bool, responsible int, bindings ...string) *object {
	status, completed := "1", "N"
	if done {
		status, completed = "2", "Y"
	}
	var ownerType, owner int
	_, _ = fmt.Sscanf(bindings[0], "%d/%d", &ownerType, &owner)
	providerType := map[int]string{aMeeting: "MEETING", aCall: "CALL", aTask: "TASK", aEmail: "EMAIL"}[kind]
	if providerType == "" {
		providerType = map[string]string{"CRM_TODO": "TODO", "CRM_SMS": "SMS", "IMOPENLINES_SESSION": "1", "CRM_WEBFORM": "1"}[provider]
	}
	bound := newObject()
	for _, binding := range bindings {
		var typeID, item int
		_, _ = fmt.Sscanf(binding, "%d/%d", &typeID, &item)
		bound.push(newObject().set("OWNER_TYPE_ID", strconv.Itoa(typeID)).set("OWNER_ID", strconv.Itoa(item)))
	}
	start := at
	if at == noDeadline {
		start = "2026-06-01T09:00:00+02:00"
	}
	return newObject().
		set("ID", strconv.Itoa(id)).set("OWNER_ID", strconv.Itoa(owner)).set("OWNER_TYPE_ID", strconv.Itoa(ownerType)).set("TYPE_ID", strconv.Itoa(kind)).
		set("PROVIDER_ID", provider).set("PROVIDER_TYPE_ID", providerType).set("PROVIDER_GROUP_ID", nil).set("ASSOCIATED_ENTITY_ID", "0").
		set("SUBJECT", subject).set("CREATED", start).set("LAST_UPDATED", start).set("START_TIME", start).set("END_TIME", start).set("DEADLINE", at).
		set("COMPLETED", completed).set("STATUS", status).set("RESPONSIBLE_ID", strconv.Itoa(responsible)).set("PRIORITY", "2").
		set("NOTIFY_TYPE", "0").set("NOTIFY_VALUE", "0").set("DESCRIPTION", "About: "+subject).set("DESCRIPTION_TYPE", "1").
		set("DIRECTION", strconv.Itoa(direction)).set("LOCATION", "").set("SETTINGS", newObject()).set("ORIGINATOR_ID", nil).set("ORIGIN_ID", nil).
		set("AUTHOR_ID", strconv.Itoa(responsible)).set("EDITOR_ID", strconv.Itoa(responsible)).set("PROVIDER_PARAMS", newObject()).set("PROVIDER_DATA", nil).
		set("RESULT_MARK", "0").set("RESULT_VALUE", nil).set("RESULT_SUM", nil).set("RESULT_CURRENCY_ID", nil).set("RESULT_STATUS", "0").
		set("RESULT_STREAM", "0").set("RESULT_SOURCE_ID", nil).set("AUTOCOMPLETE_RULE", "0").set("IS_INCOMING_CHANNEL", "N").set("BINDINGS", bound)
}

// standardActivities are what was done around the deal of the northern warehouse, and what is planned: days from now.
func standardActivities(now time.Time) []*object {
	deal, company, contact := moveKey(2, 20), moveKey(4, 40), moveKey(3, 30)
	around := []string{deal, company, contact}
	in := func(days, hour int) string {
		return moment(time.Date(now.Year(), now.Month(), now.Day()+days, hour, 0, 0, 0, now.Location()))
	}
	out := []*object{
		activity(801, aCall, "VOXIMPLANT_CALL", "Incoming call from Clara Weiss", 1, "2026-02-10T09:40:00+01:00", true, 2, around...),
		activity(802, aEmail, "CRM_EMAIL", "Offer for floor scales FS-300", 2, "2026-02-12T10:15:00+01:00", true, 2, around...),
		activity(803, aEmail, "CRM_EMAIL", "Re: Offer for floor scales FS-300", 1, "2026-02-19T08:02:00+01:00", true, 2, around...),
		activity(804, aMeeting, "CRM_MEETING", "Visit to the northern warehouse", 0, "2026-03-05T10:00:00+01:00", true, 2, deal, contact),
		activity(805, aCall, "VOXIMPLANT_CALL", "Outgoing call to Clara Weiss", 2, "2026-04-02T11:55:00+02:00", true, 2, around...),
		activity(806, aProvided, "CRM_SMS", "Your order is being prepared", 2, "2026-04-21T12:00:00+02:00", true, 1, deal, contact),
		activity(807, aProvided, "CRM_TODO", "Agree the day of delivery", 0, "2026-05-20T14:30:00+02:00", true, 2, deal),
		activity(808, aProvided, "IMOPENLINES_SESSION", "Chat on the website", 1, "2026-05-27T09:20:00+02:00", true, 1, contact, deal),
		activity(809, aTask, "CRM_TASKS_TASK", "Calibrate the first scale", 0, "2026-05-28T16:00:00+02:00", true, 1, deal),
		activity(820, aProvided, "CRM_TODO", "Send the calibration certificate", 0, in(-5, 12), false, 2, deal),
		activity(821, aCall, "VOXIMPLANT_CALL", "Ask when the ramp is free", 2, in(2, 10), false, 2, around...),
		activity(822, aMeeting, "CRM_MEETING", "Handover at the northern warehouse", 0, in(9, 14), false, 1, deal, contact),
		activity(823, aTask, "CRM_TASKS_TASK", "Collect photographs for the reference", 0, noDeadline, false, 1, deal),
		activity(824, aProvided, "CRM_TODO", "Congratulate on the new branch", 0, in(1, 9), false, 1, moveKey(4, 41)),
	}
	first := time.Date(2026, 2, 16, 9, 0, 0, 0, time.FixedZone("", 3600))
	for week := range 14 {
		at := first.AddDate(0, 0, 7*week)
		out = append(out, activity(840+week, aEmail, "CRM_EMAIL", fmt.Sprintf("State of the order, week %d", 8+week), 1+week%2, moment(at), true, 2, deal, contact))
	}
	return out
}

// AddActivities adds activities to an item: so many that are done, an hour after each other, and so many that are planned,
// half of them for days that have passed.
func (p *Portal) AddActivities(entityTypeID, id, done, planned int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begin, now, key := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC), time.Now(), moveKey(entityTypeID, id)
	for n := range done {
		p.activities = append(p.activities, activity(20_000+len(p.activities), 1+n%4, "", fmt.Sprintf("Activity %d", n+1), 1+n%2, moment(begin.Add(time.Duration(n)*time.Hour)), true, 1+n%2, key))
	}
	for n := range planned {
		p.activities = append(p.activities, activity(20_000+len(p.activities), 1+n%4, "", fmt.Sprintf("Plan %d", n+1), 0, moment(now.AddDate(0, 0, n-planned/2)), false, 1, key))
	}
}

// methodActivityList answers the activities whose owner the user may read, and those for which the user is responsible
// (crm-activity-list.md; crm/classes/general/restservice.php). Filters and orders by fields that activities have not are
// passed over; BINDINGS finds what is bound to items, whoever owns it. Values are text. Communications and files are left
// out unless they are selected, and the simulator has none.
func methodActivityList(c *call) (any, *apiError) {
	if !c.user.CRM || c.user.Extranet {
		return nil, failure(400, "", "Access denied.")
	}
	known := func(name string) bool {
		if len(c.portal.activities) == 0 || name == "BINDINGS" {
			return false
		}
		_, ok := c.portal.activities[0].values[name]
		return ok
	}
	given, _ := c.params.fold("filter").(*object)
	if given == nil {
		given = newObject()
	}
	plain := newObject()
	for _, key := range given.keys {
		if _, name := splitOperator(key); known(name) {
			plain.set(key, given.values[key])
		}
	}
	f, refusal := parseFilter(plain, nil)
	if refusal != nil {
		return nil, refusal
	}
	bindings, _ := given.get("BINDINGS").(*object)
	var rows []*object
	for _, row := range c.portal.activities {
		if f.holds(func(field string) []string { return row.texts(field) }) && isBound(row, bindings) {
			rows = append(rows, row)
		}
	}
	order, _ := c.params.fold("order").(*object)
	if order == nil || len(order.keys) == 0 {
		order = newObject().set("START_TIME", "ASC")
	}
	sortRows(rows, order, known)
	selected := c.params.texts("select")
	all := newObject()
	for _, row := range rows {
		row = row.without("BINDINGS")
		if len(selected) > 0 {
			row = row.only(selected)
		}
		all.push(row)
	}
	return c.wholePage(all), nil
}

// isBound reports whether an activity is bound to one of the items, or types of items, that a filter names.
func isBound(row, wanted *object) bool {
	if wanted == nil {
		return true
	}
	bound := row.values["BINDINGS"].(*object)
	return slices.ContainsFunc(wanted.keys, func(w string) bool {
		return slices.ContainsFunc(bound.keys, func(b string) bool {
			for _, name := range []string{"OWNER_TYPE_ID", "OWNER_ID"} {
				if value := wanted.text(w, name); value != "" && value != bound.text(b, name) {
					return false
				}
			}
			return true
		})
	})
}
