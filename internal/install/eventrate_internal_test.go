package install

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"itemlens/internal/portal"
)

// TestTheRateOfEventsForgetsPortals that removed the app at once, and those that send nothing any more within a minute of
// their last event, once another portal sends one. A portal that still has events to wait for is not forgotten.
func TestTheRateOfEventsForgetsPortals(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	r := NewEventRate(func() time.Time { return now })
	take := func(id portal.MemberID, hint bool, count int) (err error) {
		for range count {
			err = errors.Join(err, r.take(id, hint))
		}
		return err
	}
	want := func(when string, ids ...portal.MemberID) {
		t.Helper()
		var kept []portal.MemberID
		for _, key := range r.shares.Keys() {
			_, id, _ := strings.Cut(key, " ")
			kept = append(kept, portal.MemberID(id))
		}
		if fmt.Sprint(kept) != fmt.Sprint(ids) {
			t.Errorf("%s: %v are kept, want %v", when, kept, ids)
		}
	}
	if err := errors.Join(take("gone", false, 3), take("gone", true, 3), take("busy", false, eventsAtOnce)); err != nil {
		t.Fatal(err)
	}
	want("at first", "gone", "gone", "busy")
	r.Forget("gone")
	want("after a removal", "busy")

	if err := take("idle", true, hintsAtOnce); err != nil {
		t.Fatal(err)
	}
	now = now.Add(49 * time.Second)
	if err := take("other", false, 1); err != nil {
		t.Fatal(err)
	}
	want("while some of their room is used", "busy", "idle", "other")
	if err := take("busy", false, 49*eventsPerSecond); err != nil {
		t.Error(err)
	}
	var tooMany *TooManyEventsError
	if err := take("busy", false, 1); !errors.As(err, &tooMany) {
		t.Errorf("it was forgotten what the portal sent: %v", err)
	}
	now = now.Add(time.Second)
	if err := take("other", false, 1); err != nil {
		t.Fatal(err)
	}
	want("a minute later", "busy", "other")
	now = now.Add(time.Minute)
	if err := take("last", false, 1); err != nil {
		t.Fatal(err)
	}
	want("two minutes later", "last")
}
