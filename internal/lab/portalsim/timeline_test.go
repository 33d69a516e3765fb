package portalsim_test

import (
	"strings"
	"testing"

	"itemlens/internal/lab/portalsim"
)

// TestStageHistory: of the types that have one, by its own fields, and of items that the user may read alone.
func TestStageHistory(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	w.portal.FinishInstall("app.1")
	access, _ := w.tokens(1)
	r := w.call(access, "crm.stagehistory.list", `{"entityTypeId":2,"filter":{"OWNER_ID":22},"order":{"ID":"desc","NOTHING":"ASC"}}`)
	contains(t, r, `"TYPE_ID":2,"OWNER_ID":22,"CREATED_TIME":"2026-05-06T09:00:00+02:00","CATEGORY_ID":9,"STAGE_SEMANTIC_ID":"P","STAGE_ID":"C9:VISIT"},{`,
		`"TYPE_ID":5,"OWNER_ID":22,"CREATED_TIME":"2026-05-04T11:00:00+02:00"`, `"TYPE_ID":1`, `"total":3`)
	contains(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":1,"filter":{"OWNER_ID":252,">TYPE_ID":2},"select":["STATUS_ID","x"]}`),
		`"items":[{"ID":252003,"STATUS_ID":"JUNK"}]`)
	contains(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":31,"filter":{"OWNER_ID":310}}`), `"STAGE_ID":"DT31_10:N"`, `"STAGE_ID":"DT31_10:S"`)
	contains(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":1038,"filter":{"@OWNER_ID":[5,6]}}`), `"total":5`)
	for _, entityTypeID := range []string{"3", "4", "7", "77", "4000"} {
		want(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":`+entityTypeID+`}`), 400, "ENTITY_TYPE_NOT_SUPPORTED")
	}
	want(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":2,"filter":{"STATUS_ID":"NEW"}}`), 400, "INVALID_ARG_VALUE")
	if err := w.portal.AddMoves(2, 20, 60); err != nil {
		t.Fatal(err)
	}
	contains(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":2,"filter":{"OWNER_ID":20},"order":{"ID":"ASC"}}`), `"next":50`, `"total":65`)
	second := w.call(access, "crm.stagehistory.list", `{"entityTypeId":2,"filter":{"OWNER_ID":20},"order":{"ID":"ASC"},"start":70}`)
	contains(t, second, `"ID":20051`, `"ID":20065`)
	lacks(t, second, `"next"`)
	lacks(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":2,"start":-1}`), `"total"`)
	// Somebody moves the deal.
	contains(t, w.call(access, "crm.item.update", `{"entityTypeId":2,"id":20,"fields":{"stageId":"WON"}}`), `"stageId":"WON"`)
	contains(t, w.call(access, "crm.stagehistory.list", `{"entityTypeId":2,"filter":{"OWNER_ID":20,"TYPE_ID":3}}`), `"STAGE_ID":"WON"`, `"total":1`)
	accountant, _ := w.tokens(3)
	contains(t, w.call(accountant, "crm.stagehistory.list", `{"entityTypeId":2,"filter":{"OWNER_ID":20}}`), `"items":[]`, `"total":0`)
	outsider, _ := w.tokens(4)
	want(t, w.call(outsider, "crm.stagehistory.list", `{"entityTypeId":2}`), 403, "allowed_only_intranet_user")
}

// TestCommentsOfAnItem: of one item whose type goes by its name in any case, for who may read it.
func TestCommentsOfAnItem(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	w.portal.FinishInstall("app.1")
	access, _ := w.tokens(1)
	r := w.call(access, "crm.timeline.comment.list", `{"filter":{"ENTITY_ID":20,"ENTITY_TYPE":"Deal"},"order":{"ID":"DESC"}}`)
	contains(t, r, `{"result":[{"ID":"705"`, `"ENTITY_TYPE":"deal"`, `"total":5`)
	contains(t, w.call(access, "crm.timeline.comment.list", `{"filter":{"ENTITY_ID":20,"ENTITY_TYPE":"deal"},"order":{"ID":"desc","TEXT":"DESC"}}`), `{"result":[{"ID":"701"`)
	contains(t, w.call(access, "crm.timeline.comment.list", `{"filter":{"ENTITY_ID":5,"ENTITY_TYPE":"dynamic_1038"},"select":["COMMENT"]}`), `{"result":[{"COMMENT":"Handed over`)
	contains(t, w.call(access, "crm.timeline.comment.list", `{"filter":{"ENTITY_ID":4711,"ENTITY_TYPE":"lead"}}`), `{"result":[],"total":0`)
	w.portal.AddComments(2, 20, 1, strings.Fields(strings.Repeat("more ", 60))...)
	contains(t, w.call(access, "crm.timeline.comment.list", `{"filter":{"ENTITY_ID":20,"ENTITY_TYPE":"deal"}}`), `"next":50`, `"total":65`)
	accountant, _ := w.tokens(3)
	for _, refused := range []struct{ token, question string }{
		{accountant, `{"filter":{"ENTITY_ID":20,"ENTITY_TYPE":"deal"}}`}, {access, `{"filter":{"ENTITY_ID":20,"ENTITY_TYPE":"no"}}`}, {access, ""},
	} {
		r := w.call(refused.token, "crm.timeline.comment.list", refused.question)
		want(t, r, 400, "")
		contains(t, r, "Access denied.")
	}
}

// TestActivitiesOfAnItem: what is bound to it, whoever owns it; by owner alone, that is missed.
func TestActivitiesOfAnItem(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	w.portal.FinishInstall("app.1")
	access, _ := w.tokens(1)
	const bound = `"filter":{"BINDINGS":[{"OWNER_TYPE_ID":4,"OWNER_ID":40}]}`
	contains(t, w.call(access, "crm.activity.list", `{`+bound+`,"select":["ID","OWNER_TYPE_ID"],"order":{"START_TIME":"desc"}}`), `{"ID":"801","OWNER_TYPE_ID":"2"}`, `"total":5`)
	contains(t, w.call(access, "crm.activity.list", `{"filter":{"OWNER_TYPE_ID":4,"OWNER_ID":40}}`), `"total":0`)
	open := w.call(access, "crm.activity.list", `{"filter":{"BINDINGS":[{"OWNER_TYPE_ID":2,"OWNER_ID":20}],"COMPLETED":"N","NOTHING":1},"order":{"DEADLINE":"ASC"},"select":["ID"]}`)
	contains(t, open, `[{"ID":"820"},{"ID":"821"},{"ID":"822"},{"ID":"823"}]`)
	all := w.call(access, "crm.activity.list", ``)
	contains(t, all, `{"result":[{"ID":"801"`, `"DEADLINE":"2026-02-10T09:40:00+01:00"`)
	lacks(t, all, "COMMUNICATIONS", "BINDINGS")
	w.portal.AddActivities(2, 20, 60, 10)
	contains(t, w.call(access, "crm.activity.list", `{"filter":{"BINDINGS":[{"OWNER_TYPE_ID":2,"OWNER_ID":20}],"COMPLETED":"Y"}}`), `"next":50`, `"total":83`)
	accountant, _ := w.tokens(3)
	r := w.call(accountant, "crm.activity.list", `{`+bound+`}`)
	want(t, r, 400, "")
	contains(t, r, "Access denied.")
}
