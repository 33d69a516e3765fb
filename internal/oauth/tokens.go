package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// Store is what tokens need of storage.
type Store interface {
	// RenewToken runs renew once for all callers that hold the same refresh token, in every process, and commits the
	// new pair before anyone gets it. It keeps a database connection for as long as that takes.
	RenewToken(ctx context.Context, id portal.MemberID, refresh secret.Text,
		renew func(context.Context) (portal.Token, error)) (portal.Token, error)
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
	all     *semaphore.Weighted

	mu      sync.Mutex
	portals map[portal.MemberID]*turn
}

// turn is the queue of one portal; it lives as long as somebody waits in it.
type turn struct {
	*semaphore.Weighted
	users int
}

// NewTokens makes a Tokens.
func NewTokens(server *Server, store Store, limits Limits, log *slog.Logger) *Tokens {
	return &Tokens{
		server: server, store: store, limits: limits, log: log,
		all: semaphore.NewWeighted(limits.Renewals), portals: map[portal.MemberID]*turn{},
	}
}

// Use runs a call with the access token of a pair. Only when the portal answers expired_token it renews the pair and
// runs the call once more; it returns the pair that was used last. Callers that hold the same pair share one renewal.
func (t *Tokens) Use(
	ctx context.Context, p portal.Portal, pair portal.Token, call func(ctx context.Context, access secret.Text) error,
) (portal.Token, error) {
	err := call(ctx, pair.Access)
	if !bitrix24.IsExpiredToken(err) {
		return pair, err
	}
	if pair.Refresh.IsZero() {
		return pair, portal.Problemf(portal.TokenExpired, "no refresh token came with the expired one: %w", err)
	}
	pair, err = t.Renew(ctx, p, pair.Refresh)
	if err != nil {
		return pair, err
	}
	return pair, call(ctx, pair.Access)
}

// Renew exchanges a refresh token for a new pair and stores it for a portal that is installed. A dead token gives the
// problem that its reason means to people; other errors are those of Server.Refresh and of storage.
func (t *Tokens) Renew(ctx context.Context, p portal.Portal, refresh secret.Text) (portal.Token, error) {
	// The flight outlives the caller that started it: others wait for its result, and an exchange that was begun must
	// be committed, or the portal's pair is lost.
	flight := t.flights.DoChan(string(p.MemberID)+"\x00"+string(refresh.Hash()), func() (any, error) {
		flightCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.limits.Wait)
		defer cancel()
		leave, err := t.queue(flightCtx, p.MemberID)
		if err != nil {
			return nil, portal.Problemf(portal.OAuthUnreachable, "wait for a turn at the OAuth server: %w", err)
		}
		defer leave()
		return t.store.RenewToken(flightCtx, p.MemberID, refresh, func(ctx context.Context) (portal.Token, error) {
			return t.exchange(ctx, p, refresh)
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

// queue waits for a turn: first in the portal's own queue, then among all.
func (t *Tokens) queue(ctx context.Context, id portal.MemberID) (leave func(), err error) {
	t.mu.Lock()
	own := t.portals[id]
	if own == nil {
		own = &turn{Weighted: semaphore.NewWeighted(t.limits.PerPortal)}
		t.portals[id] = own
	}
	own.users++
	t.mu.Unlock()
	gone := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if own.users--; own.users == 0 {
			delete(t.portals, id)
		}
	}
	if err := own.Acquire(ctx, 1); err != nil {
		gone()
		return nil, err
	}
	if err := t.all.Acquire(ctx, 1); err != nil {
		own.Release(1)
		gone()
		return nil, err
	}
	return func() { t.all.Release(1); own.Release(1); gone() }, nil
}

func (t *Tokens) exchange(ctx context.Context, p portal.Portal, refresh secret.Text) (portal.Token, error) {
	grant, err := t.server.Refresh(ctx, p.ServerEndpoint, refresh)
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) {
		t.log.WarnContext(ctx, "refresh token is dead", "portal", p.MemberID, "code", dead.Reason)
	}
	if err != nil {
		return portal.Token{}, err
	}
	if grant.MemberID != p.MemberID || grant.UserID <= 0 {
		return portal.Token{}, portal.Problemf(portal.Unverified, "the refresh token belongs to another portal")
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
