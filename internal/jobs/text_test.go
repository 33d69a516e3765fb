package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
)

// TestTextsOfPortalsStayOutOfTheQueue: an error's code can be a token, or five megabytes.
func TestTextsOfPortalsStayOutOfTheQueue(t *testing.T) {
	w := setup(t)
	w.install("errors", "panics")
	foreign := "foreign-text-" + strings.Repeat("x", 10_000)
	w.rebind = func(_ context.Context, id portal.MemberID) error {
		if id == "panics" {
			panic(fmt.Sprint("index of ", foreign))
		}
		return &portal.Error{Problem: portal.InstallFailed, Detail: foreign, Err: &bitrix24.Error{Method: "batch", Status: 400, Code: foreign}}
	}
	w.run()
	w.planBind("errors")
	w.planBind("panics")
	failed := func() []string {
		return w.sql(`SELECT array_to_string(errors, ' ') FROM river_job WHERE kind = 'bind' AND array_length(errors, 1) > 0`)
	}
	w.wait("both have failed", func() bool { return len(failed()) == 2 })
	if all := strings.Join(failed(), "\n"); !strings.Contains(all, "install_failed (other)") || !strings.Contains(all, `"panic"`) {
		t.Errorf("the queue does not name the failures: %.500s", all)
	}
	if found := apptest.Find(t, w.url, "foreign-text"); len(found) > 0 {
		t.Errorf("the portal's text stands in %v", found)
	}
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, `"binding failed"`) && strings.Contains(line, "foreign-text") || strings.Count(line, "x") > 1000 {
			t.Errorf("the portal's text stands in the log: %.300s", line)
		}
	}
}
