package portalsim

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed pages/*.html static/*
var files embed.FS

// pages parses the templates: the layout with one page each.
func page(name string) *template.Template {
	return template.Must(template.New("layout.html").ParseFS(files, "pages/layout.html", "pages/"+name))
}

// frame is an app's page that is open in the portal, known to the JS library by its APP_SID.
type frame struct {
	install   *install
	user      *User
	placement string
	options   string
	access    string
	refresh   string
}

func (p *Portal) routePages(mux *http.ServeMux) {
	templates := map[string]*template.Template{"list": page("list.html"), "card": page("card.html"), "market": page("market.html"), "app": page("app.html")}
	static, _ := fs.Sub(files, "static")
	mux.Handle("GET /sim/static/", http.StripPrefix("/sim/static/", http.FileServerFS(static)))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/crm/lead/list/", http.StatusFound)
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /crm/", func(w http.ResponseWriter, r *http.Request) { p.servePage(w, r, templates) })
	mux.HandleFunc("GET /market/", func(w http.ResponseWriter, r *http.Request) { p.serveMarket(w, r, templates) })
	mux.HandleFunc("POST /market/install/", p.serveInstall)
	mux.HandleFunc("POST /market/remove/", p.serveRemove)
	mux.HandleFunc("POST /sim/switch", p.serveSwitch)
	mux.HandleFunc("GET /sim/choices", p.serveChoices)
	mux.HandleFunc("GET /sim/photo.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = io.WriteString(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path fill="#9ab" d="M0 0h8v8H0z"/><circle cx="4" cy="3" r="1.6" fill="#fff"/><path fill="#fff" d="M1 8a3 3 0 0 1 6 0z"/></svg>`)
	})
	mux.HandleFunc("POST /sim/frame/open", p.serveFrameOpen)
	mux.HandleFunc("POST /sim/frame/{sid}/{command}", p.serveFrameCommand)
}

// view is what every page of the portal shows around its content.
type view struct {
	Portal    string
	Host      string
	Path      string
	User      *User
	Users     []*User
	Lang      string
	Languages []string
	Menu      []menuEntry
	Type      *crmType
	Title     string
	Rows      []listRow
	Columns   []column
	Kanban    bool
	Staged    bool // the type has stages
	Total     int
	Prev      int // number of the page before; 0 for none
	Next      int
	Denied    string
	Item      *object
	General   []generalRow
	Tabs      []tabEntry
	Apps      []appEntry
	App       appEntry
	L         func(en, ru string) string
}

type menuEntry struct {
	Title, Path string
	Current     bool
}

type listRow struct{ ID, Title, Stage, StageID, Color, Amount, Path string }

// column is a stage of the kanban.
type column struct {
	Name, Class string
	Rows        []listRow
}
type generalRow struct{ Title, Value string }
type tabEntry struct{ Client, Placement, Title, Options string }
type appEntry struct {
	ClientID, Name      string
	Installed, Finished bool
	MayOpen             bool
}

// currentUser is the one picked on the page; the first one is an administrator.
func (p *Portal) currentUser(r *http.Request) *User {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, err := r.Cookie("sim_user_" + p.MemberID[:8]); err == nil {
		if id, err := strconv.Atoi(c.Value); err == nil && p.user(id) != nil {
			return p.user(id)
		}
	}
	return p.users[0]
}

// languages are the platform's codes that a user may choose. The portal's own data is in English and Russian.
func languages() []string {
	return []string{"en", "ru", "ar", "br", "de", "fr", "it", "ja", "kz", "la", "pl", "sc", "tc", "tr", "ua", "vn"}
}

func (p *Portal) serveSwitch(w http.ResponseWriter, r *http.Request) {
	user := p.currentUser(r)
	if id := r.FormValue("user"); id != "" {
		http.SetCookie(w, &http.Cookie{Name: "sim_user_" + p.MemberID[:8], Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	}
	if lang := r.FormValue("lang"); slices.Contains(languages(), lang) {
		p.ChangeUser(user.ID, func(u *User) { u.Lang = lang })
	}
	back := r.FormValue("back")
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") {
		back = "/"
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func (p *Portal) view(r *http.Request) view {
	host, user := p.Host(), p.currentUser(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	v := view{Portal: p.Name, Host: host, Path: r.URL.Path, User: user, Users: p.users, Lang: user.Lang, Languages: languages()}
	v.L = func(en, ru string) string { return pick([2]string{en, ru}, user.Lang) }
	for _, t := range p.types {
		v.Menu = append(v.Menu, menuEntry{pick(t.plural, user.Lang), t.path() + "list/", strings.HasPrefix(r.URL.Path, t.path())})
	}
	v.Menu = append(v.Menu, menuEntry{v.L("Market", "Маркет"), "/market/", strings.HasPrefix(r.URL.Path, "/market/")})
	return v
}

func (p *Portal) servePage(w http.ResponseWriter, r *http.Request, templates map[string]*template.Template) {
	v := p.view(r)
	p.mu.Lock()
	for _, t := range p.types {
		if strings.HasPrefix(r.URL.Path, t.path()) {
			v.Type = t
		}
	}
	if v.Type == nil {
		p.mu.Unlock()
		http.NotFound(w, r)
		return
	}
	rest := strings.Trim(strings.TrimPrefix(r.URL.Path, v.Type.path()), "/")
	name := "list"
	if id, isCard := strings.CutPrefix(rest, "details/"); isCard {
		name = "card"
		number, _ := strconv.Atoi(id)
		v.Item = v.Type.item(number)
		if v.Item == nil {
			p.mu.Unlock()
			http.NotFound(w, r)
			return
		}
		p.fillCard(&v)
	} else {
		number, _ := strconv.Atoi(r.FormValue("page"))
		p.fillList(&v, number, r.FormValue("view") == "kanban")
	}
	p.mu.Unlock()
	render(w, templates[name], v)
}

// pageSize is how many items a list shows.
const pageSize = 30

func (p *Portal) fillList(v *view, number int, kanban bool) {
	v.Title = pick(v.Type.plural, v.Lang)
	if !v.User.CRM {
		v.Denied = v.L("You may not read these items. Their cards open all the same, so that an app's tab can be tried without rights.",
			"У вас нет прав на эти элементы. Карточки всё же открываются, чтобы проверить вкладку приложения без прав.")
	}
	number = max(1, number)
	total, items := v.Type.list(nil, false, (number-1)*pageSize, pageSize)
	v.Total, v.Prev = total, number-1
	if number*pageSize < total {
		v.Next = number + 1
	}
	for _, item := range items {
		row := listRow{ID: item.text("id"), Title: itemTitle(item), Path: v.Type.path() + "details/" + item.text("id") + "/", StageID: item.text("stageId")}
		if item.text("opportunity") != "" {
			row.Amount = item.text("opportunity") + " " + item.text("currencyId")
		}
		row.Stage, row.Color = p.stage(v.Type, item, v.Lang)
		if v.Denied != "" {
			row = listRow{ID: row.ID, Title: "#" + row.ID, Path: row.Path}
		}
		v.Rows = append(v.Rows, row)
	}
	p.fillColumns(v)
	v.Kanban = kanban && v.Staged
}

// fillColumns sorts the page's rows by stage.
func (p *Portal) fillColumns(v *view) {
	for _, f := range v.Type.fields {
		if f.name != "stageId" {
			continue
		}
		v.Staged = v.Denied == ""
		for _, s := range p.statuses {
			if s.entityID != f.statusType {
				continue
			}
			c := column{Name: s.name(v.Lang), Class: map[string]string{"S": "won", "F": "lost"}[s.semantics]}
			for _, row := range v.Rows {
				if row.StageID == s.statusID {
					c.Rows = append(c.Rows, row)
				}
			}
			v.Columns = append(v.Columns, c)
		}
	}
}

func (p *Portal) fillCard(v *view) {
	v.Title = itemTitle(v.Item)
	if !v.User.CRM {
		v.Denied = v.L("You may not read this item.", "У вас нет прав на этот элемент.")
		v.Title = "#" + v.Item.text("id")
	} else {
		stage, _ := p.stage(v.Type, v.Item, v.Lang)
		for _, name := range []string{"id", "title", "stageId", "name", "lastName", "opportunity", "currencyId", "phone", "email"} {
			for _, f := range v.Type.fields {
				value := v.Item.text(name)
				if f.name == "stageId" && f.name == name {
					value = stage
				}
				if f.name == name && value != "" {
					v.General = append(v.General, generalRow{pick(f.titles, v.Lang), value})
				}
			}
		}
	}
	options, _ := json.Marshal(map[string]string{"ID": v.Item.text("id"), "URI": v.Path + "?IFRAME=Y&IFRAME_TYPE=SIDE_SLIDER"})
	for id, in := range p.installs {
		for _, pl := range in.placements {
			if !in.finished || pl.Placement != v.Type.tab() {
				continue
			}
			title := pl.Title
			if local := pl.LangAll.text(v.Lang, "TITLE"); local != "" {
				title = local
			}
			v.Tabs = append(v.Tabs, tabEntry{id, pl.Placement, title, string(options)})
		}
	}
}

func itemTitle(item *object) string {
	if title := item.text("title"); title != "" {
		return title
	}
	return strings.TrimSpace(item.text("name") + " " + item.text("lastName"))
}

func (p *Portal) stage(t *crmType, item *object, lang string) (name, color string) {
	for _, f := range t.fields {
		if f.name != "stageId" {
			continue
		}
		for _, s := range p.statuses {
			if s.entityID == f.statusType && s.statusID == item.text("stageId") {
				return s.name(lang), s.color
			}
		}
	}
	return "", ""
}

func (p *Portal) serveMarket(w http.ResponseWriter, r *http.Request, templates map[string]*template.Template) {
	v := p.view(r)
	v.Title = v.L("Market", "Маркет")
	p.sim.mu.Lock()
	p.mu.Lock()
	for id, app := range p.sim.apps {
		in := p.installs[id]
		v.Apps = append(v.Apps, appEntry{
			ClientID: id, Name: app.Name, Installed: in != nil, Finished: in != nil && in.finished,
			MayOpen: in != nil && (in.finished || v.User.Admin),
		})
	}
	p.mu.Unlock()
	p.sim.mu.Unlock()
	wanted := strings.Trim(strings.TrimPrefix(r.URL.Path, "/market/"), "/")
	if wanted == "" {
		render(w, templates["market"], v)
		return
	}
	for _, app := range v.Apps {
		if "app/"+app.ClientID == wanted && app.Installed {
			v.App, v.Title = app, app.Name
			render(w, templates["app"], v)
			return
		}
	}
	http.Redirect(w, r, "/market/", http.StatusFound)
}

func (p *Portal) serveInstall(w http.ResponseWriter, r *http.Request) {
	client := r.FormValue("client")
	if err := p.Install(client, p.currentUser(r).ID); err != nil {
		http.Error(w, "portalsim: "+err.Error(), http.StatusForbidden)
		return
	}
	http.Redirect(w, r, "/market/app/"+url.PathEscape(client)+"/", http.StatusSeeOther)
}

func (p *Portal) serveRemove(w http.ResponseWriter, r *http.Request) {
	if !p.currentUser(r).Admin {
		http.Error(w, "portalsim: only an administrator removes apps", http.StatusForbidden)
		return
	}
	p.Uninstall(r.FormValue("client"), r.FormValue("clean") == "1")
	http.Redirect(w, r, "/market/", http.StatusSeeOther)
}

// Opening is what the portal posts to an app to open one of its pages (settings/oauth/simple-way.md).
type Opening struct {
	URL  string     // with the query string
	Form url.Values // the body
}

// Open makes tokens for a user and the form that opens a page of the app: its install page until the installation is
// finished, then its own page (placement DEFAULT) or a placement.
func (p *Portal) Open(clientID string, userID int, placementCode, options string) (Opening, error) {
	host := p.Domain()
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
	case !in.finished && !u.Admin:
		return Opening{}, fmt.Errorf("the app is not fully installed yet")
	case !in.finished:
		target, placementCode, options = in.app.InstallURL, "DEFAULT", ""
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
	query := url.Values{"DOMAIN": {host}, "PROTOCOL": {"0"}, "LANG": {u.Lang}, "APP_SID": {sid}}
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
		set("name", p.Domain()+"|0|"+sid).
		set("action", opening.URL).
		set("origin", target.Scheme+"://"+target.Host).
		set("fields", fields))
}

// serveChoices lists what the dialogs of the JS library offer (sdk/bx24-js-sdk/system-dialogues).
func (p *Portal) serveChoices(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := newObject()
	list.list = true
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
			_, items := t.list(nil, false, 0, 20)
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
	host := p.Domain()
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
				set("DOMAIN", host).set("PROTOCOL", "0").set("PATH", p.path+"/rest").set("LANG", f.user.Lang).
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

func render(w http.ResponseWriter, t *template.Template, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := t.Execute(w, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// serveLibrary is the app's side of the JS library.
func serveLibrary(w http.ResponseWriter, r *http.Request) {
	http.ServeFileFS(w, r, files, "static/bx24.js")
}
