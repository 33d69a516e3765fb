package bitrix24

import (
	"strings"
	"testing"
	"time"
)

// TestHostsOfPortalsAreForgotten within minutes of their last request, once another portal is asked: a portal that has
// removed the app is named nowhere then.
func TestHostsOfPortalsAreForgotten(t *testing.T) {
	b, err := newBuckets(Rate{PerSecond: 2, Burst: 50}, Rate{})
	if err != nil {
		t.Fatal(err)
	}
	take := func(host string, at time.Time) {
		t.Helper()
		if _, _, ok := b.shares.Take(at, 0, b.places(WithCaller(t.Context(), "192.0.2.1"), Target{Endpoint: "https://" + host + "/rest/"})...); !ok {
			t.Fatal("no room")
		}
	}
	now := time.Now()
	for range 10 {
		take("gone.example", now)
	}
	take("other.example", now.Add(time.Second))
	if kept := strings.Join(b.shares.byKey.Keys(), ","); strings.Count(kept, "gone.example") != 3 {
		t.Errorf("after a second: %s", kept)
	}
	take("other.example", now.Add(time.Minute))
	if kept := strings.Join(b.shares.byKey.Keys(), ","); strings.Contains(kept, "gone.example") || !strings.Contains(kept, "other.example") {
		t.Errorf("after a minute: %s", kept)
	}
}

// TestEndsThatHavePassedAreForgotten: what portals said of their limits.
func TestEndsThatHavePassedAreForgotten(t *testing.T) {
	b, err := newBuckets(Rate{PerSecond: 2, Burst: 50}, Rate{})
	if err != nil {
		t.Fatal(err)
	}
	b.reset("gone.example", "x", time.Now().Add(-time.Second).Unix())
	b.blocks.Add("gone.example ", time.Now().Add(-time.Second))
	b.reset("other.example", "x", time.Now().Add(time.Minute).Unix())
	b.learn("other.example", "x", &Error{Code: "OVERLOAD_LIMIT"})
	b.learn("third.example", "x", &Error{Code: "OPERATION_TIME_LIMIT"})
	b.reset("third.example", "x", time.Now().Add(time.Minute).Unix())
	if kept := strings.Join(append(b.blocks.Keys(), b.resets.Keys()...), ","); kept != "other.example ,third.example x,other.example x,third.example x" {
		t.Error(kept)
	}
}
