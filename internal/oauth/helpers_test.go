package oauth_test

import (
	"context"
	"log/slog"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// storeOf is a store that keeps nothing: every renewal is the first one.
type storeOf struct{}

func (storeOf) RenewToken(
	ctx context.Context, _ portal.MemberID, _ secret.Text, renew func(context.Context) (portal.Token, error),
) (portal.Token, error) {
	return renew(ctx)
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
