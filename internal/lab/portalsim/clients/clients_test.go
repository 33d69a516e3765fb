//go:build clients

// Package clients holds strangers' clients of Bitrix24, which npm offers as packages, against the simulator: unchanged, over
// TLS, with the whole truth. It needs `npm ci` in this directory; `make test-clients` does both.
package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"itemlens/internal/lab/portalsim"
)

func TestStrangersClients(t *testing.T) {
	sim, err := portalsim.New(portalsim.Options{TLS: true, RateBurst: 1000, Truth: portalsim.Everything()})
	if err != nil {
		t.Fatal(err)
	}
	defer sim.Close()
	p, err := sim.AddPortalWith("Acme", portalsim.PortalOptions{Items: 700})
	if err != nil {
		t.Fatal(err)
	}
	const clientID = "app.clients"
	sim.RegisterApp(portalsim.App{ClientID: clientID, ClientSecret: "clients-secret", URL: "https://app.example/", Scope: []string{"crm", "placement", "user_brief"}})
	if err := p.Install(clientID, 1); err != nil {
		t.Fatal(err)
	}
	p.FinishInstall(clientID)
	opening, err := p.Open(clientID, 1, "DEFAULT", "")
	if err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]any{
		"access": opening.Form.Get("AUTH_ID"), "refresh": opening.Form.Get("REFRESH_ID"), "memberId": p.MemberID, "domain": p.Domain(),
		"clientEndpoint": p.Endpoint(), "serverEndpoint": sim.OAuthURL() + "/rest/", "clientId": clientID, "clientSecret": "clients-secret",
		"applicationToken": p.ApplicationToken(clientID), "webhook": p.AddWebhook(1, "crm", "user", "placement"),
	})
	if err != nil {
		t.Fatal(err)
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, sim.AuthorityPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "clients.mjs")
	cmd.Env = append(os.Environ(), "SIM="+string(settings), "NODE_EXTRA_CA_CERTS="+authority, "NODE_NO_WARNINGS=1")
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errors.String())
	}
	clients := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var result struct {
			Client string
			Steps  int
			Failed []string
		}
		if json.Unmarshal(lines.Bytes(), &result) != nil || result.Client == "" {
			continue // what a client says itself
		}
		clients++
		t.Logf("%s: %d of %d steps", result.Client, result.Steps-len(result.Failed), result.Steps)
		for _, reason := range result.Failed {
			t.Errorf("%s: %s", result.Client, reason)
		}
	}
	if clients != 4 {
		t.Errorf("%d clients reported\n%s\n%s", clients, out, errors.String())
	}
}
