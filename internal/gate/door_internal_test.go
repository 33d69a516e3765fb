package gate

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

func newDoor(t *testing.T, lookups int64) *Door {
	t.Helper()
	door, err := NewDoor(lookups)
	if err != nil {
		t.Fatal(err)
	}
	return door
}

// TestStrangersQueueAtTheDoor, for a second, and a hundred of them: whoever comes then is refused at once.
func TestStrangersQueueAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := newDoor(t, 2)
		stranger := &bitrix24.AppRequest{MemberID: "acme", Access: secret.New("a"), ApplicationToken: secret.New("b")}
		var inside []func()
		for range 2 {
			leave, err := door.enter(t.Context(), stranger)
			if err != nil {
				t.Fatal(err)
			}
			inside = append(inside, leave)
		}
		start := time.Now()
		for round := range 2 { // the second one shows that the first leaves nobody behind in the queue
			var wg sync.WaitGroup
			for range doorQueue {
				wg.Go(func() {
					_, err := door.enter(t.Context(), stranger)
					if portal.ProblemOf(err) != portal.PortalBusy || time.Since(start) != time.Duration(round+1)*doorWait {
						t.Errorf("after %s: %v", time.Since(start), err)
					}
				})
			}
			synctest.Wait()
			if _, err := door.enter(t.Context(), stranger); portal.ProblemOf(err) != portal.PortalBusy || time.Since(start) != time.Duration(round)*doorWait {
				t.Errorf("one more than may wait, after %s: %v", time.Since(start), err)
			}
			wg.Wait()
		}

		// Whoever waits comes in when another leaves, and whoever goes away takes nobody's place.
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := door.enter(gone, stranger); err == nil {
			t.Error("a request that is over is looked up")
		}
		entered := make(chan error)
		go func() {
			leave, err := door.enter(t.Context(), stranger)
			if err == nil {
				leave()
			}
			entered <- err
		}()
		synctest.Wait()
		inside[0]()
		if err := <-entered; err != nil {
			t.Error(err)
		}
		inside[1]()
		for range 2 {
			if _, err := door.enter(t.Context(), stranger); err != nil || door.waiting.Load() != 0 {
				t.Errorf("afterwards: %v, %d wait", err, door.waiting.Load())
			}
		}
	})
}

// TestADoorLetsSomebodyThrough, however few connections there are.
func TestADoorLetsSomebodyThrough(t *testing.T) {
	if _, err := newDoor(t, 0).enter(t.Context(), &bitrix24.AppRequest{MemberID: "acme"}); err != nil {
		t.Error(err)
	}
}

// TestWhoIsFamiliarPassesBy the queue of strangers: with an application_token or an access token that was proven here.
func TestWhoIsFamiliarPassesBy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := newDoor(t, 1)
		if _, err := door.enter(t.Context(), &bitrix24.AppRequest{}); err != nil { // the only place of strangers is taken
			t.Fatal(err)
		}
		door.remember("acme", secret.New("application"))
		door.remember("acme", secret.New("access"))
		door.remember("acme", secret.Text{})
		for name, tt := range map[string]struct {
			req  bitrix24.AppRequest
			want bool
		}{
			"a new pair with the portal's application_token": {bitrix24.AppRequest{MemberID: "acme", ApplicationToken: secret.New("application"), Access: secret.New("new")}, true},
			"a pair that was proven":                         {bitrix24.AppRequest{MemberID: "acme", Access: secret.New("access")}, true},
			"neither":                                        {bitrix24.AppRequest{MemberID: "acme", ApplicationToken: secret.New("x"), Access: secret.New("y")}, false},
			"no token at all":                                {bitrix24.AppRequest{MemberID: "acme"}, false},
			"those of another portal":                        {bitrix24.AppRequest{MemberID: "other", ApplicationToken: secret.New("application"), Access: secret.New("access")}, false},
		} {
			start := time.Now()
			leave, err := door.enter(t.Context(), &tt.req)
			if (err == nil) != tt.want || tt.want && time.Since(start) != 0 {
				t.Errorf("%s: %v after %s", name, err, time.Since(start))
			}
			if err == nil {
				leave() // gives back nothing that it has not taken
			}
		}
	})
}
