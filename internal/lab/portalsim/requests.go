package portalsim

import "time"

// keptRequests is how many requests a portal remembers.
const keptRequests = 1000

// Request is a REST request that a portal got, for tests and people who look what an app does. Tokens are left out.
type Request struct {
	Time   time.Time `json:"time"`
	Portal string    `json:"portal"`
	Method string    `json:"method"`
	User   int       `json:"user"`
	Params *object   `json:"params"`
	Fault  string    `json:"fault,omitempty"`
}

func (p *Portal) logRequest(method string, user int, params *object) *Request {
	shown := newObject()
	for _, key := range params.keys {
		if key != "auth" {
			shown.set(key, params.values[key])
		}
	}
	entry := &Request{Time: time.Now(), Portal: p.Name, Method: method, User: user, Params: shown}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.log) >= keptRequests {
		p.log = p.log[1:]
	}
	p.log = append(p.log, entry)
	return entry
}

// Log lists the requests that match: a method, a user; "" and 0 match all.
func (p *Portal) Log(method string, user int) []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []Request{}
	for _, entry := range p.log {
		if (method == "" || entry.Method == method) && (user == 0 || entry.User == user) {
			out = append(out, *entry)
		}
	}
	return out
}

// Requests counts the HTTP requests that the portal's REST answered: all of them for "", else those of one method.
func (p *Portal) Requests(method string) int { return p.count(p.requests, method) }

// Overruns counts the requests that were refused because the bucket was full.
func (p *Portal) Overruns() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.overruns
}

// Commands counts method calls, those within batches one by one.
func (p *Portal) Commands(method string) int { return p.count(p.commands, method) }

func (p *Portal) count(counts map[string]int, method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if method != "" {
		return counts[method]
	}
	sum := 0
	for _, n := range counts {
		sum += n
	}
	return sum
}
