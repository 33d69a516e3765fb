package server_test

import (
	"net/http"
	"strings"
	"testing"

	"itemlens/internal/lab/apptest"
)

// TestAnOAuthServerThatIsNotTrustedIsTold: a region may get one that the operator does not know yet. The portal is served
// by the default one meanwhile, and the log names what was asked for.
func TestAnOAuthServerThatIsNotTrustedIsTold(t *testing.T) {
	app := apptest.Start(t, &cluster)
	app.Install()
	const told = "an OAuth server that is not trusted was named"
	if strings.Contains(app.Log.String(), told) {
		t.Error("the usual one is told")
	}
	app.Forget()
	opening := app.Opening(1, "DEFAULT", nil)
	opening.Form.Set("SERVER_ENDPOINT", "https://oauth.elsewhere.example/rest/")
	if answer := app.Post(opening.URL, opening.Form); answer.Status != http.StatusOK {
		t.Fatalf("status %d\n%s", answer.Status, answer.Body)
	}
	if log := app.Log.String(); !strings.Contains(log, told) || !strings.Contains(log, `"host":"oauth.elsewhere.example"`) {
		t.Error("the log does not name it")
	}
}
