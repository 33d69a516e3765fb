package portalsim

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Portal is one simulated Bitrix24.
type Portal struct {
	sim      *Sim
	Name     string
	MemberID string

	mu         sync.Mutex // guards everything below; taken after sim.mu where both are needed
	servers    []*listener
	users      []*User
	types      []*crmType
	statuses   []status
	products   map[string][]*object // by owner, as productKey names it
	moves      map[string][]move    // by item, as moveKey names it
	comments   []comment
	layouts    map[string]json.RawMessage // arrangements of cards, as layoutName names them
	details    clientDetails
	installs   map[string]*install
	frames     map[string]*frame
	faults     []*Fault
	failing    map[string]*Fault // by method
	activities []*object
	bucket     float64
	overruns   int // requests that found the bucket full
	bucketAt   time.Time
	requests   map[string]int // HTTP requests by method
	commands   map[string]int // the same, with the commands of batches counted one by one
	log        []*Request     // the newest last, bounded
	items      int            // how many were made up at the start
	domain     string         // another name of the host, without a port
	path       string         // of an on-premise portal that does not stand at the root; never changes
	webhooks   map[string]*token
	tokens     map[string]string // application_token of apps that were here before, by client_id
	deleted    bool
	plan       string             // std, enterprise, free (without REST)
	usages     map[string]*usage  // by caller and method
	cost       map[string]float64 // seconds that a method is said to take, by method

	operatingLimit float64 // seconds in ten minutes; 0 for none

	exchanges map[int]int // of refresh tokens, by user
}

// PortalOptions describe a portal. Zero values mean the defaults named here.
type PortalOptions struct {
	Address string // default: a free port on loopback
	Host    string // host name, such as acme.bitrix24.test; default the address
	Path    string // of an on-premise portal below the root, such as /crm; default none
	Domain  string // another name for the host of its pages than REST has, such as localhost
	OnPrem  bool   // an on-premise portal has no limit on operating time by default (limits.md)
	Plan    string // std (default), enterprise, free
	Items   int    // how many items are made up in addition to the standard ones, over all types
}

// AddPortal starts a portal with the standard data. An empty address means a free port on loopback.
func (s *Sim) AddPortal(name, address string) (*Portal, error) {
	return s.AddPortalWith(name, PortalOptions{Address: address})
}

// AddPortalWith is AddPortal with more to choose.
func (s *Sim) AddPortalWith(name string, o PortalOptions) (*Portal, error) {
	if o.Plan == "" {
		o.Plan = "std"
	}
	p := &Portal{
		sim: s, Name: name, MemberID: s.newID(), path: strings.TrimRight(o.Path, "/"), plan: o.Plan, operatingLimit: 480,
		items: o.Items, domain: o.Domain,
	}
	if o.OnPrem {
		p.operatingLimit = 0
	}
	p.fill(o.Items)
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	server, err := listen(o.Address, o.Host, s.authority, p.handler())
	if err != nil {
		return nil, err
	}
	p.servers = []*listener{server}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.portals = append(s.portals, p)
	return p, nil
}

// fill gives the portal its standard data and forgets everything else.
func (p *Portal) fill(items int) {
	p.users, p.types, p.statuses = standardUsers(), standardTypes(), standardStatuses()
	p.products, p.layouts, p.details = standardProducts(), standardLayouts(), standardDetails()
	p.moves, p.comments, p.activities = standardMoves(), standardComments(), standardActivities(time.Now())
	p.installs, p.frames, p.webhooks = map[string]*install{}, map[string]*frame{}, map[string]*token{}
	p.requests, p.commands, p.log = map[string]int{}, map[string]int{}, nil
	p.exchanges = map[int]int{}
	p.usages, p.cost, p.faults, p.failing = map[string]*usage{}, map[string]float64{}, nil, map[string]*Fault{}
	p.deleted, p.bucket, p.tokens = false, 0, map[string]string{}
	for i, t := range p.types {
		share := items / len(p.types)
		if i < items%len(p.types) {
			share++
		}
		t.generated, t.seed = share, p.sim.options.Seed
	}
}

// URL is the origin of the portal's REST, and as a rule of its pages.
func (p *Portal) URL() string { return p.server().url() }

// server is where the portal lives now.
func (p *Portal) server() *listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.servers[len(p.servers)-1]
}

// Host is the address of the portal's REST.
func (p *Portal) Host() string { return p.server().host() }

// Domain is the host of the portal's pages, as in DOMAIN.
func (p *Portal) Domain() string {
	host := p.Host()
	if p.domain == "" {
		return host
	}
	if _, port, err := net.SplitHostPort(host); err == nil {
		return net.JoinHostPort(p.domain, port)
	}
	return p.domain
}

// Endpoint is the portal's REST address.
func (p *Portal) Endpoint() string { return p.URL() + p.path + "/rest/" }

// AddWebhook makes an incoming webhook for a user and returns its address (local-integrations/local-webhooks.md).
func (p *Portal) AddWebhook(userID int, scope ...string) string {
	address, _ := p.AddWebhookWith(userID, "", scope...)
	return address
}

// AddWebhookWith is AddWebhook with a code of one's own choice, so that it can stand in a configuration; "" makes one up.
func (p *Portal) AddWebhookWith(userID int, code string, scope ...string) (string, error) {
	if code == "" {
		code = randomHex(8)
	}
	p.mu.Lock()
	u := p.user(userID)
	if u != nil {
		key := strconv.Itoa(userID) + "/" + code
		p.webhooks[key] = &token{clientID: key, portal: p, user: u, scope: scope}
	}
	p.mu.Unlock()
	if u == nil || strings.Contains(code, "/") {
		return "", fmt.Errorf("a webhook needs a user that exists, not %d, and a code without slashes", userID)
	}
	return p.Endpoint() + strconv.Itoa(userID) + "/" + code + "/", nil
}

// SetPlan changes the portal's plan: std, enterprise (a larger bucket), free (no REST).
func (p *Portal) SetPlan(plan string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.plan = plan
}

// SetDeleted closes the portal: REST answers PORTAL_DELETED. false opens it again.
func (p *Portal) SetDeleted(deleted bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deleted = deleted
}

func (p *Portal) listeners() []*listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.servers
}

// Rename gives the portal a new address; the old ones answer 302 from then on. One with a host name gets another name, one
// without another address of loopback where the machine has it, because some clients keep a host without its port.
func (p *Portal) Rename() error {
	p.mu.Lock()
	n, last := len(p.servers), p.servers[len(p.servers)-1]
	p.mu.Unlock()
	var server *listener
	if last.name != "" {
		server = last.named(fmt.Sprintf("renamed%d-%s", n, strings.TrimPrefix(last.name, fmt.Sprintf("renamed%d-", n-1))))
	} else {
		var err error
		if server, err = listen(fmt.Sprintf("127.0.0.%d:0", 1+n), "", p.sim.authority, p.handler()); err != nil {
			server, err = listen("127.0.0.1:0", "", p.sim.authority, p.handler())
		}
		if err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers = append(p.servers, server)
	return nil
}

func (p *Portal) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(p.path+"/rest/", p.serveREST)
	mux.HandleFunc(p.path+"/oauth/authorize/", p.serveAuthorize)
	p.routePages(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if r.TLS != nil {
			host = strings.TrimSuffix(host, ":443")
		}
		if host != p.Host() && host != p.Domain() {
			http.Redirect(w, r, p.URL()+r.URL.RequestURI(), http.StatusFound)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
