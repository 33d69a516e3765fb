package portalsim

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Options of a simulator. Zero values mean the defaults named here.
type Options struct {
	Listen        string        // address of the OAuth server; default 127.0.0.1:0
	Name          string        // host name of the OAuth server, such as oauth.bitrix24.test; default its address
	TLS           bool          // https everywhere, with certificates of an authority of its own (AuthorityPEM)
	AccessLife    time.Duration // default 1 hour
	RefreshLife   time.Duration // default 180 days
	RatePerSecond float64       // how fast a portal's bucket empties; default 2
	RateBurst     float64       // what a portal's bucket holds; default 50
	Log           *slog.Logger  // default: none
	Seed          int64         // of made-up items and of Vary
	// Vary answers in every way that the documentation leaves open or that portals are known to differ in, chosen by the
	// seed: docs/simulator.md lists them. A client that works with it does not rely on one reading.
	Vary bool
	// Truth chooses where sources differ.
	Truth Truth
}

// App is an app as its developer registered it.
type App struct {
	ClientID     string
	ClientSecret string
	Name         string
	URL          string // opened as the app's own page
	InstallURL   string // opened at installation; of an app without pages the handler of ONAPPINSTALL
	Headless     bool   // "uses API only": has no pages, is installed at once
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

	authority *authority        // nil without TLS
	methods   map[string]method // by name

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
	respent  int // exchanges of refresh tokens that were used up

	events     sync.WaitGroup
	deliveries []Delivery
	client     *http.Client
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
		methods:  methods(),
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
	if o.TLS {
		if s.authority, err = newAuthority(); err != nil {
			return nil, err
		}
		s.client.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: s.authority.pool(), MinVersion: tls.VersionTLS12}
	}
	handler := s.oauthHandler()
	if s.server, err = listen(o.Listen, o.Name, s.authority, handler); err != nil {
		return nil, err
	}
	region := o.Name
	if region != "" {
		region = "region-" + region
	}
	if s.region, err = listen("127.0.0.1:0", region, s.authority, handler); err != nil {
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

// CheckApp looks at an app's addresses as the partner area does when it is registered: each has to answer HEAD with 200,
// 301 or 302 (market/preparing-to-publish/faq.md).
func (s *Sim) CheckApp(ctx context.Context, app App) error {
	var faults []error
	for _, address := range []string{app.URL, app.InstallURL} {
		if address == "" {
			continue
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
		if err != nil {
			return fmt.Errorf("address of the app: %w", err)
		}
		res, err := s.client.Transport.RoundTrip(req)
		if err != nil {
			faults = append(faults, fmt.Errorf("the specified URL is not accessible: %s: %w", address, err))
			continue
		}
		_ = res.Body.Close()
		if !slices.Contains([]int{200, 301, 302}, res.StatusCode) {
			faults = append(faults, fmt.Errorf("the specified URL is not accessible: %s answers HEAD with %d", address, res.StatusCode))
		}
	}
	return errors.Join(faults...)
}

// Advance moves the simulated clock on.
func (s *Sim) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset += d
}

func (s *Sim) now() time.Time { return time.Now().Add(s.offset) } // callers hold mu

func randomHex(bytes int) string {
	raw := make([]byte, bytes)
	_, _ = rand.Read(raw)
	return hex.EncodeToString(raw)
}
