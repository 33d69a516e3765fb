package portalsim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Options of a simulator. Zero values mean the defaults named here.
type Options struct {
	Listen        string        // address of the OAuth server; default 127.0.0.1:0
	AccessLife    time.Duration // default 1 hour
	RefreshLife   time.Duration // default 180 days
	RatePerSecond float64       // how fast a portal's bucket empties; default 2
	RateBurst     float64       // what a portal's bucket holds; default 50
	Log           *slog.Logger  // default: none
	Seed          int64         // of made-up items and of Vary
	// Vary answers in every way that the documentation leaves open or that portals are known to differ in, chosen by the
	// seed: docs/simulator.md lists them. A client that works with it does not rely on one reading.
	Vary bool
}

// App is an app as its developer registered it.
type App struct {
	ClientID     string
	ClientSecret string
	Name         string
	URL          string // opened as the app's own page
	InstallURL   string // opened at installation
	RedirectURL  string // where /oauth/authorize/ returns to
	Scope        []string
	Status       string // L, F, D, T, P, S
}

// Sim is the OAuth server and its portals.
type Sim struct {
	options Options
	server  *listener
	region  *listener // the OAuth server under another name, as some regions have it
	chances chances

	mu       sync.Mutex
	offset   time.Duration // how far the simulated clock runs ahead
	apps     map[string]*App
	portals  []*Portal
	access   map[string]*token
	refresh  map[string]*token
	codes    map[string]*token
	refusals map[string]string // client_id -> error code that the OAuth server answers to exchanges
	oauth    map[string]int    // requests by path and grant type
	issued   []string
	faults   []*Fault                  // of the OAuth server
	stalls   map[*Portal]chan struct{} // exchanges for a portal wait until its channel is closed
	held     map[*Portal]chan struct{} // the same for answers: the exchange has been done
	stalled  int
	ended    int // how many have waited, and do no longer

	events     sync.WaitGroup
	deliveries []Delivery
	client     *http.Client
}

type token struct {
	clientID string
	portal   *Portal
	user     *User
	scope    []string
	expires  time.Time
}

// New starts an OAuth server without portals or apps.
func New(o Options) (*Sim, error) {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.AccessLife == 0 {
		o.AccessLife = time.Hour
	}
	if o.RefreshLife == 0 {
		o.RefreshLife = 180 * 24 * time.Hour
	}
	if o.RatePerSecond == 0 {
		o.RatePerSecond = 2
	}
	if o.RateBurst == 0 {
		o.RateBurst = 50
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Sim{
		options:  o,
		apps:     map[string]*App{},
		access:   map[string]*token{},
		refresh:  map[string]*token{},
		codes:    map[string]*token{},
		refusals: map[string]string{},
		oauth:    map[string]int{},
		stalls:   map[*Portal]chan struct{}{},
		held:     map[*Portal]chan struct{}{},
		client:   &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	s.chances.init(o.Seed)
	var err error
	handler := s.oauthHandler()
	if s.server, err = listen(o.Listen, handler); err != nil {
		return nil, err
	}
	if s.region, err = listen("127.0.0.1:0", handler); err != nil {
		s.server.close()
		return nil, err
	}
	return s, nil
}

// Close stops every server and waits for events that are under way.
func (s *Sim) Close() {
	s.mu.Lock()
	portals := s.portals
	s.mu.Unlock()
	s.server.close()
	s.region.close()
	for _, p := range portals {
		for _, l := range p.listeners() {
			l.close()
		}
	}
	s.events.Wait()
}

// OAuthURL is the origin of the OAuth server.
func (s *Sim) OAuthURL() string { return s.server.url() }

// RegionalOAuthURL is the origin of the same OAuth server under another name: portals of some regions name it.
func (s *Sim) RegionalOAuthURL() string { return s.region.url() }

// JSLibraryURL is where the platform's JS library is served.
func (s *Sim) JSLibraryURL() string { return s.server.url() + "/api/v1/" }

// RegisterApp adds an app; registering it again replaces it.
func (s *Sim) RegisterApp(app App) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if app.Status == "" {
		app.Status = "F"
	}
	s.apps[app.ClientID] = &app
}

// Advance moves the simulated clock on.
func (s *Sim) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

// RefuseExchanges makes the OAuth server answer every exchange for an app with an error code; "" ends that.
func (s *Sim) RefuseExchanges(clientID, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusals[clientID] = code
}

// AddOAuthFault makes requests of the OAuth server fail. Method is oauth/token or app.info; "" for both. With Late the
// exchange has been done before it fails.
func (s *Sim) AddOAuthFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// oauthFault finds a fault for a request.
func (s *Sim) oauthFault(method string, late bool) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return findFault(s.faults, method, 0, late)
}

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

// portalOf is the portal of a refresh token; nil for an unknown one.
func (s *Sim) portalOf(refresh string) *Portal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.refresh[refresh]; t != nil {
		return t.portal
	}
	return nil
}

// OAuthRequests counts requests of the OAuth server by name: "app.info", "refresh_token", "authorization_code".
func (s *Sim) OAuthRequests(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.oauth[name]
}

func (s *Sim) now() time.Time { return time.Now().Add(s.offset) } // callers hold mu

// issue makes a pair of tokens; callers hold mu.
func (s *Sim) issue(app *App, p *Portal, u *User) (access, refresh string) {
	access, refresh = randomHex(35), randomHex(35)
	s.issued = append(s.issued, access, refresh)
	now := s.now()
	s.access[access] = &token{app.ClientID, p, u, app.Scope, now.Add(s.options.AccessLife)}
	s.refresh[refresh] = &token{app.ClientID, p, u, app.Scope, now.Add(s.options.RefreshLife)}
	return access, refresh
}

// Issued lists every token and application_token that was ever given out, for tests that look for them where they must
// not be.
func (s *Sim) Issued() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := append([]string{}, s.issued...)
	for _, p := range s.portals {
		p.mu.Lock()
		for _, in := range p.installs {
			all = append(all, in.applicationToken)
		}
		p.mu.Unlock()
	}
	return all
}

// revoke forgets every token of an app in a portal; callers hold mu.
func (s *Sim) revoke(clientID string, p *Portal) {
	for _, set := range []map[string]*token{s.access, s.refresh, s.codes} {
		for text, t := range set {
			if t.clientID == clientID && t.portal == p {
				delete(set, text)
			}
		}
	}
}

// ExpireAccessTokens ends the life of every access token that was given out until now.
func (s *Sim) ExpireAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.access {
		t.expires = s.now().Add(-time.Second)
	}
}

func randomHex(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw)
	return hex.EncodeToString(raw)
}

// listener is one HTTP server on one address.
type listener struct {
	net    net.Listener
	server *http.Server
}

func listen(address string, handler http.Handler) (*listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() { _ = server.Serve(l) }()
	return &listener{l, server}, nil
}

// host is the address to give out; a listener on every address is reached at loopback.
func (l *listener) host() string {
	address := l.net.Addr().(*net.TCPAddr)
	if address.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(address.Port))
	}
	return address.String()
}

func (l *listener) url() string { return "http://" + l.host() }

func (l *listener) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := l.server.Shutdown(ctx); errors.Is(err, context.DeadlineExceeded) {
		_ = l.server.Close()
	}
}
