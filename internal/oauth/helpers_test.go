package oauth_test

import (
	"context"
	"log/slog"

	"itemlens/internal/portal"
)

// storeOf is a store that keeps nothing: every renewal is the first one.
type storeOf struct{}

func (storeOf) RenewToken(ctx context.Context, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	return exchange(ctx, pair.Refresh, false)
}

func (s storeOf) Register(ctx context.Context, _ portal.Portal, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	return s.RenewToken(ctx, pair, exchange)
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
