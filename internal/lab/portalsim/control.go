package portalsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// routeControl serves the control API and its page on the OAuth server's address: what a person or a script may want to
// do to the simulated world. Tests in Go call the same methods directly. docs/simulator.md lists it.
func (s *Sim) routeControl(mux *http.ServeMux) {
	control := template.Must(template.ParseFS(files, "pages/control.html"))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/control/", http.StatusFound) })
	mux.HandleFunc("GET /control/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = control.Execute(w, s.overview())
	})
	mux.HandleFunc("GET /control/static/portal.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "static/portal.css")
	})
	mux.HandleFunc("GET /control/counters", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.counters()) })
	mux.HandleFunc("GET /control/requests", s.controlRequests)
	mux.HandleFunc("GET /control/deliveries", func(w http.ResponseWriter, _ *http.Request) {
		list := []map[string]any{}
		for i, d := range s.Deliveries() {
			list = append(list, map[string]any{"n": i, "event": d.Event, "url": d.URL, "status": d.Status, "failed": d.Err != nil})
		}
		writeJSON(w, http.StatusOK, list)
	})
	mux.HandleFunc("POST /control/deliveries/{n}/repeat", s.action(func(r *http.Request) error {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil {
			return errors.New("n: the number of a delivery")
		}
		return s.Redeliver(n)
	}))
	mux.HandleFunc("POST /control/expire-tokens", s.action(func(*http.Request) error { s.ExpireAccessTokens(); return nil }))
	mux.HandleFunc("POST /control/reset", s.action(func(*http.Request) error { s.Reset(); return nil }))
	mux.HandleFunc("POST /control/advance", s.action(func(r *http.Request) error {
		d, err := time.ParseDuration(r.FormValue("by"))
		if err != nil {
			return errors.New("by: a duration such as 2h")
		}
		s.Advance(d)
		return nil
	}))
	mux.HandleFunc("POST /control/portals", s.action(func(r *http.Request) error {
		var o struct {
			Name string
			PortalOptions
		}
		if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o.Name == "" || s.Portal(o.Name) != nil {
			return errors.New(`a JSON object with a name that is free, such as {"name":"Beta","path":"/crm","onPrem":true}`)
		}
		_, err := s.AddPortalWith(o.Name, o.PortalOptions)
		return err
	}))
	mux.HandleFunc("GET /control/authority.pem", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(s.AuthorityPEM())
	})
	mux.HandleFunc("GET /control/check", s.controlCheck)
	mux.HandleFunc("POST /control/portals/{name}/webhook", s.controlWebhook)
	mux.HandleFunc("POST /control/portals/{name}/{action}", s.action(s.controlPortal))
}

// action wraps what a POST does: nothing but a status comes back, or what was wrong. A form on the control page comes
// back to it.
func (s *Sim) action(do func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 64<<20)
		if err := do(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if r.FormValue("page") != "" {
			http.Redirect(w, r, "/control/", http.StatusSeeOther)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

// Portal finds a portal by name; nil where there is none.
func (s *Sim) Portal(name string) *Portal {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.portals {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Reset forgets everything that happened: tokens, installations, changed data, faults, counters, the moved clock. Apps
// and portals with their addresses stay.
func (s *Sim) Reset() {
	s.events.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.offset = 0
	s.access, s.refresh, s.codes = map[string]*token{}, map[string]*token{}, map[string]*token{}
	s.oauth, s.refusals, s.deliveries = map[string]int{}, map[string]string{}, nil
	s.chances.init(s.options.Seed)
	for _, p := range s.portals {
		p.mu.Lock()
		p.fill(p.items)
		p.mu.Unlock()
	}
}

func (s *Sim) counters() *object {
	s.mu.Lock()
	defer s.mu.Unlock()
	portals := newObject()
	for _, p := range s.portals {
		p.mu.Lock()
		portals.set(p.Name, newObject().set("member_id", p.MemberID).set("requests", copyCounts(p.requests)).set("commands", copyCounts(p.commands)))
		p.mu.Unlock()
	}
	return newObject().set("oauth", copyCounts(s.oauth)).set("seed", s.options.Seed).set("portals", portals)
}

func (s *Sim) controlRequests(w http.ResponseWriter, r *http.Request) {
	user, _ := strconv.Atoi(r.FormValue("user"))
	s.mu.Lock()
	portals := append([]*Portal{}, s.portals...)
	s.mu.Unlock()
	found := []Request{}
	for _, p := range portals {
		if name := r.FormValue("portal"); name == "" || name == p.Name {
			found = append(found, p.Log(r.FormValue("method"), user)...)
		}
	}
	writeJSON(w, http.StatusOK, found)
}

// controlWebhook makes a webhook and tells its address.
func (s *Sim) controlWebhook(w http.ResponseWriter, r *http.Request) {
	p := s.Portal(r.PathValue("name"))
	user, err := strconv.Atoi(r.FormValue("user"))
	if p == nil || err != nil || r.FormValue("scope") == "" {
		http.Error(w, "a portal that exists, user=1&scope=crm,user_brief, and code= if you like", http.StatusBadRequest)
		return
	}
	address, err := p.AddWebhookWith(user, r.FormValue("code"), strings.Split(r.FormValue("scope"), ",")...)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.FormValue("page") != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintln(w, address)
		return
	}
	writeJSON(w, http.StatusOK, newObject().set("url", address))
}

// controlCheck tells which apps could not be registered because of their addresses.
func (s *Sim) controlCheck(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	apps := map[string]App{}
	for id, app := range s.apps {
		apps[id] = *app
	}
	s.mu.Unlock()
	out := newObject()
	for id, app := range apps {
		found := "fine"
		if err := s.CheckApp(r.Context(), app); err != nil {
			found = err.Error()
		}
		out.set(id, found)
	}
	writeJSON(w, http.StatusOK, out)
}

// controlPortal does one thing to one portal. Forms name it with values, JSON bodies with members.
func (s *Sim) controlPortal(r *http.Request) error {
	p := s.Portal(r.PathValue("name"))
	if p == nil {
		return errors.New("there is no such portal")
	}
	switch r.PathValue("action") {
	case "fault":
		var f struct {
			Method, Kind, Target string
			Status, Count, User  int
			DelayMS              int `json:"delay_ms"`
		}
		if err := json.NewDecoder(r.Body).Decode(&f); err != nil || f.Kind == "" {
			return errors.New(`a JSON object such as {"method":"batch","user":2,"kind":"html","count":1}`)
		}
		p.AddFault(Fault{Method: f.Method, User: f.User, Kind: f.Kind, Target: f.Target, Status: f.Status, Count: f.Count, Delay: time.Duration(f.DelayMS) * time.Millisecond})
	case "clear-faults":
		p.ClearFaults()
	case "rename":
		return p.Rename()
	case "update-app":
		way := cmp.Or(r.FormValue("way"), UpdateHidden)
		if !updateWay(way) {
			return errors.New("way: hidden, erased or told")
		}
		p.UpdateAs(r.FormValue("client"), way)
	case "terminate":
		id, err := strconv.Atoi(r.FormValue("id"))
		if err != nil {
			return errors.New("id: of a user")
		}
		return p.TerminateUser(id, r.FormValue("transfer") == "Y")
	case "uninstall":
		p.Uninstall(r.FormValue("client"), r.FormValue("clean") == "Y")
	case "plan":
		p.SetPlan(r.FormValue("plan"))
	case "payment":
		p.SetPayment(r.FormValue("client"), r.FormValue("status"), r.FormValue("expired") == "Y")
	case "delete":
		p.SetDeleted(r.FormValue("deleted") != "N")
	case "cost":
		seconds, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
		if err != nil {
			return errors.New("method and seconds")
		}
		p.SetCost(r.FormValue("method"), seconds)
	case "user":
		id, err := strconv.Atoi(r.FormValue("id"))
		if err != nil {
			return errors.New("id: of a user")
		}
		p.ChangeUser(id, func(u *User) {
			for name, flag := range map[string]*bool{"admin": &u.Admin, "crm": &u.CRM, "extranet": &u.Extranet, "no_app": &u.NoApp} {
				if value := r.FormValue(name); value != "" {
					*flag = value == "Y"
				}
			}
		})
	case "emit":
		user, _ := strconv.Atoi(r.FormValue("user"))
		data := url.Values{}
		for name, values := range r.Form {
			if strings.HasPrefix(name, "data[") {
				data[name] = values
			}
		}
		p.Emit(r.FormValue("client"), strings.ToUpper(r.FormValue("event")), data, user)
	case "seed":
		return p.Seed(r.Body)
	default:
		return fmt.Errorf("there is no action %q", r.PathValue("action"))
	}
	return nil
}

// overview is what the control page shows.
func (s *Sim) overview() any {
	type portalView struct {
		Name, URL, MemberID string
		Requests            int
		Last                []Request
	}
	view := struct {
		Seed    int64
		Vary    bool
		OAuth   map[string]int
		Portals []portalView
	}{Seed: s.options.Seed, Vary: s.options.Vary}
	s.mu.Lock()
	portals := append([]*Portal{}, s.portals...)
	view.OAuth = copyCounts(s.oauth)
	s.mu.Unlock()
	for _, p := range portals {
		last := p.Log("", 0)
		view.Portals = append(view.Portals, portalView{p.Name, p.URL(), p.MemberID, p.Requests(""), last[max(0, len(last)-20):]})
	}
	return view
}

func copyCounts(counts map[string]int) map[string]int {
	out := make(map[string]int, len(counts))
	for name, n := range counts {
		out[name] = n
	}
	return out
}
