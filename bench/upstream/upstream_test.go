package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

type batchAnswer struct {
	Result struct {
		Result map[string]json.RawMessage `json:"result"`
		Errors json.RawMessage            `json:"result_error"`
		Totals map[string]int             `json:"result_total"`
	} `json:"result"`
}

func ask(t *testing.T, u *upstream, shape, cmd string) batchAnswer {
	t.Helper()
	rec := httptest.NewRecorder()
	u.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/"+shape+"/rest/batch", strings.NewReader(`{"auth":"x","halt":0,"cmd":`+cmd+`}`)))
	var got batchAnswer
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != http.StatusOK {
		t.Fatalf("status %d, %v: %s", rec.Code, err, rec.Body)
	}
	return got
}

// Commands are answered by their method: how a batch names them is the app's business and changes.
func TestABatchIsAnsweredByMethodWhateverItsKeys(t *testing.T) {
	u := newUpstream("http://127.0.0.1:1", "app.bench", time.Now())
	for range 2 { // the second time from memory
		got := ask(t, u, "500x200", `{"any":"crm.item.get?entityTypeId=2&id=20","described":"crm.item.fields?entityTypeId=2","fourth":"crm.item.productrow.list?start=150","none":"no.such.method"}`)
		var item struct{ Item map[string]json.RawMessage }
		var fields struct {
			Fields map[string]struct{ Type, Title, UpperName string }
		}
		var rows struct{ ProductRows []struct{ ID int } }
		for key, into := range map[string]any{"any": &item, "described": &fields, "fourth": &rows} {
			if err := json.Unmarshal(got.Result.Result[key], into); err != nil {
				t.Fatalf("%s: %v", key, err)
			}
		}
		if len(item.Item) != 501 || len(fields.Fields) != 500 { // entityTypeId is in the answer, and no field
			t.Errorf("%d values, %d fields", len(item.Item), len(fields.Fields))
		}
		for name := range fields.Fields {
			if item.Item[name] == nil || fields.Fields[name].Title == "" || fields.Fields[name].UpperName == "" {
				t.Errorf("field %s: %+v, value %s", name, fields.Fields[name], item.Item[name])
			}
		}
		if len(rows.ProductRows) != 50 || rows.ProductRows[0].ID != 17151 || got.Result.Totals["fourth"] != 200 {
			t.Errorf("rows %v of %v", rows.ProductRows, got.Result.Totals)
		}
		if !strings.Contains(string(got.Result.Errors), "ERROR_METHOD_NOT_FOUND") {
			t.Errorf("an unknown method answers %s", got.Result.Errors)
		}
	}
}

func TestListsEndWhereTheyEnd(t *testing.T) {
	u := newUpstream("http://127.0.0.1:1", "app.bench", time.Now())
	got := ask(t, u, "45x4", `{"first":"crm.status.list","second":"crm.status.list?start=50","rows":"crm.item.productrow.list?start=50","mine":"crm.item.details.configuration.get?scope=P"}`)
	for key, want := range map[string]string{"second": "[]", "rows": `{"productRows":[]}`, "mine": "null"} {
		if text := string(got.Result.Result[key]); text != want {
			t.Errorf("%s: %s, want %s", key, text, want)
		}
	}
	var statuses []struct {
		EntityID string `json:"ENTITY_ID"`
	}
	if err := json.Unmarshal(got.Result.Result["first"], &statuses); err != nil || len(statuses) != got.Result.Totals["first"] || len(statuses) == 0 {
		t.Errorf("%d statuses of %d, %v", len(statuses), got.Result.Totals["first"], err)
	}
}

// An exchange answers for the portal and the user whose the refresh token is, with a pair that nobody has had.
func TestAnExchangeGivesANewPairOfTheSameUser(t *testing.T) {
	u := newUpstream("http://127.0.0.1:1", "app.bench", time.Now())
	given := map[string]bool{}
	for range 2 {
		rec := httptest.NewRecorder()
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"refresh.45x4.abc.7.1"}}
		req := httptest.NewRequest(http.MethodPost, "/oauth/token/", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		u.ServeHTTP(rec, req)
		var got struct {
			Access   string `json:"access_token"`
			Refresh  string `json:"refresh_token"`
			Endpoint string `json:"client_endpoint"`
			Member   string `json:"member_id"`
			User     int    `json:"user_id"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Member != "abc" || got.User != 7 || got.Endpoint != "http://127.0.0.1:1/45x4/rest/" || given[got.Refresh] || given[got.Access] {
			t.Errorf("got %+v", got)
		}
		given[got.Refresh], given[got.Access] = true, true
	}
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	if err := run("0.0.0.0:0", "app.bench", t.Output()); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("got %v", err)
	}
}

func TestShapesAreBounded(t *testing.T) {
	for _, text := range []string{"", "45", "x", "0x1", "45x-1", "99999999x1", "45x99999", "45x4x4"} {
		if s, err := ParseShape(text); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}
