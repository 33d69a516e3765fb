package portalsim

import (
	"net/http"
	"time"
)

// StallExchanges makes the OAuth server leave every exchange for a portal undone and unanswered, until release is called.
func (s *Sim) StallExchanges(p *Portal) (release func()) { return s.stop(s.stalls, p) }

// StallAnswers makes the OAuth server do exchanges for a portal, but hold the answers back until release is called.
func (s *Sim) StallAnswers(p *Portal) (release func()) { return s.stop(s.held, p) }

func (s *Sim) stop(in map[*Portal]chan struct{}, p *Portal) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make(chan struct{})
	in[p] = open
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if in[p] == open {
			delete(in, p)
			close(open)
		}
	}
}

// Stalled is how many exchanges wait now.
func (s *Sim) Stalled() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stalled
}

// StallsEnded is how many exchanges have waited and do no longer: released, or given up by the client.
func (s *Sim) StallsEnded() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// AwaitStalled waits until so many exchanges wait.
func (s *Sim) AwaitStalled(n int) {
	for s.Stalled() < n {
		time.Sleep(5 * time.Millisecond)
	}
}

// wait waits where a portal is stopped, and reports whether the client is still there; callers do not hold mu.
func (s *Sim) wait(r *http.Request, in map[*Portal]chan struct{}, p *Portal) bool {
	s.mu.Lock()
	open := in[p]
	if open == nil {
		s.mu.Unlock()
		return true
	}
	s.stalled++
	s.mu.Unlock()
	select {
	case <-open:
	case <-r.Context().Done():
	}
	s.mu.Lock()
	s.stalled--
	s.ended++
	s.mu.Unlock()
	return r.Context().Err() == nil
}
