package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestTheOperatorsCommands go through what an operator asks of a database with two portals, as text and as JSON.
func TestTheOperatorsCommands(t *testing.T) {
	url, keyset, store := database(t)
	for _, id := range []portal.MemberID{"portal-one", "portal-two"} {
		p := portal.Portal{MemberID: id, ClientEndpoint: "https://" + string(id) + ".example/rest/", Domain: string(id) + ".example", ServerEndpoint: "https://oauth.example/rest/",
			ApplicationToken: secret.New("application-token-" + string(id)), Scope: []string{"crm", "placement"}, Status: "F", InstallerID: 7}
		token := portal.Token{MemberID: id, UserID: 7, Access: secret.New("access-" + string(id)), Refresh: secret.New("refresh-" + string(id)), ExpiresAt: time.Now()}
		if err := store.SaveInstallation(t.Context(), p, token); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.DeleteInstallation(t.Context(), "portal-two", false); err != nil {
		t.Fatal(err)
	}
	asked := func(args ...string) (out string, err error) {
		t.Helper()
		out, err = call(t, append(args, "--database-url", url, "--keyset", keyset)...)
		for _, hidden := range []string{"application-token", "access-portal", "refresh-portal", keyset} {
			if strings.Contains(out, hidden) {
				t.Errorf("%v prints a secret", args)
			}
		}
		return out, err
	}
	for _, c := range []struct {
		args  string
		fails string // what the error says
		wants []string
	}{
		{"portals list --json", "", []string{`{"domain":"portal-one.example","member_id":"portal-one","state":"installed"}`, `"state":"removed"`}},
		{"portals show portal-one.example", "", []string{"member_id", "portal-one", "7, token alive", "1 with a token, 0 of them dead", "crm, placement"}},
		{"portals show portal-two", "", []string{"no, removed 20", "7, token none"}},
		{"portals show portal-three", "no portal", nil},
		{"portals rebind", "name one portal", nil},
		{"portals rebind portal-one --all", "name one portal", nil},
		{"portals rebind portal-three", "no portal", nil},
		{"portals rebind portal-two", "has removed the app", nil},
		{"portals rebind portal-one", "", []string{"1 planned"}},
		{"portals rebind --all --json", "", []string{`{"planned":1}`}},
		{"portals show portal-one --json", "", []string{`"bind_waiting":true`, `"jobs":1`, `"installer_token":"alive"`, `"settings_version":0`}},
		{"status", "", []string{"1 installed, 1 removed", "1 wait", "1 alive, dead: none", "queue bind", "1 available", "nobody: is a replica running?"}},
		{"status --json", "", []string{`"portals_installed":1`, `"queues":[{"queue":"bind","state":"available","jobs":1`, `"tokens_dead":{}`}},
		{"migrate --json", "", []string{`"failed_half_way":false`, `"oldest_app":12`}},
		{"keys rotate --json", "", []string{`{"encrypted":0,"unreadable":0}`}},
		{"restlog --json", "", nil},
		{"version --json", "", []string{`"version":`, `"go":"go1.`}},
		{"portals forget portal-two --json", "", []string{`{"deleted":"portal-two"}`}},
		{"healthcheck --json --operator-listen 127.0.0.1:1", "does not respond", nil},
	} {
		out, err := asked(strings.Fields(c.args)...)
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) || c.fails == "" && err != nil {
			t.Errorf("app %s: %v, want %q", c.args, err, c.fails)
		}
		for _, want := range c.wants {
			if !strings.Contains(out, want) {
				t.Errorf("app %s does not print %s:\n%s", c.args, want, out)
			}
		}
		if strings.Contains(c.args, "--json") && err == nil {
			for line := range strings.Lines(out) {
				if !json.Valid([]byte(line)) {
					t.Errorf("app %s: no JSON: %s", c.args, line)
				}
			}
		}
	}
	if out, err := call(t, "keys", "generate", "--json"); err != nil || !strings.HasPrefix(out, `{"keyset":"`) {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := store.Pool().Exec(t.Context(), `UPDATE schema_migrations SET version = 99`); err != nil {
		t.Fatal(err)
	}
	if out, err := asked("migrate"); err != nil || !strings.Contains(out, "newer than") {
		t.Errorf("a newer schema that this version works with: %q, %v", out, err)
	}
	if _, err := store.Pool().Exec(t.Context(), `UPDATE schema_support SET oldest = 99`); err != nil {
		t.Fatal(err)
	}
	if out, err := asked("status", "--json"); err == nil || !strings.Contains(out, `"migration":99`) || strings.Contains(out, "queues") {
		t.Errorf("a schema that is too new: %q, %v", out, err)
	}
}
