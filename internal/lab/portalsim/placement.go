package portalsim

import "slices"

type placement struct {
	Placement string  `json:"placement"`
	UserID    int     `json:"userId"`
	Handler   string  `json:"handler"`
	Options   []any   `json:"options"`
	Title     string  `json:"title"`
	Desc      string  `json:"description"`
	LangAll   *object `json:"langAll"`
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

// BindForTest binds a placement without going through REST.
func (p *Portal) BindForTest(clientID, code, handler string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		in.placements = append(in.placements, placement{Placement: code, Handler: handler, Title: "Test", Options: []any{}, LangAll: newObject()})
	}
}

// Unbind takes an app's placement away, as another administrator's tool may.
func (p *Portal) Unbind(clientID, placementCode string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		in.placements = slices.DeleteFunc(in.placements, func(pl placement) bool { return pl.Placement == placementCode })
	}
}

// PlacementTitle is what an app's placement is called in a language.
func (p *Portal) PlacementTitle(clientID, placementCode, lang string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		for _, pl := range in.placements {
			if pl.Placement == placementCode {
				if local := pl.LangAll.text(lang, "TITLE"); local != "" {
					return local
				}
				return pl.Title
			}
		}
	}
	return ""
}

// detailTabs are the placements of CRM cards (api-reference/widgets/crm/detail-tab.md).
func (p *Portal) detailTabs() []string {
	tabs := []string{}
	for _, t := range p.types {
		tabs = append(tabs, t.tab())
	}
	return append(tabs, "CRM_ORDER_DETAIL_TAB")
}

func methodPlacementList(c *call) (any, *apiError) {
	return append(c.portal.detailTabs(), "LEFT_MENU", "PAGE_BACKGROUND_WORKER"), nil
}

func methodPlacementGet(c *call) (any, *apiError) {
	if !c.user.Admin {
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	}
	return append([]placement{}, c.install.placements...), nil
}

func methodPlacementBind(c *call) (any, *apiError) {
	code, handler := c.params.text("PLACEMENT"), c.params.text("HANDLER")
	switch {
	case !c.user.Admin:
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	case code == "":
		return nil, &apiError{200, "ERROR_ARGUMENT", "Argument 'PLACEMENT' is null or empty", newObject().set("argument", "PLACEMENT")}
	case handler == "":
		return nil, &apiError{200, "ERROR_ARGUMENT", "Argument 'HANDLER' is null or empty", newObject().set("argument", "HANDLER")}
	case !slices.Contains(c.portal.detailTabs(), code) && code != "LEFT_MENU":
		return nil, &apiError{200, "ERROR_PLACEMENT_NOT_FOUND", "Placement not found", nil}
	}
	for _, bound := range c.install.placements {
		if bound.Placement == code && bound.Handler == handler {
			return nil, &apiError{200, "ERROR_CORE", "Unable to set placement handler: Handler already binded", nil}
		}
	}
	langs, _ := c.params.get("LANG_ALL").(*object)
	if langs == nil {
		langs = newObject()
	}
	c.install.placements = append(c.install.placements, placement{
		Placement: code, Handler: handler, Options: []any{}, Title: c.params.text("TITLE"), LangAll: langs,
	})
	return true, nil
}

func methodPlacementUnbind(c *call) (any, *apiError) {
	code, handler := c.params.text("PLACEMENT"), c.params.text("HANDLER")
	if !c.user.Admin {
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	}
	before := len(c.install.placements)
	c.install.placements = slices.DeleteFunc(c.install.placements, func(pl placement) bool {
		return pl.Placement == code && (handler == "" || pl.Handler == handler)
	})
	return newObject().set("count", before-len(c.install.placements)), nil
}
