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
