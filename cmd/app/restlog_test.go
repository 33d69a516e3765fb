package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestTheRESTLogIsPrinted for a support ticket: by portal, by the error ID of a page, as text and as JSON.
func TestTheRESTLogIsPrinted(t *testing.T) {
	url, keyset, store := database(t)
	p := portal.Portal{MemberID: "acme-portal", Domain: "acme.example", Scope: []string{"crm"}, InstallerID: 1}
	if err := store.SaveInstallation(t.Context(), p, portal.Token{MemberID: p.MemberID, UserID: 1, Access: secret.New("a"), Refresh: secret.New("r")}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	if err := store.KeepRESTLog(t.Context(), now, 3); err != nil {
		t.Fatal(err)
	}
	lines := []portal.RESTLine{
		{MemberID: p.MemberID, UserID: 2, At: now, Duration: 120 * time.Millisecond, Method: "batch", Commands: []string{"profile", "crm.item.get 2/20"}, Status: 200, Code: "ok",
			RequestID: "0123456789abcdef", Request: `{"halt":0}`, Answer: `{"result":{}}`, AnswerCut: 9},
		{MemberID: p.MemberID, At: now, Method: "crm.item.list", Commands: []string{"crm.item.list 2"}, Status: 503, Code: "query_limit_exceeded"},
	}
	if _, err := store.WriteRESTLog(t.Context(), lines); err != nil {
		t.Fatal(err)
	}
	print := func(args ...string) string {
		t.Helper()
		out, err := call(t, append([]string{"restlog", "--database-url", url, "--keyset", keyset}, args...)...)
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
		return out
	}
	all := print()
	if strings.Count(all, "\n") != 2 || !strings.Contains(all, "user 2  batch  ok  HTTP 200  120 ms  request 0123456789abcdef\n  profile, crm.item.get 2/20") || !strings.Contains(all, "query_limit_exceeded") {
		t.Errorf("printed\n%s", all)
	}
	found := print("--portal", "acme.example", "--request-id", "0123456789abcdef", "--since", "1h", "--bodies")
	if !strings.Contains(found, `> {"halt":0}`) || !strings.Contains(found, `< {"result":{}} … (9 bytes more were not kept)`) || strings.Contains(found, "query_limit") {
		t.Errorf("printed\n%s", found)
	}
	var line struct {
		Portal   string   `json:"portal"`
		Commands []string `json:"commands"`
		Answer   string   `json:"answer"`
		Bytes    int      `json:"answer_bytes_left_out"`
	}
	if err := json.Unmarshal([]byte(print("--method", "crm.item.get", "--json")), &line); err != nil || line.Portal != "acme-portal" || line.Answer != `{"result":{}}` || line.Bytes != 9 || len(line.Commands) != 2 {
		t.Errorf("%+v, %v", line, err)
	}
	for _, args := range [][]string{{"--portal", "nobody.example"}, {"--since", "yesterday"}, {"--until", "-1h"}} {
		if out, err := call(t, append([]string{"restlog", "--database-url", url, "--keyset", keyset}, args...)...); err == nil || out != "" {
			t.Errorf("%v: %q, %v", args, out, err)
		}
	}
}
