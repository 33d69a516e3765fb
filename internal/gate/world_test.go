package gate_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/install"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/session"
	"itemlens/internal/storage"
)

const clientID = "app.test"

// world is the OAuth server and the portals, as small as the rules about tokens need, and honest: a refresh token works
// once, an access token for an hour, both until the app is removed.
type world struct {
	server *httptest.Server

	mu      sync.Mutex
	now     time.Time
	count   int
	issued  map[string]*pairToken // by text, access and refresh tokens
	portals map[portal.MemberID]*fakePortal
	served  []who          // whose token each answered request to a portal had
	granted []*grant       // answers to exchanges
	twice   []string       // refresh tokens that were shown for an exchange although they were used up
	silent  bool           // app.info does not answer
	shape   shape          // of the next answers to exchanges
	names   map[string]who // whom the exchange of a refresh token names, where it is not its user
	lying   portal.UserID  // whom the portals name in every profile; 0: the truth, less: nobody
	refusal string         // the code with which portals refuse everything
	moved   string         // where the next request to a portal is sent
}

type who struct {
	portal portal.MemberID
	user   portal.UserID
}

type fakePortal struct {
	installation int
	installed    bool
	admins       map[portal.UserID]bool
}

// pairToken is an access or a refresh token.
type pairToken struct {
	who
	installation int
	expires      time.Time // of an access token
	spent        bool      // of a refresh token
	forgiven     bool      // the app has lost its database since: it cannot know that this one is used up
}

// grant is a pair that the OAuth server gave in an exchange.
type grant struct {
	who
	used, access, refresh string
}

// shape is which members an answer to an exchange lacks, or has in another form.
type shape struct {
	NoUser, NoMember, NoRefresh bool
	ExpiresIn                   any // left out where nil
	ClientEndpoint              any
}

func fullShape() shape { return shape{ExpiresIn: 3600, ClientEndpoint: "https://p.example/rest/"} }

func newWorld(t testing.TB) *world {
	w := &world{
		now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC), issued: map[string]*pairToken{}, portals: map[portal.MemberID]*fakePortal{},
		shape: fullShape(), names: map[string]who{},
	}
	w.server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.server.Close)
	return w
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// add adds a portal whose user 1 is an administrator.
func (w *world) add(id portal.MemberID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.portals[id] = &fakePortal{installed: true, admins: map[portal.UserID]bool{1: true}}
}

// issue makes a pair for a user, as the portal does for each page that it opens.
func (w *world) issue(of who) (access, refresh string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.make(of)
}

func (w *world) make(of who) (access, refresh string) {
	w.count++
	access, refresh = fmt.Sprintf("access-%06d-%s-%d", w.count, of.portal, of.user), fmt.Sprintf("refresh-%06d-%s-%d", w.count, of.portal, of.user)
	installation := w.portals[of.portal].installation
	w.issued[access] = &pairToken{who: of, installation: installation, expires: w.now.Add(time.Hour)}
	w.issued[refresh] = &pairToken{who: of, installation: installation}
	return access, refresh
}

// valid finds a token whose installation stands.
func (w *world) valid(text string) *pairToken {
	t := w.issued[text]
	if t == nil || !w.portals[t.portal].installed || w.portals[t.portal].installation != t.installation {
		return nil
	}
	return t
}

func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case r.URL.Path == "/oauth/token/":
		w.serveToken(rw, r)
	case r.URL.Path == "/rest/app.info":
		w.serveAppInfo(rw, r)
	default:
		w.servePortal(rw, r)
	}
}

func answer(rw http.ResponseWriter, status int, value map[string]any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(value)
}

func (w *world) serveToken(rw http.ResponseWriter, r *http.Request) {
	used := r.FormValue("refresh_token")
	t := w.valid(used)
	if t != nil && t.spent && !t.forgiven {
		w.twice = append(w.twice, used)
	}
	if t == nil || t.spent || !t.expires.IsZero() {
		answer(rw, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	t.spent = true
	of := t.who
	if other, ok := w.names[used]; ok {
		of = other
	}
	g := &grant{who: of, used: used}
	g.access, g.refresh = w.make(of)
	body := map[string]any{"access_token": g.access}
	if w.shape.NoRefresh {
		delete(w.issued, g.refresh)
		g.refresh = ""
	} else {
		body["refresh_token"] = g.refresh
	}
	for name, value := range map[string]any{"expires_in": w.shape.ExpiresIn, "client_endpoint": w.shape.ClientEndpoint} {
		if value != nil {
			body[name] = value
		}
	}
	if !w.shape.NoUser {
		body["user_id"] = of.user
	}
	if !w.shape.NoMember {
		body["member_id"] = of.portal
	}
	w.granted = append(w.granted, g)
	answer(rw, http.StatusOK, body)
}

func auth(r *http.Request) (string, map[string]string) {
	var body struct {
		Auth string            `json:"auth"`
		Cmd  map[string]string `json:"cmd"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	return body.Auth, body.Cmd
}

func (w *world) serveAppInfo(rw http.ResponseWriter, r *http.Request) {
	text, _ := auth(r)
	t := w.valid(text)
	switch {
	case w.silent:
		rw.WriteHeader(http.StatusBadGateway)
	case t == nil || t.expires.IsZero():
		answer(rw, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
	case !w.now.Before(t.expires):
		answer(rw, http.StatusUnauthorized, map[string]any{"error": "expired_token"})
	default:
		answer(rw, http.StatusOK, map[string]any{"result": map[string]any{
			"client_id": clientID, "scope": "crm,placement", "user_id": t.user,
			"install": map[string]any{"status": "F", "client_endpoint": w.endpoint(t.portal), "member_id": t.portal},
		}})
	}
}

func (w *world) endpoint(id portal.MemberID) string {
	return w.server.URL + "/" + string(id) + "/rest/"
}

func (w *world) host() string { return strings.TrimPrefix(w.server.URL, "http://") }

func (w *world) servePortal(rw http.ResponseWriter, r *http.Request) {
	id := portal.MemberID(strings.Split(r.URL.Path, "/")[1])
	text, cmd := auth(r)
	t := w.issued[text]
	switch {
	case w.refusal != "":
		answer(rw, http.StatusUnauthorized, map[string]any{"error": w.refusal})
		return
	case w.moved != "":
		rw.Header().Set("Location", w.moved)
		rw.WriteHeader(http.StatusFound)
		w.moved = ""
		return
	case t != nil && !t.expires.IsZero() && !w.now.Before(t.expires):
		// Whosesoever it is: a portal that is asked with another's expired token may say just that.
		answer(rw, http.StatusUnauthorized, map[string]any{"error": "expired_token"})
		return
	case w.valid(text) == nil || t.portal != id || t.expires.IsZero():
		answer(rw, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	w.served = append(w.served, t.who)
	results := map[string]any{}
	for key, line := range cmd {
		switch method, _, _ := strings.Cut(line, "?"); method {
		case "profile":
			user := t.user
			if w.lying != 0 {
				user = w.lying
			}
			results[key] = map[string]any{"ID": user, "ADMIN": w.portals[id].admins[user]}
			if user < 0 {
				results[key] = []any{} // as of somebody inactive
			}
		case "placement.get", "event.get":
			results[key] = []any{}
		case "crm.type.list":
			results[key] = map[string]any{"types": []any{}}
		default:
			results[key] = true
		}
	}
	answer(rw, http.StatusOK, map[string]any{"result": map[string]any{"result": results, "result_error": []any{}}})
}

// process is one process of the app: a gate, an installer and their connections, on the world's clock.
type process struct {
	store   *storage.Store
	tokens  *oauth.Tokens
	gate    *gate.Gate
	install *install.Service
}

// plans counts what is put into the queue.
type plans struct{ binds, removals atomic.Int64 }

func (p *plans) PlanBind(context.Context, portal.MemberID) error          { p.binds.Add(1); return nil }
func (*plans) PlanStatus(context.Context, portal.MemberID) error          { return nil }
func (*plans) PlanEvent(context.Context, portal.EventClaim) (bool, error) { return true, nil }

func (p *plans) PlanRemovalCheck(context.Context, portal.MemberID, portal.RemovalClaim, time.Duration) error {
	p.removals.Add(1)
	return nil
}

// start starts so many processes on one database.
func (w *world) start(t testing.TB, n int) (processes []*process, planned *plans) {
	t.Helper()
	url, sealer := cluster.Database(t), apptest.NewSealer(t)
	planned = &plans{}
	log := slog.New(slog.DiscardHandler)
	for range n {
		p := &process{}
		var err error
		p.store, err = storage.Open(t.Context(), storage.Options{URL: secret.New(url), MaxConns: 4, Sealer: sealer, Now: w.time})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.store.Close)
		authority, err := oauth.NewServer(oauth.Config{
			ClientID: clientID, ClientSecret: secret.New("client-secret"), Servers: []string{w.server.URL}, Timeout: 10 * time.Second,
			AllowPrivate: true, Now: w.time,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(authority.Close)
		rest, err := bitrix24.NewClient(bitrix24.Options{AllowPrivate: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(rest.Close)
		p.tokens = oauth.NewTokens(authority, p.store, oauth.Limits{Renewals: 2, PerPortal: 2, Wait: 20 * time.Second}, log)
		p.install = &install.Service{
			Planner: planned, Store: p.store, Server: authority, Tokens: p.tokens, REST: rest, PublicURL: "https://app.example",
			Titles: map[string]string{"en": "Item Lens"}, Events: install.NewEventRate(w.time), Log: log, Now: w.time,
		}
		door, err := gate.NewDoor(4)
		if err != nil {
			t.Fatal(err)
		}
		p.gate = &gate.Gate{
			Door:  door,
			Store: p.store, Registrar: p.install, Tokens: p.tokens, Server: authority, REST: rest,
			Sessions: session.NewKeeper(sealer, 24*time.Hour, w.time), Planner: planned, Log: log, Now: w.time,
		}
		processes = append(processes, p)
	}
	return processes, planned
}

// form is what a portal posts to open a page.
func (w *world) form(id portal.MemberID, access, refresh string) *bitrix24.AppRequest {
	return &bitrix24.AppRequest{
		Domain: w.host(), Lang: "en", Access: secret.New(access), Refresh: secret.New(refresh), MemberID: string(id), ExpiresIn: time.Hour,
		ServerEndpoint: w.server.URL + "/rest/", Placement: bitrix24.DefaultPlacement,
	}
}

// page is an opened page.
type page struct {
	who
	session      string
	installation int
}

var read = []bitrix24.Command{{Key: "item", Method: "crm.item.get"}}

// open opens a page as far as the gate has to do with it.
func (p *process) open(ctx context.Context, req *bitrix24.AppRequest) (page, error) {
	visit, err := p.gate.Admit(ctx, req)
	if err != nil {
		return page{}, err
	}
	if _, err := visit.Batch(ctx, read); err != nil {
		return page{}, err
	}
	sealed, err := visit.Session()
	return page{who: who{visit.Portal.MemberID, visit.User.ID}, session: sealed.Reveal()}, err
}

// resume goes on with an open page.
func (p *process) resume(ctx context.Context, from page) (*gate.Visit, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/in/item", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+from.session)
	return p.gate.Resume(ctx, r)
}

// ask asks for more, as an open page does.
func (p *process) ask(ctx context.Context, from page) error {
	visit, err := p.resume(ctx, from)
	if err != nil {
		return err
	}
	_, err = visit.Batch(ctx, read)
	return err
}
