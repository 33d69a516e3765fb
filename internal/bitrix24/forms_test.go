package bitrix24_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
)

func post(query string, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/?"+query, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return r
}

func pageForm(options string) string {
	return url.Values{
		"AUTH_ID": {"access"}, "AUTH_EXPIRES": {"3600"}, "REFRESH_ID": {"refresh"}, "member_id": {"a223c6b3710f85df22e9377d6c4f7553"},
		"status": {"F"}, "PLACEMENT": {"CRM_LEAD_DETAIL_TAB"}, "PLACEMENT_OPTIONS": {options}, "APPLICATION_TOKEN": {"app-token"},
	}.Encode()
}

func TestParseAppRequest(t *testing.T) {
	req, err := bitrix24.ParseAppRequest(post("DOMAIN=Portal.Bitrix24.com:443&PROTOCOL=1&LANG=ru&APP_SID=x", pageForm(`{"ID":"250","URI":"/crm/"}`)))
	if err != nil {
		t.Fatal(err)
	}
	id, err := req.ItemID()
	if err != nil || id != 250 || req.Domain != "portal.bitrix24.com" || req.Lang != "ru" || req.Access.Reveal() != "access" ||
		req.Refresh.Reveal() != "refresh" || req.Placement != "CRM_LEAD_DETAIL_TAB" || req.ExpiresIn.Seconds() != 3600 {
		t.Fatalf("got %+v, id %d, %v", req, id, err)
	}
	if shown := fmt.Sprintf("%+v", req); strings.Contains(shown, "refresh}") || strings.Contains(shown, "app-token") {
		t.Errorf("a token shows in %s", shown)
	}
}

func TestParseAppRequestRefuses(t *testing.T) {
	tests := map[string]struct{ query, body, field string }{
		"no token":            {"DOMAIN=p.example", strings.Replace(pageForm(""), "AUTH_ID=access&", "", 1), "AUTH_ID"},
		"token in query":      {"DOMAIN=p.example&AUTH_ID=x", strings.Replace(pageForm(""), "AUTH_ID=access&", "", 1), "AUTH_ID"},
		"no domain":           {"", pageForm(""), "DOMAIN"},
		"domain with a space": {"DOMAIN=" + url.QueryEscape("p.example; script-src *"), pageForm(""), "DOMAIN"},
		"member_id malformed": {"DOMAIN=p.example", strings.Replace(pageForm(""), "a223c6b3710f85df22e9377d6c4f7553", "%27+or+1", 1), "member_id"},
		"bad escape":          {"DOMAIN=p.example", "AUTH_ID=%zz", "body"},
	}
	for name, tt := range tests {
		_, err := bitrix24.ParseAppRequest(post(tt.query, tt.body))
		var form *bitrix24.FormError
		if !errors.As(err, &form) || form.Field != tt.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := post("DOMAIN=p.example", `{"AUTH_ID":"x"}`)
	r.Header.Set("Content-Type", "application/json")
	if _, err := bitrix24.ParseAppRequest(r); err == nil {
		t.Error("JSON must be refused")
	}
}

func TestItemID(t *testing.T) {
	for options, want := range map[string]int64{
		`{"ID":"8061"}`: 8061, `{"ID":8061}`: 8061, `{"ID":" 1"}`: 0, `{"ID":"-5"}`: 0, `{"ID":-5}`: 0, `{"ID":0}`: 0, `{"ID":"abc"}`: 0,
		`{"ID":1.5}`: 0, `{"ID":null}`: 0, `{}`: 0, `[]`: 0, `no json`: 0, ``: 0, `{"ID":{"a":1}}`: 0, `{"ID":"99999999999999999999"}`: 0, `"x"`: 0,
	} {
		req, err := bitrix24.ParseAppRequest(post("DOMAIN=p.example", pageForm(options)))
		if err != nil {
			t.Fatal(err)
		}
		id, err := req.ItemID()
		if id != want || (err == nil) != (want > 0) {
			t.Errorf("%s: %d, %v", options, id, err)
		}
	}
}

func TestParseEvent(t *testing.T) {
	event, err := bitrix24.ParseEvent(post("", "event=OnAppUninstall&data[CLEAN]=1&data[FIELDS][ID]=7&ts=1466439714&auth[member_id]=a223c6b3710f85df22e9377d6c4f7553&auth[application_token]=tok&auth[domain]=p.example"))
	if err != nil {
		t.Fatal(err)
	}
	if event.Name != bitrix24.OnAppUninstall || event.Data("CLEAN") != "1" || event.Data("FIELDS", "ID") != "7" || event.Time.Unix() != 1466439714 ||
		event.Auth.ApplicationToken.Reveal() != "tok" || !event.Auth.Access.IsZero() {
		t.Fatalf("got %+v", event)
	}
	for _, body := range []string{"", "event=X", "event=&auth[member_id]=a223c6b3710f85df22e9377d6c4f7553"} {
		if _, err := bitrix24.ParseEvent(post("", body)); err == nil {
			t.Errorf("%q must be refused", body)
		}
	}
}

func TestPlacements(t *testing.T) {
	for placement, want := range map[string]int{
		"CRM_LEAD_DETAIL_TAB": 1, "CRM_SMART_INVOICE_DETAIL_TAB": 31, "CRM_DYNAMIC_1038_DETAIL_TAB": 1038, "CRM_DYNAMIC_-1_DETAIL_TAB": 0,
		"CRM_DYNAMIC__DETAIL_TAB": 0, "CRM_ORDER_DETAIL_TAB": 0, "DEFAULT": 0, "CRM_DYNAMIC_99999999999999999999_DETAIL_TAB": 0,
	} {
		got, ok := bitrix24.EntityTypeOf(placement)
		if ok != (want > 0) || ok && (got != want || bitrix24.DetailTab(got) != placement) {
			t.Errorf("%s: %d %v", placement, got, ok)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	for text, want := range map[string]string{
		"https://Portal.Bitrix24.com/rest/": "https://portal.bitrix24.com/rest/", "https://crm.example:8443/b24/rest": "https://crm.example:8443/b24/rest/",
		"http://portal.example/rest/": "", "https://user:pw@portal.example/rest/": "", "https://portal.example/rest/?x=1": "", "ftp://x/": "", "": "",
		"https://portal.example:443/rest/": "https://portal.example/rest/", "https:///rest/": "", "javascript:alert(1)": "",
	} {
		got, err := bitrix24.ParseEndpoint(text, false)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestFlexibleValues(t *testing.T) {
	var v struct {
		A, B, C, D bitrix24.ID
		E, F, G    bitrix24.Bool
		H, I       bitrix24.Object
	}
	err := json.Unmarshal([]byte(`{"A":5,"B":"6","C":null,"D":"","E":"Y","F":true,"G":"N","H":[],"I":["x"]}`), &v)
	if err != nil || v.A != 5 || v.B != 6 || v.C != 0 || v.D != 0 || !v.E || !v.F || v.G || len(v.H) != 0 || string(v.I["0"]) != `"x"` {
		t.Fatalf("%+v, %v", v, err)
	}
}

func FuzzParseAppRequest(f *testing.F) {
	f.Add("DOMAIN=portal.example&LANG=en", pageForm(`{"ID":"250"}`))
	f.Add("DOMAIN[]=x", "AUTH_ID=a&member_id=&PLACEMENT_OPTIONS=%7B")
	f.Fuzz(func(t *testing.T, query, body string) {
		r := post("", body)
		r.URL.RawQuery = query
		req, err := bitrix24.ParseAppRequest(r)
		if err != nil {
			return
		}
		if !bitrix24.ValidHost(req.Domain) || strings.ContainsAny(req.Domain, " ;'\"\r\n") || req.Access.IsZero() {
			t.Errorf("accepted %+v", req)
		}
		if id, err := req.ItemID(); err == nil && id <= 0 {
			t.Errorf("accepted item id %d", id)
		}
	})
}

func FuzzParseEvent(f *testing.F) {
	f.Add("event=ONAPPINSTALL&auth[member_id]=a223c6b3710f85df22e9377d6c4f7553&ts=1")
	f.Add("event=x&auth[member_id][]=1&data[[]]=2&ts=-1")
	f.Fuzz(func(t *testing.T, body string) {
		if event, err := bitrix24.ParseEvent(post("", body)); err == nil && (event.Name == "" || event.Auth.MemberID == "") {
			t.Errorf("accepted %+v", event)
		}
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(`{"result":{"result":{"a":1},"result_error":[]}}`)
	f.Add(`{"error":"x"}`)
	f.Add(`<html>`)
	f.Fuzz(func(t *testing.T, body string) {
		var object bitrix24.Object
		_ = json.Unmarshal([]byte(body), &object)
		var id bitrix24.ID
		_ = json.Unmarshal([]byte(body), &id)
		if _, err := bitrix24.ParseEndpoint(body, true); err == nil && strings.ContainsAny(body, "@") && !strings.Contains(body, "/") {
			t.Errorf("accepted endpoint %q", body)
		}
		_, _ = bitrix24.DecodeAnswerForFuzz([]byte(body))
	})
}
