package jobs

import (
	"context"

	"itemlens/internal/portal"
)

// KeepAlive does what a job that keeps a portal's token alive does.
func (r *Runner) KeepAlive(ctx context.Context, id portal.MemberID) error {
	return r.keepAlive(ctx, id, 1)
}
