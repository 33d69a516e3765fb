package jobs

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// TestFailuresHaveNames of known lists, and what River is told by an error stays what it is.
func TestFailuresHaveNames(t *testing.T) {
	dead := &portal.Error{Problem: portal.TokenExpired, Err: &portal.DeadTokenError{Reason: "invalid_grant"}}
	for want, err := range map[string]error{
		"token_expired (dead token)":         dead,
		"portal_unreachable":                 portal.Problemf(portal.Unreachable, "no answer"),
		"portal_busy (query_limit_exceeded)": &portal.Error{Problem: portal.PortalBusy, Err: &bitrix24.Error{Code: "QUERY_LIMIT_EXCEEDED"}},
		"not_installed (other)":              &portal.Error{Problem: portal.NotInstalled, Err: &bitrix24.Error{Code: "foreign text"}},
	} {
		if got := named(err); got == nil || got.Error() != want {
			t.Errorf("%v is named %v, want %s", err, got, want)
		}
	}
	if err := named(nil); err != nil || outcome(nil) != "ok" {
		t.Errorf("no failure is named %v, %s", err, outcome(nil))
	}
	snooze := fmt.Errorf("later: %w", river.JobSnooze(time.Hour))
	if err := named(snooze); !errors.Is(err, snooze) {
		t.Errorf("a job that is to run later: %v", err)
	}
	var cancel *river.JobCancelError
	if err := named(river.JobCancel(dead)); !errors.As(err, &cancel) || cancel.Unwrap().Error() != "token_expired (dead token)" {
		t.Errorf("a job that is not to run again: %v", err)
	}
}
