package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/singleflight"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// Store is what tokens need of storage.
type Store interface {
	// RenewToken runs renew once for all callers that hold the same refresh token, in every process, and commits the
	// new pair before anyone gets it.
	RenewToken(ctx context.Context, id portal.MemberID, refresh secret.Text,
		renew func(context.Context) (portal.Token, error)) (portal.Token, error)
}

// Tokens gives working access tokens.
type Tokens struct {
	server  *Server
	store   Store
	flights singleflight.Group
}

// NewTokens makes a Tokens.
func NewTokens(server *Server, store Store) *Tokens { return &Tokens{server: server, store: store} }

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

// Renew exchanges a refresh token for a new pair and stores it for a portal that is installed. The problem TokenExpired
// says that the token is dead; other errors are those of Server.Refresh and of storage.
func (t *Tokens) Renew(ctx context.Context, p portal.Portal, refresh secret.Text) (portal.Token, error) {
	// The flight outlives the caller that started it: others wait for its result, and an exchange that was begun must
	// be committed, or the portal's pair is lost.
	flight := t.flights.DoChan(string(p.MemberID)+"\x00"+string(refresh.Hash()), func() (any, error) {
		flightCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
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
			return portal.Token{}, &portal.Error{Problem: portal.TokenExpired, Err: result.Err}
		}
		if result.Err != nil {
			return portal.Token{}, result.Err
		}
		return result.Val.(portal.Token), nil
	}
}

func (t *Tokens) exchange(ctx context.Context, p portal.Portal, refresh secret.Text) (portal.Token, error) {
	grant, err := t.server.Refresh(ctx, p.ServerEndpoint, refresh)
	if err != nil {
		return portal.Token{}, err
	}
	if grant.MemberID != p.MemberID || grant.UserID <= 0 {
		return portal.Token{}, portal.Problemf(portal.Unverified, "the refresh token belongs to another portal")
	}
	return grant.Token(), nil
}
