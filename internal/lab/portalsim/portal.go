package portalsim

import (
	"encoding/json"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// User is a user of a portal.
type User struct {
	ID       int
	Name     string
	LastName string
	Position string
	TimeZone string
	Lang     string // of the interface: en, ru, ...
	Admin    bool
	Extranet bool
	CRM      bool // may read CRM items
	NoApp    bool // an administrator keeps the user out of apps
	Photo    bool // has a picture
}

// Portal is one simulated Bitrix24.
type Portal struct {
	sim      *Sim
	Name     string
	MemberID string

	mu       sync.Mutex // guards everything below; taken after sim.mu where both are needed
	servers  []*listener
	users    []*User
	types    []*crmType
	statuses []status
	products map[string][]*object       // by owner, as productKey names it
	layouts  map[string]json.RawMessage // arrangements of cards, as layoutName names them
	installs map[string]*install
	frames   map[string]*frame
	faults   []*Fault
	failing  map[string]*Fault // by method
	bucket   float64
	overruns int // requests that found the bucket full
	bucketAt time.Time
	requests map[string]int // HTTP requests by method
	commands map[string]int // the same, with the commands of batches counted one by one
	log      []*Request     // the newest last, bounded
	items    int            // how many were made up at the start
	domain   string         // another name of the host, without a port
	path     string         // of an on-premise portal that does not stand at the root; never changes
	webhooks map[string]*token
	deleted  bool
	plan     string             // std, enterprise, free (without REST)
	usages   map[string]*usage  // by caller and method
	cost     map[string]float64 // seconds that a method is said to take, by method

	operatingLimit float64 // seconds in ten minutes; 0 for none
}

// install is an app's presence in a portal.
type install struct {
	app              *App
	applicationToken string
	finished         bool
	version          int
	user             *User
	placements       []placement
	handlers         []handler
	options          *object
	userOptions      map[int]*object
	paymentExpired   bool
}

func newInstall(app *App, user *User) *install {
	return &install{app: app, applicationToken: randomHex(16), version: 1, user: user, options: newObject(), userOptions: map[int]*object{}}
}

func (in *install) optionsOf(userID int) *object {
	if in.userOptions[userID] == nil {
		in.userOptions[userID] = newObject()
	}
	return in.userOptions[userID]
}

type placement struct {
	Placement string  `json:"placement"`
	UserID    int     `json:"userId"`
	Handler   string  `json:"handler"`
	Options   []any   `json:"options"`
	Title     string  `json:"title"`
	Desc      string  `json:"description"`
	LangAll   *object `json:"langAll"`
}

type handler struct {
	Event    string `json:"event"`
	Handler  string `json:"handler"`
	AuthType string `json:"auth_type"`
	Offline  int    `json:"offline"`
	id       int
}

// PortalOptions describe a portal. Zero values mean the defaults named here.
type PortalOptions struct {
	Address string // default: a free port on loopback
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
	server, err := listen(o.Address, p.handler())
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
	p.products, p.layouts = standardProducts(), standardLayouts()
	p.installs, p.frames, p.webhooks = map[string]*install{}, map[string]*frame{}, map[string]*token{}
	p.requests, p.commands, p.log = map[string]int{}, map[string]int{}, nil
	p.usages, p.cost, p.faults, p.failing = map[string]*usage{}, map[string]float64{}, nil, map[string]*Fault{}
	p.deleted, p.bucket = false, 0
	for i, t := range p.types {
		share := items / len(p.types)
		if i < items%len(p.types) {
			share++
		}
		t.generated, t.seed = share, p.sim.options.Seed
	}
}

// URL is the origin of the portal's REST, and as a rule of its pages.
func (p *Portal) URL() string { return "http://" + p.Host() }

// Host is the address of the portal's REST.
func (p *Portal) Host() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.servers[len(p.servers)-1].host()
}

// Domain is the host of the portal's pages, as in DOMAIN.
func (p *Portal) Domain() string {
	host := p.Host()
	if p.domain == "" {
		return host
	}
	_, port, _ := strings.Cut(host, ":")
	return p.domain + ":" + port
}

// Endpoint is the portal's REST address.
func (p *Portal) Endpoint() string { return p.URL() + p.path + "/rest/" }

// AddWebhook makes an incoming webhook for a user and returns its address (local-integrations/local-webhooks.md).
func (p *Portal) AddWebhook(userID int, scope ...string) string {
	code := randomHex(8)
	p.mu.Lock()
	key := strconv.Itoa(userID) + "/" + code
	p.webhooks[key] = &token{clientID: key, portal: p, user: p.user(userID), scope: scope}
	p.mu.Unlock()
	return p.Endpoint() + key + "/"
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

// SetCost says how many seconds a method is counted to take, for the limit on operating time.
func (p *Portal) SetCost(method string, seconds float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cost[method] = seconds
}

func (p *Portal) listeners() []*listener {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.servers
}

// Rename gives the portal a new address; the old ones answer 302 from then on.
func (p *Portal) Rename() error {
	server, err := listen("127.0.0.1:0", p.handler())
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.servers = append(p.servers, server)
	return nil
}

// ChangeUser changes a user's rights, language or anything else.
func (p *Portal) ChangeUser(id int, change func(*User)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if u := p.user(id); u != nil {
		change(u)
	}
}

func (p *Portal) user(id int) *User { // callers hold mu
	for _, u := range p.users {
		if u.ID == id {
			return u
		}
	}
	return nil
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

// Placements lists the placements that an app has bound.
func (p *Portal) Placements(clientID string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	if in := p.installs[clientID]; in != nil {
		for _, pl := range in.placements {
			out = append(out, pl.Placement)
		}
	}
	return out
}

// Handlers lists the events that an app has bound.
func (p *Portal) Handlers(clientID string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	if in := p.installs[clientID]; in != nil {
		for _, h := range in.handlers {
			out = append(out, h.Event)
		}
	}
	return out
}

// Finished reports whether the app has called installFinish.
func (p *Portal) Finished(clientID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := p.installs[clientID]
	return in != nil && in.finished
}

// ApplicationToken is what the portal sends to an app as application_token; empty where it is not installed.
func (p *Portal) ApplicationToken(clientID string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		return in.applicationToken
	}
	return ""
}

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

// overLimit counts a request in the leaky bucket (limits.md) and reports whether it is one too many; callers hold mu.
func (p *Portal) overLimit(now time.Time) bool {
	rate, burst := p.sim.options.RatePerSecond, p.sim.options.RateBurst
	if p.plan == "enterprise" {
		rate, burst = rate*2.5, burst*5
	}
	if !p.bucketAt.IsZero() {
		p.bucket = math.Max(0, p.bucket-now.Sub(p.bucketAt).Seconds()*rate)
	}
	p.bucketAt = now
	if p.bucket+1 > burst {
		p.overruns++
		return true
	}
	p.bucket++
	return false
}

func (p *Portal) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(p.path+"/rest/", p.serveREST)
	mux.HandleFunc(p.path+"/oauth/authorize/", p.serveAuthorize)
	p.routePages(mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if current := p.Host(); r.Host != current && r.Host != p.Domain() {
			http.Redirect(w, r, "http://"+current+r.URL.RequestURI(), http.StatusFound)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// FailCommand makes a method fail so often with an error code, within batches too.
func (p *Portal) FailCommand(method, code string, count int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing[method] = &Fault{Kind: code, Count: count}
}

// GrantScope changes what the portal granted to an app; tokens that are given out from now on have it.
func (p *Portal) GrantScope(clientID string, scope ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		changed := *in.app
		changed.Scope = scope
		in.app = &changed
	}
}

// AddSmartProcess adds a smart process type without items.
func (p *Portal) AddSmartProcess(entityTypeID int, title string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.types = append(p.types, smartProcess(entityTypeID, title))
}

// RemoveType removes a type with its items and its placement.
func (p *Portal) RemoveType(entityTypeID int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.types = slices.DeleteFunc(p.types, func(t *crmType) bool { return t.entityTypeID == entityTypeID })
}

// ItemJSON is an item as crm.item.get answers it; nil where there is none.
func (p *Portal) ItemJSON(entityTypeID, id int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.crmType(entityTypeID); t != nil && t.item(id) != nil {
		text, _ := t.item(id).MarshalJSON()
		return text
	}
	return nil
}

// BindForTest binds a placement without going through REST.
func (p *Portal) BindForTest(clientID, code, handler string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		in.placements = append(in.placements, placement{Placement: code, Handler: handler, Title: "Test", Options: []any{}, LangAll: newObject()})
	}
}
