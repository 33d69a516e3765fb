package portalsim

import (
	"embed"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed pages/*.html static/*
var files embed.FS

// pages parses the templates: the layout with one page each.
func page(name string) *template.Template {
	return template.Must(template.New("layout.html").ParseFS(files, "pages/layout.html", "pages/"+name))
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
	Steps     []wayStep
	Tabs      []tabEntry
	Apps      []appEntry
	App       appEntry
	L         func(en, ru string) string
	Slider    bool   // the page is shown in the slider, over another page
	Frames    string // platform where frames behave as the platform's
}

type menuEntry struct {
	Title, Path string
	Current     bool
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
	v := view{Portal: p.Name, Host: host, Path: r.URL.Path, User: user, Users: p.users, Lang: user.Lang, Languages: languages(), Slider: r.FormValue("IFRAME") == "Y"}
	if p.sim.options.Truth.Frames {
		v.Frames = "platform"
	}
	v.L = func(en, ru string) string { return pick([2]string{en, ru}, user.Lang) }
	for _, t := range p.types {
		v.Menu = append(v.Menu, menuEntry{pick(t.plural, user.Lang), t.path() + "list/", strings.HasPrefix(r.URL.Path, t.path())})
	}
	v.Menu = append(v.Menu, menuEntry{v.L("Market", "Маркет"), "/market/", strings.HasPrefix(r.URL.Path, "/market/")})
	return v
}

func render(w http.ResponseWriter, t *template.Template, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := t.Execute(w, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
