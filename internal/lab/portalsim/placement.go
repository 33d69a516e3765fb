package portalsim

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type placement struct {
	Placement string  `json:"placement"`
	UserID    int     `json:"userId"`
	Handler   string  `json:"handler"`
	Options   *object `json:"options"`
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
		in.placements = append(in.placements, placement{Placement: code, Handler: handler, Title: "Test", Options: newObject(), LangAll: newObject()})
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

// worker is the placement that runs in the background of every page (widgets/universal/background-worker.md).
const worker = "PAGE_BACKGROUND_WORKER"

func methodPlacementList(c *call) (any, *apiError) {
	return append(c.portal.detailTabs(), "LEFT_MENU", worker), nil
}

// administrator is what placement.* asks for first.
func (c *call) administrator() *apiError {
	if !c.user.Admin {
		return failure(403, "ACCESS_DENIED", "Access denied!")
	}
	return nil
}

func methodPlacementGet(c *call) (any, *apiError) {
	if refusal := c.administrator(); refusal != nil {
		return nil, refusal
	}
	return append([]placement{}, c.install.placements...), nil
}

// methodPlacementBind takes its parameters in any case, and refuses with 400 (the platform's code; the documentation
// says 200).
func methodPlacementBind(c *call) (any, *apiError) {
	if refusal := c.administrator(); refusal != nil {
		return nil, refusal
	}
	code, handler := strings.ToUpper(c.params.foldText("PLACEMENT")), c.params.foldText("HANDLER")
	if code == "" {
		return nil, argument("PLACEMENT")
	}
	if handler == "" {
		return nil, argument("HANDLER")
	}
	if refusal := checkHandler(handler); refusal != nil {
		return nil, refusal
	}
	userID, _ := strconv.Atoi(c.params.foldText("USER_ID"))
	options, _ := c.params.fold("OPTIONS").(*object)
	switch {
	case !slices.Contains(c.portal.detailTabs(), code) && code != "LEFT_MENU" && code != worker:
		return nil, failure(400, "ERROR_PLACEMENT_NOT_FOUND", "Placement not found")
	case userID > 0 && code != worker:
		return nil, failure(400, "ERROR_PLACEMENT_USER_MODE", "User mode is not available.")
	case code == worker && options.text("errorHandlerUrl") == "":
		return nil, failure(400, "EMPTY_ERROR_HANDLER_URL", "Empty error handler url: errorHandlerUrl")
	}
	for _, bound := range c.install.placements {
		if bound.Placement == code && code == worker && bound.UserID == userID {
			return nil, failure(400, "ERROR_PLACEMENT_MAX_COUNT", "Placement max count: 1")
		}
		if bound.Placement == code && bound.Handler == handler && bound.UserID == userID {
			return nil, failure(400, "ERROR_CORE", "Unable to set placement handler: Handler already binded")
		}
	}
	shown := newObject()
	if code == worker {
		shown = newObject().set("errorHandlerUrl", options.text("errorHandlerUrl"))
	}
	pl := placement{Placement: code, UserID: userID, Handler: handler, Options: shown, Title: c.params.foldText("TITLE"), Desc: c.params.foldText("DESCRIPTION")}
	pl.LangAll = c.placementTexts(&pl)
	c.install.placements = append(c.install.placements, pl)
	return true, nil
}

// placementTexts are the texts by language: those of LANG_ALL, else TITLE, DESCRIPTION and GROUP_NAME in the portal's
// language, else the app's name. LANG_ALL replaces the three.
func (c *call) placementTexts(pl *placement) *object {
	out := newObject()
	langs, _ := c.params.fold("LANG_ALL").(*object)
	if langs == nil || len(langs.keys) == 0 {
		title := pl.Title
		if title == "" {
			title = c.app.Name
		}
		pl.Title = title
		return out.set("en", newObject().set("TITLE", title).set("DESCRIPTION", pl.Desc).set("GROUP_NAME", c.params.foldText("GROUP_NAME")))
	}
	for _, lang := range langs.keys {
		texts := newObject()
		for _, name := range []string{"TITLE", "DESCRIPTION", "GROUP_NAME"} {
			texts.set(name, strings.TrimSpace(langs.text(lang, name)))
		}
		out.set(lang, texts)
	}
	first := langs.keys[0]
	if _, ok := langs.values["en"]; ok {
		first = "en"
	}
	pl.Title, pl.Desc = out.text(first, "TITLE"), out.text(first, "DESCRIPTION")
	return out
}

// checkHandler refuses addresses that the platform refuses: a host needs a dot.
func checkHandler(address string) *apiError {
	u, err := url.Parse(address)
	switch {
	case err != nil || !strings.Contains(u.Hostname(), "."):
		return failure(400, "ERROR_WRONG_HANDLER_URL", "Wrong handler URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return failure(400, "ERROR_UNSUPPORTED_PROTOCOL", "Unsupported handler protocol")
	}
	return nil
}

// methodPlacementUnbind counts every placement twice, as the platform's code does: once found, once deleted.
func methodPlacementUnbind(c *call) (any, *apiError) {
	if refusal := c.administrator(); refusal != nil {
		return nil, refusal
	}
	code, handler := strings.ToUpper(c.params.foldText("PLACEMENT")), c.params.foldText("HANDLER")
	if code == "" {
		return nil, argument("PLACEMENT")
	}
	before := len(c.install.placements)
	c.install.placements = slices.DeleteFunc(c.install.placements, func(pl placement) bool {
		return pl.Placement == code && (handler == "" || pl.Handler == handler)
	})
	return newObject().set("count", 2*(before-len(c.install.placements))), nil
}
