package bitrix24_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
)

func TestBusyPortalIsNotAskedAndItsCallerToldWhen(t *testing.T) {
	var asked atomic.Int64
	target := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"result":true}`)
	})
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 1, Burst: 3}})
	var busy *bitrix24.BusyError
	for i := range 5 {
		_, err := client.Call(context.Background(), target, "x", nil)
		if i < 3 && err != nil || i >= 3 && (!errors.As(err, &busy) || busy.RetryAfter <= 0 || bitrix24.CodeOf(err) != "busy") {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
	if asked.Load() != 3 {
		t.Errorf("%d requests were sent", asked.Load())
	}
	other := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"result":true}`) })
	if _, err := client.Call(context.Background(), other, "x", nil); err != nil {
		t.Errorf("another portal: %v", err)
	}
}

// TestLargerPlansTakeMoreRequests (limits.md): by what app.info calls the plan's family, from the next request on.
func TestLargerPlansTakeMoreRequests(t *testing.T) {
	var asked atomic.Int64
	target := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		fmt.Fprint(w, `{"result":true}`)
	})
	client := newClient(t, bitrix24.Options{
		Rate: bitrix24.Rate{PerSecond: 1, Burst: 3}, Enterprise: bitrix24.Rate{PerSecond: 100, Burst: 40, Wait: time.Second},
	})
	flood := func(family string) (passed int64) {
		before := asked.Load()
		to := target
		to.Family = family
		for range 30 {
			_, _ = client.Call(t.Context(), to, "x", nil)
		}
		return asked.Load() - before
	}
	if got := flood("std"); got > 4 {
		t.Errorf("%d requests to a portal of a small plan, want 3", got)
	}
	if got := flood("ENT"); got != 30 { // the bucket is empty, but fills quickly now
		t.Errorf("%d requests after it has become Enterprise, want 30", got)
	}
	if got := flood(""); got > 4 {
		t.Errorf("%d requests after it is no more, want 3", got)
	}
}

// TestRateLimitOfThePortalIsTriedOnceMore: the request did not run, so sending it again does no harm.
func TestRateLimitOfThePortalIsTriedOnceMore(t *testing.T) {
	var asked atomic.Int64
	target := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"error":"QUERY_LIMIT_EXCEEDED"}`)
			return
		}
		fmt.Fprint(w, `{"result":true}`)
	})
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 20, Burst: 5, Wait: time.Second}})
	if _, err := client.Call(context.Background(), target, "x", nil); err != nil || asked.Load() != 2 {
		t.Errorf("%v after %d requests", err, asked.Load())
	}
}

// TestBlocksOfThePortalAreRespected: a method whose operating time is used up is not asked for again until the time that
// the portal told; other methods and other portals go on. A block by hand pauses the whole portal.
func TestBlocksOfThePortalAreRespected(t *testing.T) {
	var asked atomic.Int64
	reset := time.Now().Add(7 * time.Minute).Unix()
	target := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case n == 1:
			fmt.Fprintf(w, `{"result":{"result":{"a":1,"b":2},"result_error":[],"result_time":{"a":{"operating_reset_at":%d},"b":{}}}}`, reset)
		case n == 2:
			fmt.Fprint(w, `{"result":{"result":{"b":2},"result_error":{"a":{"error":"OPERATION_TIME_LIMIT"}},"result_time":[]}}`)
		case n == 4:
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, `{"error":"OVERLOAD_LIMIT"}`)
		default:
			fmt.Fprint(w, `{"result":true}`)
		}
	})
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 1000, Burst: 1000}})
	both := []bitrix24.Command{{Key: "a", Method: "crm.item.get"}, {Key: "b", Method: "profile"}}
	for range 2 {
		if _, err := client.Batch(t.Context(), target, both); err != nil {
			t.Fatal(err)
		}
	}
	var busy *bitrix24.BusyError
	if _, err := client.Batch(t.Context(), target, both); !errors.As(err, &busy) || busy.RetryAfter < 6*time.Minute || busy.Method != "crm.item.get" {
		t.Errorf("the blocked method: %v", err)
	}
	if _, err := client.Call(t.Context(), target, "profile", nil); err != nil {
		t.Errorf("another method: %v", err)
	}
	if _, err := client.Call(t.Context(), target, "profile", nil); !bitrix24.IsOverload(err) {
		t.Errorf("overload: %v", err)
	}
	if _, err := client.Call(t.Context(), target, "user.get", nil); !errors.As(err, &busy) {
		t.Errorf("after the overload: %v", err)
	}
	if asked.Load() != 4 {
		t.Errorf("%d requests were sent, want 4", asked.Load())
	}
}
