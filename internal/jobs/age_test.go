package jobs

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// oneToken is a portal with an installer's token, and counts renewals.
type oneToken struct {
	Store
	token    portal.Token
	renewed  int
	outcomes []string
}

func (o *oneToken) Portal(_ context.Context, id portal.MemberID) (portal.Portal, error) {
	return portal.Portal{MemberID: id, InstallerID: 1, InstalledAt: time.Unix(1, 0)}, nil
}

func (o *oneToken) Token(context.Context, portal.MemberID, portal.UserID) (portal.Token, error) {
	return o.token, nil
}

func (o *oneToken) RecordKeepAlive(_ context.Context, _ portal.MemberID, outcome string) error {
	o.outcomes = append(o.outcomes, outcome)
	return nil
}

func (o *oneToken) Renew(_ context.Context, _ portal.Portal, pair portal.Token) (portal.Token, error) {
	o.renewed++
	return pair, nil
}

func TestKeepAliveRenewsAtSixtyDaysAndNotBefore(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for age, want := range map[time.Duration]int{0: 0, day: 0, 59 * day: 0, 60*day - time.Minute: 0, 60 * day: 1, 90 * day: 1} {
		o := &oneToken{token: portal.Token{UserID: 1, Refresh: secret.New("r"), StoredAt: now.Add(-age)}}
		runner := &Runner{Store: o, Tokens: o, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
		err := (&keepAliveWorker{runner: runner}).Work(t.Context(), &river.Job[keepAliveArgs]{JobRow: &rivertype.JobRow{}, Args: keepAliveArgs{MemberID: "m"}})
		if err != nil || o.renewed != want {
			t.Errorf("after %s: %d renewals, %v", age, o.renewed, err)
		}
	}
}
