package portalsim

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// Fault makes requests fail, as a broken or hostile portal would.
type Fault struct {
	Method string // of the HTTP request; "" for every one
	User   int    // whose requests; 0 for everybody's
	Kind   string // html, empty, truncated, huge, redirect, reset, delay, or an error code such as QUERY_LIMIT_EXCEEDED
	Status int    // for error codes
	Target string // for redirect
	Delay  time.Duration
	Late   bool // after the OAuth server has done the exchange, not before
	Count  int  // how often; 0 until ClearFaults
	done   int
}

// AddFault starts a fault.
func (p *Portal) AddFault(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
}

// ClearFaults ends every fault.
func (p *Portal) ClearFaults() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

func (p *Portal) fault(method string, user int) *Fault { // callers hold mu
	return findFault(p.faults, method, user, false)
}

func findFault(faults []*Fault, method string, user int, late bool) *Fault {
	for _, f := range faults {
		if (f.Method == "" || f.Method == method) && (f.User == 0 || f.User == user) && f.Late == late && (f.Count == 0 || f.done < f.Count) {
			f.done++
			return f
		}
	}
	return nil
}

// write answers in a fault's way and reports whether that was the whole answer.
func (f *Fault) write(w http.ResponseWriter, r *http.Request) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-r.Context().Done():
		}
	}
	switch f.Kind {
	case "delay":
		return r.Context().Err() != nil // who gave up meanwhile gets nothing done
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><body><h1>Maintenance</h1></body></html>")
	case "empty":
		w.WriteHeader(http.StatusOK)
	case "text": // JSON of another kind, under another name
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, `["unexpected"]`)
	case "truncated":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"result":{"result":{"profile":{"ID":"1","ADM`)
	case "cut":
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, `{"result":{"result":`)
		panic(http.ErrAbortHandler)
	case "huge":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"result":"`)
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range 100 {
			if _, err := w.Write(chunk); err != nil {
				return true
			}
		}
		_, _ = io.WriteString(w, `"}`)
	case "redirect":
		w.Header().Set("Location", f.Target)
		w.WriteHeader(http.StatusFound)
	case "reset":
		panic(http.ErrAbortHandler)
	default:
		writeError(w, f.Status, f.Kind, "Failing on purpose")
	}
	return true
}

// FailCommand makes a method fail so often with an error code, within batches too.
func (p *Portal) FailCommand(method, code string, count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing[method] = &Fault{Kind: code, Count: count}
}

// AddOAuthFault makes requests of the OAuth server fail. Method is oauth/token or app.info; "" for both. With Late the
// exchange has been done before it fails.
func (s *Sim) AddOAuthFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// ClearOAuthFaults ends every fault of the OAuth server.
func (s *Sim) ClearOAuthFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// oauthFault finds a fault for a request.
func (s *Sim) oauthFault(method string, late bool) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return findFault(s.faults, method, 0, late)
}

// RefuseExchanges makes the OAuth server answer every exchange for an app with an error code; "" ends that.
func (s *Sim) RefuseExchanges(clientID, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[clientID] = code
}
