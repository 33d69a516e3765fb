package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"itemlens/internal/doctor"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
)

// see has a doctor look at the portal of a running app.
func see(t *testing.T, app *apptest.App, args ...string) (string, error) {
	t.Helper()
	return call(t, append([]string{
		"doctor", "--database-url", app.DatabaseURL, "--keyset", app.Keyset.Reveal(), "--client-id", app.App.ClientID,
		"--client-secret", app.App.ClientSecret, "--oauth-servers", app.Sim.OAuthURL() + "," + app.Sim.RegionalOAuthURL(),
		"--js-library-url", app.Sim.JSLibraryURL(), "--public-url", app.AppURL, "--allow-private", "true",
	}, args...)...)
}

// findings of a portal that a simulator with a truth of its own serves.
func findings(t *testing.T, truth string, scope ...string) map[string]doctor.Finding {
	t.Helper()
	told, err := portalsim.ParseTruth(truth)
	if err != nil {
		t.Fatal(err)
	}
	app := apptest.Start(t, &cluster, func(o *stack.Options) { o.Simulator.Truth, o.Simulator.Vary = told, false })
	granted := app.App
	granted.Scope = scope
	app.Sim.RegisterApp(granted)
	app.Install()
	for range 60 { // with fewer than a page nobody can tell whether there are pages
		app.Portal.AddStatus("SOURCE", "Further source")
	}
	app.Portal.SetLayout(31, "C", 0, "10", `[{"name":"main","title":"Invoice","type":"section","elements":[]}]`)
	app.Sim.ExpireAccessTokens() // the stored token has to be renewed
	out, err := see(t, app, "--portal", app.Portal.Domain(), "--json")
	var report doctor.Report
	if decodeErr := json.Unmarshal([]byte(out), &report); decodeErr != nil {
		t.Fatalf("%v, %v\n%s", err, decodeErr, out)
	}
	if differs := report.Count(doctor.Differs) > 0; differs != errors.Is(err, errDiffers) || err != nil && exitCode(err) != 2 {
		t.Errorf("%d differ, %v", report.Count(doctor.Differs), err)
	}
	for _, secret := range append(app.Sim.Issued(), app.App.ClientSecret) {
		if strings.Contains(out, secret) {
			t.Error("a secret stands in the report")
		}
	}
	if strings.Contains(out, "Nordlicht") || strings.Contains(out, "Berger") {
		t.Error("what people wrote stands in the report")
	}
	if app.Portal.Commands("placement.bind") != 7 || app.Portal.Commands("crm.item.update")+app.Portal.Commands("crm.item.add") > 0 {
		t.Error("the doctor changed something")
	}
	if asked := app.Portal.Requests(""); asked > 60 {
		t.Errorf("%d requests", asked)
	}
	byName := map[string]doctor.Finding{}
	for _, f := range report.Findings {
		byName[f.Name] = f
	}
	if len(byName) != len(doctor.Names()) {
		t.Errorf("%d of %d questions", len(byName), len(doctor.Names()))
	}
	return byName
}

// TestADoctorFindsNothingWhereThePortalIsAsBelieved.
func TestADoctorFindsNothingWhereThePortalIsAsBelieved(t *testing.T) {
	for name, f := range findings(t, "all", "crm", "placement") {
		if f.Verdict != doctor.Same {
			t.Errorf("%s: %s, %s", name, f.Verdict, f.Answer)
		}
	}
}

// TestADoctorTellsWhereAPortalDiffers, each in what it differs and in nothing else.
func TestADoctorTellsWhereAPortalDiffers(t *testing.T) {
	for truth, differ := range map[string][]string{
		"all,-refusals": {"missing-scope"},
		"all,-statuses": {"statuses", "status-filter"},
		"all,-readers":  {"categories", "unsupported-type"},
	} {
		t.Run(truth, func(t *testing.T) {
			for name, f := range findings(t, truth, "crm", "placement") {
				if want := slices.Contains(differ, name); want != (f.Verdict == doctor.Differs) {
					t.Errorf("%s: %s, %s", name, f.Verdict, f.Answer)
				}
			}
		})
	}
}

// TestADoctorSaysWhatItCannotAsk, in words that help.
func TestADoctorSaysWhatItCannotAsk(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	if _, err := see(t, app, "--portal", "nobody.bitrix24.com"); err == nil || !strings.Contains(err.Error(), "portals list") || exitCode(err) != 1 {
		t.Errorf("an unknown portal: %v", err)
	}
	out, _ := see(t, app, "--portal", app.Portal.MemberID)
	if !strings.Contains(out, "same") || !strings.Contains(out, "cannot be told here") || strings.Contains(out, "{") {
		t.Errorf("by member_id, for people: %s", out)
	}
	app.Portal.SetDeleted(true)
	if out, err := see(t, app, "--portal", app.Portal.Domain()); err == nil || errors.Is(err, errDiffers) || strings.Contains(out, "same") {
		t.Errorf("a portal that answers nothing: %v\n%s", err, out)
	}
	app.Portal.SetDeleted(false)
	app.Portal.AddFault(portalsim.Fault{Method: "crm.status.list", Kind: "html"})
	if out, err := see(t, app, "--portal", app.Portal.Domain()); errors.Is(err, context.DeadlineExceeded) || !strings.Contains(out, "no answer: answer_html") {
		t.Errorf("one method fails: %v\n%s", err, out)
	}
	app.Portal.Uninstall(stack.ClientID, false)
	app.Sim.Deliveries()
	if _, err := see(t, app, "--portal", app.Portal.Domain()); err == nil || !strings.Contains(err.Error(), "installed in no portal") {
		t.Errorf("a portal that has removed the app: %v", err)
	}
}

// TestEveryQuestionIsTold in docs/platform.md, which tells where each belief was read, and no other is.
func TestEveryQuestionIsTold(t *testing.T) {
	text, err := os.ReadFile("../../docs/platform.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 6 {
			continue
		}
		for _, name := range regexp.MustCompile("`([a-z-]+)`").FindAllStringSubmatch(cells[4], -1) {
			told = append(told, name[1])
		}
	}
	asked := doctor.Names()
	slices.Sort(told)
	slices.Sort(asked)
	if told = slices.Compact(told); !slices.Equal(told, asked) {
		t.Errorf("told %v\nasked %v", told, asked)
	}
}
