package portalsim

import (
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

type listRow struct{ ID, Title, Stage, StageID, Color, Amount, Path string }

// column is a stage of the kanban.
type column struct {
	Name, Class string
	Rows        []listRow
}

type generalRow struct{ Title, Value string }

// wayStep is a stage on the way of an item; those that it has reached have a colour.
type wayStep struct{ Name, Color string }

type tabEntry struct{ Client, Placement, Title, Options string }

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
	total, items := v.Type.list(filter{}, nil, (number-1)*pageSize, pageSize)
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
		v.Steps = p.steps(v.Type, v.Item, v.Lang)
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

// steps is the way of an item through the stages of its pipeline.
func (p *Portal) steps(t *crmType, item *object, lang string) []wayStep {
	at := slices.IndexFunc(p.statuses, func(s status) bool { return s.statusID == item.text("stageId") && t.hasStage(s) })
	if at < 0 {
		return nil
	}
	var way []wayStep
	for i, s := range p.statuses {
		if s.entityID != p.statuses[at].entityID || s.semantics == "F" {
			continue
		}
		next := wayStep{Name: s.name(lang)}
		if i <= at {
			next.Color = p.statuses[at].color
		}
		way = append(way, next)
	}
	return way
}

// hasStage reports whether a status is a stage of the type, in whatever pipeline.
func (t *crmType) hasStage(s status) bool {
	return slices.ContainsFunc(t.fields, func(f field) bool { return f.name == "stageId" && strings.HasPrefix(s.entityID, f.statusType) })
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
