package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/tracing"
	"itemlens/internal/turns"
)

// Store is what tokens need of storage. It keeps the rules of whose a refresh token is (see storage/tokens.go), runs
// exchange once for all callers that hold the same refresh token, in every process, and commits the new pair before anyone
// gets it. It keeps a database connection for as long as that takes.
type Store interface {
	RenewToken(ctx context.Context, pair portal.Token, exchange portal.Exchange) (portal.Token, error)
	// Register stores a portal with the pair, both or neither.
	Register(ctx context.Context, p portal.Portal, pair portal.Token, exchange portal.Exchange) (portal.Token, error)
}

// Limits bound how much may wait for the OAuth server, so that one that does not answer, or that does not answer for one
// portal, leaves database connections for everybody else.
type Limits struct {
	Renewals  int64         // at once in this process; a share of the database connections
	PerPortal int64         // at once for one portal
	Wait      time.Duration // for a turn and the exchange together
}

// Tokens gives working access tokens.
type Tokens struct {
	server  *Server
	store   Store
	limits  Limits
	log     *slog.Logger
	flights singleflight.Group
	portals *turns.Turns[portal.MemberID]
	all     *semaphore.Weighted
	watch   Watch
}

// Watch is told what comes of renewals. Members may be nil.
type Watch struct {
	// Exchanged is told of each exchange that was sent for a portal. Its bodies hold nothing but secrets, so there are none.
	Exchanged func(ctx context.Context, e bitrix24.Exchange)
	// Renewed is told once for all callers that shared a renewal: "ok", or the problem.
	Renewed func(outcome string)
	// Died is told why the OAuth server refuses a refresh token, by its code.
	Died func(reason string)
}

// NewTokens makes a Tokens.
func NewTokens(server *Server, store Store, limits Limits, log *slog.Logger) *Tokens {
	return &Tokens{
		server: server, store: store, limits: limits, log: log,
		portals: turns.New[portal.MemberID](limits.PerPortal), all: semaphore.NewWeighted(limits.Renewals),
	}
}

// Tell names who is told what comes of renewals; before the first one.
func (t *Tokens) Tell(w Watch) { t.watch = w }

// renewalsPerCall bounds how often one call has its pair renewed: the first renewal may find a pair that another process
// stored and that has expired meanwhile.
const renewalsPerCall = 2

// Use runs a call with a pair. Only when the portal answers expired_token it renews the pair and runs the call once more;
// it returns the pair that was used last. Callers that hold the same pair share one renewal.
//
// A renewal may name another user than the pair's, where the platform has replaced the installer: a call that acts for one
// user looks at the pair that it is given before it sends anything.
func (t *Tokens) Use(
	ctx context.Context, p portal.Portal, pair portal.Token, call func(ctx context.Context, pair portal.Token) error,
) (portal.Token, error) {
	err := call(ctx, pair)
	for range renewalsPerCall {
		if !bitrix24.IsExpiredToken(err) {
			break
		}
		if pair, err = t.Renew(ctx, p, pair); err != nil {
			return pair, err
		}
		err = call(ctx, pair)
	}
	return pair, err
}

// noRefresh is the problem of a pair that holds no refresh token.
func noRefresh(pair portal.Token) error {
	if pair.DeadReason != "" {
		return &portal.Error{Problem: deadProblem(pair.DeadReason), Err: &portal.DeadTokenError{Reason: pair.DeadReason}}
	}
	return portal.Problemf(portal.TokenExpired, "no refresh token came with the access token")
}

// Renew exchanges the refresh token of a pair for a new pair and stores it for a portal that is installed. UserID of the
// pair is whose it is, where that is known. A dead token gives the problem that its reason means to people; other errors
// are those of Server.Refresh and of storage.
func (t *Tokens) Renew(ctx context.Context, p portal.Portal, pair portal.Token) (portal.Token, error) {
	return t.fly(ctx, p, pair, "renew", t.store.RenewToken)
}

// Register is Renew for the pair that came with an installation, whose user is p's installer. It stores the portal with
// the new pair, both or neither.
func (t *Tokens) Register(ctx context.Context, p portal.Portal, pair portal.Token) (portal.Token, error) {
	return t.fly(ctx, p, pair, "register", func(ctx context.Context, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
		return t.store.Register(ctx, p, pair, exchange)
	})
}

func (t *Tokens) fly(
	ctx context.Context, p portal.Portal, pair portal.Token, kind string,
	renew func(context.Context, portal.Token, portal.Exchange) (portal.Token, error),
) (portal.Token, error) {
	pair.MemberID = p.MemberID
	if pair.Refresh.IsZero() {
		return portal.Token{}, noRefresh(pair)
	}
	// The flight outlives the caller that started it: others wait for its result, and an exchange that was begun must
	// be committed, or the portal's pair is lost.
	key := kind + "\x00" + string(p.MemberID) + "\x00" + pair.UserID.String() + "\x00" + string(pair.Refresh.Hash())
	flight := t.flights.DoChan(key, func() (renewed any, err error) {
		flightCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.limits.Wait)
		defer cancel()
		flightCtx, span := tracing.Begin(flightCtx, "oauth.Renew")
		defer func() {
			outcome := renewalOutcome(err)
			span.Outcome(outcome)
			span.End()
			if t.watch.Renewed != nil {
				t.watch.Renewed(outcome)
			}
		}()
		leave, err := t.queue(flightCtx, p.MemberID)
		if err != nil {
			return nil, portal.Problemf(portal.OAuthUnreachable, "wait for a turn at the OAuth server: %w", err)
		}
		defer leave()
		return renew(flightCtx, pair, func(ctx context.Context, refresh secret.Text, proven bool) (portal.Token, error) {
			return t.exchange(ctx, p, refresh, proven)
		})
	})
	select {
	case <-ctx.Done():
		return portal.Token{}, fmt.Errorf("wait for a new token: %w", ctx.Err())
	case result := <-flight:
		var dead *portal.DeadTokenError
		if errors.As(result.Err, &dead) {
			return portal.Token{}, &portal.Error{Problem: deadProblem(dead.Reason), Err: result.Err}
		}
		if result.Err != nil {
			return portal.Token{}, result.Err
		}
		return result.Val.(portal.Token), nil
	}
}

// renewalOutcome is "ok", or the problem that a renewal met: one of a known list.
func renewalOutcome(err error) string {
	var dead *portal.DeadTokenError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &dead):
		return string(deadProblem(dead.Reason))
	}
	return string(portal.ProblemOf(err))
}

// queue waits for a turn: first in the portal's own queue, then among all.
func (t *Tokens) queue(ctx context.Context, id portal.MemberID) (leave func(), err error) {
	done, err := t.portals.Begin(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := t.all.Acquire(ctx, 1); err != nil {
		done()
		return nil, err
	}
	return func() { t.all.Release(1); done() }, nil
}

// exchange is a portal.Exchange.
func (t *Tokens) exchange(ctx context.Context, p portal.Portal, refresh secret.Text, proven bool) (portal.Token, error) {
	sent := bitrix24.Exchange{}
	grant, err := t.server.refresh(ctx, p.ServerEndpoint, refresh, &sent)
	if !sent.At.IsZero() && t.watch.Exchanged != nil {
		sent.Target.MemberID = string(p.MemberID)
		t.watch.Exchanged(ctx, sent)
	}
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) {
		if t.watch.Died != nil && !sent.At.IsZero() {
			t.watch.Died(dead.Reason)
		}
		t.log.WarnContext(ctx, "refresh token no longer works; the user has to open the app again", "portal", p.MemberID, "code", dead.Reason)
	}
	if err != nil {
		return portal.Token{}, err
	}
	if !proven && (grant.MemberID == "" || grant.UserID == 0) {
		// The old token is used up, so nothing that fails here may cost the new one: storage decides what it is worth.
		info, err := t.server.AppInfo(ctx, p.ServerEndpoint, grant.Access)
		if err != nil {
			t.log.WarnContext(ctx, "the OAuth server does not say whose the new tokens are", "portal", p.MemberID, "reason", err.Error())
			return grant.Token(), nil
		}
		grant.MemberID, grant.UserID = info.MemberID, info.UserID
	}
	return grant.Token(), nil
}

// deadProblem is what people are told of a dead token.
func deadProblem(reason string) portal.Problem {
	switch reason {
	case "payment_required":
		return portal.PaymentRequired
	case "portal_deleted":
		return portal.PortalDeleted
	case "user_access_error":
		return portal.NoAppAccess
	case "insufficient_scope", "invalid_scope":
		return portal.MissingScope
	case "invalid_client", "wrong_client":
		return portal.WrongClient
	case "not_installed":
		return portal.NotInstalled
	default: // invalid_grant, no_auth_found, and a token that was replaced: opening the app anew brings a fresh pair
		return portal.TokenExpired
	}
}
