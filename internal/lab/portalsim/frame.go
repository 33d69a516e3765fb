package portalsim

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// frame is an app's page that is open in the portal, known to the JS library by its APP_SID.
type frame struct {
	install   *install
	user      *User
	placement string
	options   string
	access    string
	refresh   string
}

// Opening is what the portal posts to an app to open one of its pages (settings/oauth/simple-way.md).
type Opening struct {
	URL  string     // with the query string
	Form url.Values // the body
}

// Open makes tokens for a user and the form that opens a page of the app: its install page until the installation is
// finished, then its own page (placement DEFAULT) or a placement.
func (p *Portal) Open(clientID string, userID int, placementCode, options string) (Opening, error) {
	host, protocol := p.Domain(), p.server().protocol()
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	in, u := p.installs[clientID], p.user(userID)
	if in == nil || u == nil {
		return Opening{}, fmt.Errorf("app %q is not installed, or there is no user %d", clientID, userID)
	}
	target := in.app.URL
	switch {
	case u.Dismissed || u.System:
		return Opening{}, fmt.Errorf("user %d cannot log in", userID)
	case !in.finished && !u.Admin:
		return Opening{}, fmt.Errorf("the app is not fully installed yet")
	case !in.finished:
		// The parameters of the portal's own page come along, as the marketplace leaves them after an installation.
		target, placementCode = in.app.InstallURL, "DEFAULT"
		options = fmt.Sprintf(`{"ver":"%d","check_hash":"%s","install_hash":"%s"}`, in.version, randomHex(16), randomHex(16))
	case placementCode != "DEFAULT":
		target = ""
		for _, pl := range in.placements {
			if pl.Placement == placementCode {
				target = pl.Handler
			}
		}
		if target == "" {
			return Opening{}, fmt.Errorf("no placement %s is bound", placementCode)
		}
	}
	access, refresh := p.sim.issue(in.app, p, u)
	sid := randomHex(16)
	p.frames[sid] = &frame{in, u, placementCode, options, access, refresh}
	query := url.Values{"DOMAIN": {host}, "PROTOCOL": {strconv.Itoa(protocol)}, "LANG": {u.Lang}, "APP_SID": {sid}}
	form := url.Values{
		"AUTH_ID":           {access},
		"AUTH_EXPIRES":      {strconv.Itoa(int(p.sim.options.AccessLife / time.Second))},
		"REFRESH_ID":        {refresh},
		"SERVER_ENDPOINT":   {p.sim.serverEndpoint()},
		"APPLICATION_TOKEN": {in.applicationToken},
		"APPLICATION_SCOPE": {strings.Join(in.app.Scope, ",")},
		"member_id":         {p.MemberID},
		"status":            {in.app.Status},
		"PLACEMENT":         {placementCode},
	}
	if options != "" {
		form.Set("PLACEMENT_OPTIONS", options)
	}
	p.sim.varyOpening(form)
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return Opening{target + separator + query.Encode(), form}, nil
}

// serveFrameOpen gives the page what it needs to open an app in an iframe.
func (p *Portal) serveFrameOpen(w http.ResponseWriter, r *http.Request) {
	opening, err := p.Open(r.FormValue("client"), p.currentUser(r).ID, r.FormValue("placement"), r.FormValue("options"))
	if err != nil {
		writeJSON(w, http.StatusConflict, newObject().set("error", err.Error()))
		return
	}
	target, _ := url.Parse(opening.URL)
	sid := target.Query().Get("APP_SID")
	fields := newObject()
	for name := range opening.Form {
		fields.set(name, opening.Form.Get(name))
	}
	writeJSON(w, http.StatusOK, newObject().
		set("sid", sid).
		set("name", p.Domain()+"|"+target.Query().Get("PROTOCOL")+"|"+sid).
		set("action", opening.URL).
		set("origin", target.Scheme+"://"+target.Host).
		set("fields", fields))
}

// serveChoices lists what the dialogs of the JS library offer (sdk/bx24-js-sdk/system-dialogues).
func (p *Portal) serveChoices(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := newObject()
	add := func(o *object) { list.set(strconv.Itoa(len(list.keys)), o) }
	switch r.FormValue("kind") {
	case "user":
		for _, u := range p.users {
			add(newObject().set("id", strconv.Itoa(u.ID)).set("name", u.Name+" "+u.LastName).set("photo", "").set("position", u.Position).
				set("url", fmt.Sprintf("/company/personal/user/%d/", u.ID)).set("sub", false).set("sup", false))
		}
	case "access":
		add(newObject().set("id", "AU").set("name", "All authorized users"))
		for _, u := range p.users {
			add(newObject().set("id", fmt.Sprintf("U%d", u.ID)).set("name", u.Name+" "+u.LastName))
		}
	case "crm":
		prefixes := map[string]string{"lead": "L", "contact": "C", "company": "CO", "deal": "D", "quote": "Q"}
		for _, t := range p.types {
			kind := strings.ToLower(t.code)
			if !strings.Contains(","+r.FormValue("types")+",", ","+kind+",") {
				continue
			}
			_, items := t.list(filter{}, nil, 0, 20)
			for _, item := range items {
				add(newObject().set("id", prefixes[kind]+"_"+item.text("id")).set("type", kind).set("place", kind).set("title", itemTitle(item)).
					set("desc", "").set("url", t.path()+"details/"+item.text("id")+"/"))
			}
		}
	}
	writeJSON(w, http.StatusOK, list)
}

// serveFrameCommand answers the parent page's side of the JS library (official JS SDK, src/frame).
func (p *Portal) serveFrameCommand(w http.ResponseWriter, r *http.Request) {
	host, protocol := p.Domain(), p.server().protocol()
	p.sim.mu.Lock()
	p.mu.Lock()
	f := p.frames[r.PathValue("sid")]
	var clientID string
	answer := newObject()
	life := strconv.Itoa(int(p.sim.options.AccessLife / time.Second))
	if f != nil {
		clientID = f.install.app.ClientID
		switch r.PathValue("command") {
		case "init":
			var options any = newObject()
			if parsed, err := decodeJSON([]byte(f.options)); err == nil {
				options = parsed
			}
			answer.set("AUTH_ID", f.access).set("REFRESH_ID", f.refresh).set("AUTH_EXPIRES", life).
				set("DOMAIN", host).set("PROTOCOL", protocol).set("PATH", p.path+"/rest").set("LANG", f.user.Lang).
				set("MEMBER_ID", p.MemberID).set("IS_ADMIN", f.user.Admin).set("APP_OPTIONS", f.install.options).
				set("USER_OPTIONS", f.install.optionsOf(f.user.ID)).set("PLACEMENT", f.placement).set("PLACEMENT_OPTIONS", options).
				set("INSTALL", !f.install.finished).set("FIRST_RUN", false)
		case "refresh":
			f.access, f.refresh = p.sim.issue(f.install.app, p, f.user)
			answer.set("AUTH_ID", f.access).set("REFRESH_ID", f.refresh).set("AUTH_EXPIRES", life)
		case "app-option":
			if f.user.Admin {
				f.install.options.set(r.FormValue("name"), optionValue(r.FormValue("value")))
			}
		case "user-option":
			f.install.optionsOf(f.user.ID).set(r.FormValue("name"), optionValue(r.FormValue("value")))
		}
	}
	p.mu.Unlock()
	p.sim.mu.Unlock()
	if f == nil {
		writeJSON(w, http.StatusNotFound, newObject().set("error", "unknown APP_SID"))
		return
	}
	if r.PathValue("command") == "finish" {
		p.FinishInstall(clientID)
		answer.set("location", "/market/app/"+url.PathEscape(clientID)+"/")
	}
	writeJSON(w, http.StatusOK, answer)
}

// optionValue reads a value that the page sent as JSON.
func optionValue(text string) any {
	value, err := decodeJSON([]byte(text))
	if err != nil {
		return text
	}
	return value
}

// serveLibrary is the app's side of the JS library, with the platform's own measures where Frames is on.
func (s *Sim) serveLibrary(w http.ResponseWriter, _ *http.Request) {
	library, err := files.ReadFile("static/bx24.js")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if s.options.Truth.Frames {
		library = bytes.Replace(library, []byte("framesAsThePlatform = false"), []byte("framesAsThePlatform = true"), 1)
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(library)
}
