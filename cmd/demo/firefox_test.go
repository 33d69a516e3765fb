//go:build npm

package main

import (
	"context"
	"log/slog"
	"os/exec"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/stack"
)

// TestWholePathInFirefox has Debian's Firefox ESR walk the demo's path, with mouse, keyboard and touch. It needs `npm ci` in
// firefox/; `make test-npm` does both.
func TestWholePathInFirefox(t *testing.T) {
	var firefox string
	for _, name := range []string{"firefox-esr", "firefox"} {
		if found, err := exec.LookPath(name); err == nil && firefox == "" {
			firefox = found
		}
	}
	if firefox == "" {
		t.Fatal("no Firefox on this machine: `apt-get install firefox-esr` (or `make test-npm`)")
	}
	log := &apptest.Log{}
	d, err := start(context.Background(), "127.0.0.1:0", slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer d.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "node", "firefox/path.mjs", firefox, d.Portal.URL(), d.AppURL, stack.ClientID).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for _, secret := range append(d.Sim.Issued(), d.App.ClientSecret) {
		if strings.Contains(log.String(), secret) {
			t.Fatal("a secret stands in the log")
		}
	}
}
