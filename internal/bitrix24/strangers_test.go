package bitrix24_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// counted answers every request with a result, or as invalid_token to tokens that are not "good", and counts.
func counted(t *testing.T, asked *atomic.Int64) bitrix24.Target {
	t.Helper()
	return serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		body := make([]byte, 1000)
		n, _ := r.Body.Read(body)
		if !strings.Contains(string(body[:n]), "good") {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_token"}`)
			return
		}
		fmt.Fprint(w, `{"result":true}`)
	})
}

func isBusy(err error) bool {
	var busy *bitrix24.BusyError
	return errors.As(err, &busy)
}

// TestForgedTokensNeverTakePlacesOfProvenOnes floods one portal from many addresses: strangers get their share, whoever is
// vouched for gets the rest of the portal's bucket.
func TestForgedTokensNeverTakePlacesOfProvenOnes(t *testing.T) {
	var asked atomic.Int64
	target := counted(t, &asked)
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 2, Burst: 50}})
	for i := range 3000 {
		target.Access = secret.New(fmt.Sprintf("invented-%d", i))
		_, _ = client.Call(bitrix24.WithCaller(t.Context(), fmt.Sprintf("198.18.%d.%d", i/256, i%256)), target, "profile", nil)
	}
	if got := asked.Load(); got < 20 || got > 25 {
		t.Errorf("%d forged requests reached the portal, want the strangers' 20", got)
	}
	target.Access = secret.New("good-token")
	ctx := bitrix24.Vouched(bitrix24.WithCaller(t.Context(), "192.0.2.1"))
	for i := range 28 {
		if _, err := client.Call(ctx, target, "profile", nil); err != nil {
			t.Fatalf("genuine request %d: %v", i+1, err)
		}
	}
}

// TestOneAddressHasAShareOfTheStrangersShare keeps places for people who open the app for the first time.
func TestOneAddressHasAShareOfTheStrangersShare(t *testing.T) {
	var asked atomic.Int64
	target := counted(t, &asked)
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 2, Burst: 50}})
	for i := range 500 {
		target.Access = secret.New(fmt.Sprintf("invented-%d", i))
		address := fmt.Sprintf("2001:db8:0:1::%x", i+1) // one customer's network
		_, _ = client.Call(bitrix24.WithCaller(t.Context(), address), target, "profile", nil)
	}
	if got := asked.Load(); got < 10 || got > 12 {
		t.Errorf("%d requests of one address reached the portal, want 10", got)
	}
	for i := range 8 { // an office where a new colleague after the other opens the app
		target.Access = secret.New(fmt.Sprintf("good-%d", i))
		if _, err := client.Call(bitrix24.WithCaller(t.Context(), "192.0.2.7"), target, "profile", nil); err != nil {
			t.Errorf("newcomer %d: %v", i+1, err)
		}
	}
}

func TestNewcomersWaitForTheirTurn(t *testing.T) {
	var asked atomic.Int64
	target := counted(t, &asked)
	target.Access = secret.New("good-token")
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 40, Burst: 50, Wait: 2 * time.Second}})
	for i := range 14 {
		if _, err := client.Call(bitrix24.WithCaller(t.Context(), "192.0.2.7"), target, "profile", nil); err != nil {
			t.Errorf("newcomer %d: %v", i+1, err)
		}
	}
}

func TestARefusedTokenOfAStrangerIsAskedOnce(t *testing.T) {
	var asked atomic.Int64
	target := counted(t, &asked)
	target.Access = secret.New("invented")
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 1000, Burst: 1000}})
	stranger := bitrix24.WithCaller(t.Context(), "192.0.2.7")
	for range 10 {
		if _, err := client.Call(stranger, target, "profile", nil); !bitrix24.IsInvalidToken(err) {
			t.Fatalf("got %v", err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("%d requests for one refused token", asked.Load())
	}
	for name, ctx := range map[string]context.Context{"proven": bitrix24.Vouched(stranger), "the app's own work": t.Context()} {
		before := asked.Load()
		for range 2 {
			_, _ = client.Call(ctx, target, "profile", nil)
		}
		if got := asked.Load() - before; got != 2 {
			t.Errorf("%s: %d requests, want 2", name, got)
		}
	}
	elsewhere := counted(t, &asked)
	elsewhere.Access = target.Access
	before := asked.Load()
	_, _ = client.Call(stranger, elsewhere, "profile", nil)
	if asked.Load() != before+1 {
		t.Error("another portal was not asked")
	}
}

// TestFloodsLeaveNoDebt: those who are refused take nothing, so that the share is there again as soon as a flood ends.
func TestFloodsLeaveNoDebt(t *testing.T) {
	shares, err := bitrix24.NewShares(100)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	share := bitrix24.Share{Key: "a", PerSecond: 2, Burst: 5}
	taken := 0
	for range 10_000 {
		if _, _, ok := shares.Take(now, time.Second, share); ok {
			taken++
		}
	}
	if taken != 7 { // what it holds, and what comes within the second that one may wait
		t.Errorf("%d places were taken", taken)
	}
	if delay, _, ok := shares.Take(now.Add(2*time.Second), time.Second, share); !ok || delay != 0 {
		t.Errorf("after two seconds: %v, wait %v", ok, delay)
	}
	// A full share refuses without a place in the others.
	other := bitrix24.Share{Key: "b", PerSecond: 2, Burst: 1}
	full := bitrix24.Share{Key: "c", PerSecond: 0.001, Burst: 1}
	shares.Take(now, 0, full)
	if _, _, ok := shares.Take(now, 0, other, full); ok {
		t.Error("a place in a full share")
	}
	if delay, _, ok := shares.Take(now, 0, other); !ok || delay != 0 {
		t.Error("the refused one took a place")
	}
}

// TestBucketIsEmptyAfterThePortalSaysSo: others use the portal's bucket from our address too, so our own count is not to be
// believed after QUERY_LIMIT_EXCEEDED.
func TestBucketIsEmptyAfterThePortalSaysSo(t *testing.T) {
	var asked atomic.Int64
	target := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"error":"QUERY_LIMIT_EXCEEDED"}`)
	})
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 1, Burst: 50, Wait: 100 * time.Millisecond}})
	if _, err := client.Call(t.Context(), target, "x", nil); !bitrix24.IsRateLimit(err) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Call(t.Context(), target, "x", nil); !isBusy(err) || asked.Load() != 1 {
		t.Errorf("afterwards: %v, %d requests were sent", err, asked.Load())
	}
}
