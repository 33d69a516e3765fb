package portalsim_test

import (
	"net/url"
	"testing"

	"itemlens/internal/lab/portalsim"
)

// TestRequisitesAskForTheTypesRightAlone, as the platform's do: who may not read a company is told its requisites, bank
// details and addresses all the same. What keeps them from such a user has to be the app.
func TestRequisitesAskForTheTypesRightAlone(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	w.portal.ChangeUser(2, func(u *portalsim.User) { u.Hidden = []string{"4:40"} })
	some, none := w.portal.AddWebhook(2, "crm"), w.portal.AddWebhook(3, "crm")
	contains(t, w.get(some+"crm.item.get?entityTypeId=4&id=40"), `"ACCESS_DENIED"`)
	contains(t, w.get(some+"crm.item.get?entityTypeId=4&id=41"), `"Blue Harbor`)
	lacks(t, w.get(some+"crm.item.list?entityTypeId=4"), `"Nordlicht`)
	contains(t, w.get(some+"crm.item.list?entityTypeId=4"), `"total":1`, `"Blue Harbor`)
	for query, has := range map[string]string{
		"crm.requisite.list?filter[ENTITY_TYPE_ID]=4&filter[ENTITY_ID]=40":              `"RQ_COMPANY_FULL_NAME":"Nordlicht Logistics GmbH`,
		"crm.requisite.bankdetail.list?filter[ENTITY_TYPE_ID]=8&filter[@ENTITY_ID][]=7": `"RQ_IBAN":"DE00`,
		"crm.address.list?filter[ANCHOR_TYPE_ID]=4&filter[ANCHOR_ID]=40":                `"total":2`,
	} {
		contains(t, w.get(some+query), has)
		contains(t, w.get(none+query), `"error_description":"Access denied."`)
	}
	// Fields that requisites do not have are passed over; of deals there are none.
	contains(t, w.get(some+"crm.requisite.list?filter[NOTHING]=1"), `"total":3`)
	contains(t, w.get(some+"crm.requisite.list?filter[ENTITY_TYPE_ID]=2"), `Access denied.`)
	// Whole numbers are read as PHP casts texts to them: a reference within a batch that leads nowhere stays text, which is 0.
	batch := func(reference string) reply {
		return w.get(some + "batch?cmd[req]=" + url.QueryEscape("crm.requisite.list?filter[ENTITY_TYPE_ID]=4&filter[ENTITY_ID]=41") +
			"&cmd[bank]=" + url.QueryEscape("crm.requisite.bankdetail.list?filter[ENTITY_ID]="+url.QueryEscape(reference)))
	}
	contains(t, batch("0$result[req][0][ID]"), `"00000000000000000041"`, `"bank":1`)
	contains(t, batch("0$result[req][1][ID]"), `"bank":0`)
	// A reference and nothing else that leads nowhere becomes an array and is no id.
	contains(t, w.get(some+"batch?cmd[none]="+url.QueryEscape("crm.item.get?entityTypeId=2&id=22")+
		"&cmd[client]="+url.QueryEscape("crm.item.get?entityTypeId=4&id=$result[none][item][contactIds][0]")), `Invalid value {Array} to match with parameter {id}`)
	// With a digit before it, it stays text there, and leads to the id elsewhere.
	contains(t, w.get(some+"batch?cmd[deal]="+url.QueryEscape("crm.item.get?entityTypeId=2&id=22")+
		"&cmd[client]="+url.QueryEscape("crm.item.get?entityTypeId=4&id=0$result[deal][item][companyId]")+
		"&cmd[none]="+url.QueryEscape("crm.item.get?entityTypeId=3&id=0$result[deal][item][contactIds][0]")),
		`"client":{"item":{"id":41`, `Invalid value {0$result[deal][item][contactIds][0]} to match with parameter {id}`)
}

// TestRelationsOfSmartProcesses are told to whoever may read their items; of other types there are none.
func TestRelationsOfSmartProcesses(t *testing.T) {
	w := newWorld(t, portalsim.Options{RateBurst: 1000})
	w.portal.AddNeighbours(8)
	some, none := w.portal.AddWebhook(2, "crm"), w.portal.AddWebhook(3, "crm")
	contains(t, w.get(some+"crm.type.getByEntityTypeId?entityTypeId=1222"), `"parent":[{"entityTypeId":3,`, `"isPredefined":"Y"`, `"child":[`, `{"entityTypeId":2,"isChildrenListEnabled":"Y","isPredefined":"N"}`)
	contains(t, w.get(none+"crm.type.getByEntityTypeId?entityTypeId=1222"), `"ACCESS_DENIED"`)
	contains(t, w.get(some+"crm.type.getByEntityTypeId?entityTypeId=2"), `not found`)
	contains(t, w.get(some+"crm.item.list?entityTypeId=2&filter[parentId1222]=3"), `"total":2`)
	contains(t, w.get(some+"crm.item.list?entityTypeId=2&filter[companyId]=45&filter[!@stageId][]=WON&filter[!@stageId][]=LOSE"), `"total":5`)
	contains(t, w.get(some+"crm.item.list?entityTypeId=2&filter[parentId1038]=3"), `INVALID_ARG_VALUE`)
	contains(t, w.get(some+"crm.duplicate.findbycomm?type=PHONE&values[]="+url.QueryEscape("+1 202 555 0134")), `"CONTACT":[30,34]`)
}
