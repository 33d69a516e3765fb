package portalsim

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

type appEntry struct {
	ClientID, Name      string
	Installed, Finished bool
	MayOpen             bool
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
