package crm

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

var company = Ref{bitrix24.Company, 40}

func (v *visitor) around(ref Ref) (*Around, error) { return v.w.Around(context.Background(), v, ref) }

// clientWorld is a portal with a deal of a company and a contact, of which requisites are told.
func clientWorld(t testing.TB) *world {
	w := newWorld(t)
	w.say("crm.requisite.list", reply{result: `[{"ID":"7","ENTITY_TYPE_ID":"4","ENTITY_ID":"40","NAME":"Head office","RQ_INN":"0000","PRESET_ID":"1","RQ_KPP":""},
		{"ID":"8","ENTITY_TYPE_ID":"4","ENTITY_ID":"41","NAME":"Of another one","RQ_INN":"1111"}]`, total: 1})
	w.say("crm.requisite.fields", reply{result: `{"RQ_INN":{"title":"Tax ID"}}`})
	w.say("crm.requisite.bankdetail.list", reply{result: `[{"ID":"3","ENTITY_ID":"7","NAME":"Main","RQ_IBAN":"DE00"},{"ID":"4","ENTITY_ID":"8","NAME":"Not theirs","RQ_IBAN":"DE11"}]`})
	w.say("crm.requisite.bankdetail.fields", reply{result: `{"RQ_IBAN":{"title":"IBAN"}}`})
	w.say("crm.address.list", reply{result: `[{"TYPE_ID":"6","ANCHOR_TYPE_ID":"4","ANCHOR_ID":"40","ADDRESS_1":"Quay 7","CITY":"Port Town","POSTAL_CODE":"1"},{"TYPE_ID":"6","ANCHOR_TYPE_ID":"4","ANCHOR_ID":"41","CITY":"Elsewhere"}]`})
	w.say("crm.enum.addresstype", reply{result: `[{"ID":6,"NAME":"Legal address"}]`})
	w.say("crm.type.getByEntityTypeId", reply{code: "ACCESS_DENIED"})
	w.say("crm.duplicate.findbycomm", reply{result: `[]`})
	w.reply = func(_ portal.UserID, c bitrix24.Command) (reply, bool) {
		if c.Method != "crm.item.get" {
			return reply{}, false
		}
		switch c.Params["entityTypeId"] {
		case bitrix24.Deal:
			return reply{result: `{"item":{"id":5,"title":"Scales","companyId":40,"contactId":0}}`}, true
		case bitrix24.Company:
			return reply{result: `{"item":{"id":40,"title":"Nordlicht"}}`}, true
		}
		return reply{code: "NOT_FOUND"}, true
	}
	return w
}

func TestRequisitesOfAClientThatWasShown(t *testing.T) {
	w := clientWorld(t)
	got, err := w.visitor(1).around(deal)
	if err != nil || len(got.Clients) != 1 {
		t.Fatalf("%v, clients %+v", err, got)
	}
	c := got.Clients[0]
	if fmt.Sprint(c.Ref, c.Requisites, c.Addresses) != `{4 40} [{7 Head office [{RQ_INN Tax ID 0000}] [{Main [{RQ_IBAN IBAN DE00}]}]}] [{Legal address [Quay 7 1 Port Town]}]` {
		t.Errorf("%+v", c)
	}
	if requests := w.asked(); len(requests) != 2 || times(requests[:1], "crm.requisite.list") != 0 || times(requests[1:], "crm.requisite.list") != 1 {
		t.Errorf("%d requests, requisites by the first one: %d", len(requests), times(requests[:1], "crm.requisite.list"))
	}
	// Of a company itself, too.
	if got, err = w.visitor(1).around(company); err != nil || len(got.Clients) != 1 || len(got.Clients[0].Requisites) != 1 {
		t.Errorf("%v, %+v", err, got)
	}
}

// TestRequisitesOfAClientThatWasNotShown are never asked for: the portal would tell them to whoever may read some company.
func TestRequisitesOfAClientThatWasNotShown(t *testing.T) {
	for name, answered := range map[string]reply{
		"refused":            {code: "ACCESS_DENIED"},
		"gone":               {code: "NOT_FOUND"},
		"another one":        {result: `{"item":{"id":41,"title":"Not the deal's"}}`},
		"none":               {result: `null`},
		"nothing in it":      {result: `{"item":[]}`},
		"no answer":          {},
		"passing difficulty": {code: "INTERNAL_SERVER_ERROR"},
	} {
		w := clientWorld(t)
		whole := w.reply
		w.reply = func(user portal.UserID, c bitrix24.Command) (reply, bool) {
			if c.Method == "crm.item.get" && c.Params["entityTypeId"] == bitrix24.Company {
				return answered, true
			}
			return whole(user, c)
		}
		got, err := w.visitor(1).around(deal)
		if err != nil || len(got.Clients) != 0 {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
		requests := w.asked()
		for _, method := range []string{"crm.requisite.list", "crm.requisite.bankdetail.list", "crm.address.list"} {
			if n := times(requests, method); n != 0 {
				t.Errorf("%s: %s is asked %d times", name, method, n)
			}
		}
		if _, err := w.visitor(1).around(company); err == nil && answered.code != "" {
			t.Errorf("%s: the company itself is shown", name)
		}
		if n := times(w.asked(), "crm.requisite.list"); n != 0 && name != "another one" {
			t.Errorf("%s: requisites of the company itself are asked for", name)
		}
	}
}

// dealsOf answers crm.item.list of deals with so many of them.
func dealsOf(count int) func(c bitrix24.Command) (reply, bool) {
	return func(c bitrix24.Command) (reply, bool) {
		if c.Method != "crm.item.list" || c.Params["entityTypeId"] != bitrix24.Deal {
			return reply{}, false
		}
		if filter, _ := c.Params["filter"].(bitrix24.Params); filter["!@stageId"] != nil {
			return reply{result: `{"items":[]}`, total: count / 2}, true
		}
		start, _ := c.Params["start"].(int)
		var items []string
		for i := start; i < min(start+kindPage, count); i++ {
			stage, currency := "NEW", "EUR"
			if i%2 == 0 {
				stage = "WON"
			}
			if i%5 == 0 {
				currency = "USD"
			}
			items = append(items, fmt.Sprintf(`{"id":%d,"title":"Deal","stageId":%q,"opportunity":10.5,"currencyId":%q}`, count-i, stage, currency))
		}
		return reply{result: `{"items":[` + strings.Join(items, ",") + `]}`, total: count}, true
	}
}

// TestSumsSayWhatTheyCover: whole lists of up to 500 are summed, of longer ones the newest 500; how many are open is counted
// by the portal then.
func TestSumsSayWhatTheyCover(t *testing.T) {
	for _, tt := range []struct{ count, read, open, requests int }{{0, 0, 0, 2}, {40, 40, 20, 2}, {50, 50, 25, 2}, {120, 120, 60, 2}, {500, 500, 250, 2}, {2000, 500, 1000, 2}} {
		w := clientWorld(t)
		w.say("crm.status.list", reply{result: `[{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"NEW"},{"ENTITY_ID":"DEAL_STAGE","STATUS_ID":"WON","SEMANTICS":"S"},
			{"ENTITY_ID":"STATUS","STATUS_ID":"NEW","SEMANTICS":"F"}]`})
		whole, deals := w.reply, dealsOf(tt.count)
		w.reply = func(user portal.UserID, c bitrix24.Command) (reply, bool) {
			if r, ok := deals(c); ok {
				return r, true
			}
			return whole(user, c)
		}
		got, err := w.visitor(1).around(company)
		if err != nil {
			t.Fatal(err)
		}
		if requests := w.asked(); len(requests) != tt.requests {
			t.Errorf("%d deals: %d requests", tt.count, len(requests))
		}
		if tt.count == 0 {
			if len(got.Kinds) != 0 {
				t.Errorf("what there is none of is told: %+v", got.Kinds[0])
			}
			continue
		}
		k := got.Kinds[0]
		if k.Total != tt.count || k.Read != tt.read || k.Open != tt.open || len(k.Newest) != newest || k.Newest[0].Text("id") != strconv.Itoa(tt.count) {
			t.Errorf("%d deals: %d, %d read, %d open, newest %v", tt.count, k.Total, k.Read, k.Open, k.Newest[0].Text("id"))
		}
		usd := tt.read / 5
		if len(k.Sums) != 2 || k.Sums[0].Currency != "EUR" || k.Sums[0].Amount != 10.5*float64(tt.read-usd) || k.Sums[1].Amount != 10.5*float64(usd) || k.Sums[1].Open != 10.5*float64(usd/2) {
			t.Errorf("%d deals: %+v", tt.count, k.Sums)
		}
	}
}

// TestOnlyTypesWithRelationsAreListed: 200 smart processes are asked for their relations once, and listed where they have one.
func TestOnlyTypesWithRelationsAreListed(t *testing.T) {
	w := clientWorld(t)
	types := []string{`{"ID":2,"NAME":"Deal","SYMBOL_CODE":"DEAL"}`}
	for id := 1000; id < 1200; id++ {
		types = append(types, fmt.Sprintf(`{"ID":%d,"NAME":"Process","SYMBOL_CODE":"DYNAMIC_%d"}`, id, id))
	}
	w.say("crm.enum.ownertype", reply{result: "[" + strings.Join(types, ",") + "]"})
	whole := w.reply
	w.reply = func(user portal.UserID, c bitrix24.Command) (reply, bool) {
		if c.Method == "crm.type.getByEntityTypeId" {
			parents := ""
			switch c.Params["entityTypeId"] {
			case 1007:
				parents = `{"entityTypeId":"2","isPredefined":"N"}`
			case 1008:
				parents = `{"entityTypeId":4,"isPredefined":"Y"},{"entityTypeId":3,"isPredefined":"Y"}`
			}
			return reply{result: `{"type":{"relations":{"parent":[` + parents + `],"child":[]}}}`}, true
		}
		return whole(user, c)
	}
	listed := func(requests [][]bitrix24.Command) (out []string) {
		for _, commands := range requests {
			for _, c := range commands {
				if id, _ := c.Params["entityTypeId"].(int); c.Method == "crm.item.list" && id >= 1000 {
					out = append(out, fmt.Sprint(id, " ", bitrix24.EncodeParams(c.Params["filter"].(bitrix24.Params))))
				}
			}
		}
		return out
	}
	for i, tt := range []struct {
		ref       Ref
		listed    string
		relations int
		requests  int
	}{
		{deal, "[1007 parentId2=5]", 201, 7}, {deal, "[1007 parentId2=5]", 0, 2}, {company, "[1008 companyId=40]", 0, 2},
		{Ref{1007, 5}, "[]", 1, 1},
	} {
		if _, err := w.visitor(1).around(tt.ref); err != nil && tt.ref.EntityTypeID != 1007 {
			t.Fatal(err)
		}
		requests := w.asked()
		if got := fmt.Sprint(listed(requests)); got != tt.listed || times(requests, "crm.type.getByEntityTypeId") != tt.relations || len(requests) != tt.requests {
			t.Errorf("%d: %s listed, %d asked for relations, %d requests", i, got, times(requests, "crm.type.getByEntityTypeId"), len(requests))
		}
	}
	// Somebody else has rights of their own, and asks anew.
	_, _ = w.visitor(2).around(deal)
	if n := times(w.asked(), "crm.type.getByEntityTypeId"); n != 201 {
		t.Errorf("somebody else asks %d times", n)
	}
}

// TestCommandsThatReferToEachOtherStayTogether in one request, however many others there are.
func TestCommandsThatReferToEachOtherStayTogether(t *testing.T) {
	for before := range 2 * bitrix24.MaxBatch {
		var r rounds
		for range before {
			r.ask(bitrix24.Command{Method: "scope"}, nil)
		}
		r.together(func() {
			for range 10 {
				r.ask(bitrix24.Command{Method: "crm.requisite.list"}, nil)
			}
		})
		w := newWorld(t)
		w.say("scope", reply{result: `[]`})
		w.say("crm.requisite.list", reply{result: `[]`})
		if err := r.run(context.Background(), w.visitor(1), 10, func(*bitrix24.BatchResult) error { return nil }); err != nil {
			t.Fatal(err)
		}
		for _, commands := range w.asked() {
			if n := times([][]bitrix24.Command{commands}, "crm.requisite.list"); n != 0 && n != 10 || len(commands) > bitrix24.MaxBatch-1 {
				t.Errorf("after %d: %d of them, %d in all", before, n, len(commands))
			}
		}
	}
}

// TestWhatCouldNotBeReadIsTold, where asking again may help; what a user may not read, or a type does not have, is nothing.
func TestWhatCouldNotBeReadIsTold(t *testing.T) {
	for code, want := range map[string]bool{"INTERNAL_SERVER_ERROR": true, "OPERATION_TIME_LIMIT": true, "": true, "ACCESS_DENIED": false, "INVALID_ARG_VALUE": false, "NOT_FOUND": false} {
		w := clientWorld(t)
		whole := w.reply
		w.reply = func(user portal.UserID, c bitrix24.Command) (reply, bool) {
			if c.Method == "crm.item.list" && c.Params["entityTypeId"] == bitrix24.Quote {
				return reply{code: code}, true
			}
			return whole(user, c)
		}
		if got, err := w.visitor(1).around(company); err != nil || got.Incomplete != want {
			t.Errorf("%q: %v, incomplete %v", code, err, got.Incomplete)
		}
	}
}

// TestSamePhoneOrAddress: those are told that this user may read, and not the item itself.
func TestSamePhoneOrAddress(t *testing.T) {
	w := clientWorld(t)
	w.reply = func(_ portal.UserID, c bitrix24.Command) (reply, bool) {
		switch c.Method {
		case "crm.item.get":
			return reply{result: `{"item":{"id":30,"name":"Clara","fm":[{"typeId":"PHONE","value":"+1 202 555 0134"},{"typeId":"EMAIL","value":"c@example.com"},{"typeId":"IM","value":"x"}]}}`}, true
		case "crm.duplicate.findbycomm":
			if c.Params["type"] == "PHONE" {
				return reply{result: `{"CONTACT":[30,"34",35],"LEAD":[251]}`}, true
			}
			return reply{result: `{"CONTACT":[34]}`}, true
		case "crm.item.list":
			if c.Params["entityTypeId"] == bitrix24.Contact {
				return reply{result: `{"items":[{"id":34,"name":"Clara","lastName":"Lind"}]}`}, true // 35 is none of this user's
			}
			return reply{code: "ACCESS_DENIED"}, true
		}
		return reply{}, false
	}
	got, err := w.visitor(1).around(Ref{bitrix24.Contact, 30})
	if err != nil || fmt.Sprint(got.Same) != `[{{3 34} Clara Lind true true}]` {
		t.Errorf("%v, %+v", err, got.Same)
	}
}
