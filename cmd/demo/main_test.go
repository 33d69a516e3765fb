package main

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/stack"
)

// TestFirstLookInABrowser opens the two addresses that the demo prints: a deal with the app in it, and a portal where the
// app can be installed from the beginning.
func TestFirstLookInABrowser(t *testing.T) {
	w := newWorld(t)
	look, try, err := w.prepare(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.run(chromedp.Navigate(look))
	w.waitFrame("Nordlicht Logistics")
	if !w.Portal.Finished(stack.ClientID) {
		t.Error("the portal does not count the app as installed")
	}

	w.run(chromedp.Navigate(try), chromedp.Click(chromedp.CSS("#install")))
	w.waitFrame("Item Lens is installed")
	if len(w.Sim.Portal("Fresh").Placements(stack.ClientID)) == 0 {
		t.Error("the second portal has no tabs")
	}
	w.check()
}

// TestDemoSaysWhereToLook runs the demo as `make demo` does: it prints two addresses in a few lines, and its log is quiet.
func TestDemoSaysWhereToLook(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out, log apptest.Log
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, "127.0.0.1:0", &out, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})))
	}()
	for deadline := time.Now().Add(time.Minute); out.String() == "" && time.Now().Before(deadline); {
		select {
		case err := <-ended:
			t.Fatalf("the demo ended at once: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	addresses := regexp.MustCompile(`http://\S+`).FindAllString(out.String(), -1)
	if len(addresses) != 2 || !strings.HasSuffix(addresses[0], "/crm/deal/details/20/#app") || !strings.HasSuffix(addresses[1], "/market/") {
		t.Errorf("addresses %q", addresses)
	}
	if lines := strings.Count(out.String(), "\n"); lines > 16 {
		t.Errorf("%d lines are too many for a first look:\n%s", lines, out.String())
	}
	if log.String() != "" {
		t.Errorf("the log is not quiet:\n%s", log.String())
	}
}
