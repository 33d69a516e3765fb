package jobs

import (
	"fmt"

	"riverqueue.com/riverui"
)

// UI makes River's own pages about the queue, to be served below a path. They ask nobody who looks and let everybody do
// everything: whoever serves them decides. What they show of a job are its arguments, which name a portal and hold no
// secret. They work once they were started, until the context of that ends.
func (r *Runner) UI(path string) (*riverui.Handler, error) {
	ui, err := riverui.NewHandler(&riverui.HandlerOpts{
		Endpoints: riverui.NewEndpoints(r.planner, nil), Logger: r.Log.With("component", "queue_ui"), Prefix: path,
	})
	if err != nil {
		return nil, fmt.Errorf("make the queue's pages: %w", err)
	}
	return ui, nil
}
