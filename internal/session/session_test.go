package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/session"
)

func request(authorization string) *http.Request {
	r, _ := http.NewRequest(http.MethodPost, "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func TestSessionsSayWhoOpenedThePageUntilTheyEnd(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	keeper := session.NewKeeper(apptest.NewSealer(t), time.Hour, func() time.Time { return now })
	want := session.Session{MemberID: "0123456789abcdef", UserID: 7, InstalledAt: 5, Lang: "br", TimeZone: "Europe/Berlin"}
	token, err := keeper.Issue(want)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(fmt.Sprint(token), token.Reveal()) {
		t.Error("a session prints itself")
	}
	got, err := keeper.Of(request("Bearer " + token.Reveal()))
	want.Expires = got.Expires
	if err != nil || got != want || got.Expires != now.Add(time.Hour).Unix() {
		t.Errorf("%+v, %v", got, err)
	}
	now = now.Add(time.Hour - time.Second)
	if _, err := keeper.Of(request("Bearer " + token.Reveal())); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	now = now.Add(time.Second)
	if _, err := keeper.Of(request("Bearer " + token.Reveal())); !errors.Is(err, session.ErrExpired) {
		t.Errorf("at its end: %v", err)
	}
}

func TestSessionsAreNotToBeForged(t *testing.T) {
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	sealer := apptest.NewSealer(t)
	keeper := session.NewKeeper(sealer, time.Hour, now)
	mine, _ := keeper.Issue(session.Session{MemberID: "m", UserID: 1})
	foreign, _ := session.NewKeeper(apptest.NewSealer(t), time.Hour, now).Issue(session.Session{MemberID: "m", UserID: 1})
	for name, tt := range map[string]struct {
		header string
		want   error
	}{
		"none":             {"", session.ErrMissing},
		"another scheme":   {"Basic " + mine.Reveal(), session.ErrMissing},
		"empty":            {"Bearer ", session.ErrMissing},
		"another key":      {"Bearer " + foreign.Reveal(), session.ErrForged},
		"cut":              {"Bearer " + mine.Reveal()[:40], session.ErrForged},
		"with more behind": {"Bearer " + mine.Reveal() + "AAAA", session.ErrForged},
		"no base64":        {"Bearer ???", session.ErrForged},
	} {
		if _, err := keeper.Of(request(tt.header)); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	for i := range mine.Reveal() {
		changed := []byte(mine.Reveal())
		if changed[i] = 'A'; mine.Reveal()[i] == 'A' {
			changed[i] = 'B'
		}
		// The last character holds bits that decode to nothing.
		if _, err := keeper.Of(request("Bearer " + string(changed))); err == nil && i < len(changed)-1 {
			t.Fatalf("changed at %d, and believed", i)
		}
	}
}
