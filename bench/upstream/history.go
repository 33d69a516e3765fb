package main

import (
	"fmt"
	"strings"
)

// history answers what the view of an item's history asks for: a deal on its third stage, with forty comments and as many
// activities (api-reference/crm/crm-stage-history-list.md, timeline/comments/crm-timeline-comment-list.md,
// timeline/activities/activity-base/crm-activity-list.md).
func history(method string) (answer, bool) {
	switch method {
	case "crm.stagehistory.list":
		var rows []string
		for i, stage := range []string{"EXECUTING", "PREPARATION", "NEW"} {
			rows = append(rows, fmt.Sprintf(`{"ID":"%d","TYPE_ID":"%d","OWNER_ID":"20","CREATED_TIME":"2026-0%d-10T11:20:00+01:00","CATEGORY_ID":"0","STAGE_SEMANTIC_ID":"P","STAGE_ID":%q}`,
				30-i, 2-i/2, 5-i, stage))
		}
		return list(`{"items":[`+strings.Join(rows, ",")+`]}`, len(rows)), true
	case "crm.timeline.comment.list":
		return rows(`{"ID":"%d","ENTITY_ID":"20","ENTITY_TYPE":"deal","AUTHOR_ID":"2","CREATED":"2026-05-%02dT09:00:00+02:00","COMMENT":"Talked to the [b]warehouse[/b] about the delivery in two parts."}`), true
	case "crm.activity.list":
		return rows(`{"ID":"%d","OWNER_ID":"20","OWNER_TYPE_ID":"2","TYPE_ID":"2","PROVIDER_ID":"VOXIMPLANT_CALL","SUBJECT":"Outgoing call","CREATED":"2026-05-%02dT10:00:00+02:00",`+
			`"START_TIME":"2026-05-20T10:00:00+02:00","DEADLINE":"2026-05-20T10:00:00+02:00","COMPLETED":"Y","RESPONSIBLE_ID":"2","DIRECTION":"2"}`), true
	}
	return answer{}, false
}

// rows are twenty rows of forty, of a pattern that takes a number and a day.
func rows(pattern string) answer {
	var all []string
	for i := range 20 {
		all = append(all, fmt.Sprintf(pattern, 500-i, 28-i))
	}
	return list("["+strings.Join(all, ",")+"]", 40)
}
