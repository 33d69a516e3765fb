package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// strangerWait is how long a question about a stranger's token may wait for its turn.
const strangerWait = 3 * time.Second

// strangerLimits bound what the OAuth servers are asked about tokens that nobody has vouched for. Everybody can post such
// tokens, and a server that is flooded through us would block our address, and with it every portal.
type strangerLimits struct {
	perSecond int
	shares    *bitrix24.Shares
	dead      *bitrix24.Refusals // refresh tokens that were refused
}

// newStrangers allows so many questions a second, never more in any second; 0 is no limit. One address gets a fifth of that
// in the long run.
func newStrangers(perSecond int) (*strangerLimits, error) {
	dead, err1 := bitrix24.NewRefusals(20_000)
	shares, err2 := bitrix24.NewShares(20_000)
	return &strangerLimits{perSecond: perSecond, dead: dead, shares: shares}, errors.Join(err1, err2)
}

// places are the shares in which a question takes a place: that of all strangers, and that of the address among them. Rate
// and burst together are what one second can see; an installation has two questions at once.
func (s *strangerLimits) places(address string) []bitrix24.Share {
	burst := max(1, s.perSecond*2/5)
	return []bitrix24.Share{
		{Key: "all", PerSecond: max(0.5, float64(s.perSecond-burst)), Burst: burst},
		{Key: "of " + address, PerSecond: float64(s.perSecond) / 5, Burst: max(2, s.perSecond)},
	}
}

// turn waits for a client's turn to ask about a token: a stranger's among all strangers, and everybody's by token, so that
// one good token that is posted again and again with a false address costs a question now and then. It does nothing for
// work of the app's own. The error is the problem PortalBusy.
func (s *strangerLimits) turn(ctx context.Context, method string, token secret.Text) error {
	if s.perSecond == 0 || !bitrix24.HasCaller(ctx) {
		return nil
	}
	places := []bitrix24.Share{{Key: string(token.Hash()), PerSecond: 0.2, Burst: 10}}
	if address, is := bitrix24.Stranger(ctx); is {
		places = append(places, s.places(address)...)
	}
	delay, giveBack, ok := s.shares.Take(time.Now(), strangerWait, places...)
	if !ok {
		return &portal.Error{Problem: portal.PortalBusy, Err: &bitrix24.BusyError{Method: method, RetryAfter: delay}}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		giveBack()
		return fmt.Errorf("wait for a turn at the OAuth server: %w", ctx.Err())
	}
}

// known returns the refusal of a stranger's refresh token that was refused within the last minute.
func (s *strangerLimits) known(ctx context.Context, endpoint string, refresh secret.Text) error {
	if _, is := bitrix24.Stranger(ctx); !is {
		return nil
	}
	return s.dead.Of(endpoint, refresh)
}

// remember keeps that a stranger's refresh token is dead. Reasons that pass are not kept.
func (s *strangerLimits) remember(ctx context.Context, endpoint string, refresh secret.Text, err error) {
	var dead *portal.DeadTokenError
	if _, is := bitrix24.Stranger(ctx); is && errors.As(err, &dead) && !dead.Passing() {
		s.dead.Add(endpoint, refresh, err)
	}
}
