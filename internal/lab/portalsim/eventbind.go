package portalsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type handler struct {
	event     string
	url       string // empty for an event that the app collects itself (offline)
	userID    int    // whose tokens come along; 0 for whoever acted
	connector string
	id        int
}

// describe is the handler as event.get answers it.
func (h handler) describe() *object {
	if h.url == "" {
		return newObject().set("event", h.event).set("connector_id", h.connector).set("offline", 1)
	}
	return newObject().set("event", h.event).set("handler", h.url).set("auth_type", strconv.Itoa(h.userID)).set("offline", 0)
}

// Handlers lists the events that an app has bound.
func (p *Portal) Handlers(clientID string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	if in := p.installs[clientID]; in != nil {
		for _, h := range in.handlers {
			out = append(out, h.event)
		}
	}
	return out
}

// knownEvents are those of the documentation that an app with CRM or users may bind, and the forms that a smart process
// has of its own (ONCRMDYNAMICITEMADD_1038).
func (p *Portal) knownEvents(scope []string) []string {
	out := []string{"ONAPPINSTALL", "ONAPPUPDATE", "ONAPPUNINSTALL", "ONAPPPAYMENT", "ONAPPTEST", "ONAPPMETHODCONFIRM", "ONOFFLINEEVENT"}
	if slices.ContainsFunc(scope, func(s string) bool { return strings.HasPrefix(s, "user") }) {
		out = append(out, "ONUSERADD")
	}
	if !slices.Contains(scope, "crm") {
		return out
	}
	changes := []string{"ADD", "UPDATE", "DELETE"}
	for _, entity := range []string{"LEAD", "DEAL", "CONTACT", "COMPANY", "QUOTE", "ACTIVITY", "REQUISITE", "BANKDETAIL", "CURRENCY", "PRODUCT", "TYPE", "DYNAMICITEM", "TIMELINECOMMENT"} {
		for _, change := range changes {
			out = append(out, "ONCRM"+entity+change)
		}
	}
	for _, entity := range []string{"LEAD", "DEAL", "CONTACT", "COMPANY", "QUOTE", "REQUISITE", "TYPE"} {
		for _, change := range append(changes, "SETENUMVALUES") {
			out = append(out, "ONCRM"+entity+"USERFIELD"+change)
		}
	}
	out = append(out, "ONCRMDEALMOVETOCATEGORY", "ONCRMADDRESSREGISTER", "ONCRMADDRESSUNREGISTER")
	for _, t := range p.types {
		if t.typeID > 0 || t.entityTypeID == 31 {
			for _, change := range changes {
				out = append(out, fmt.Sprintf("ONCRMDYNAMICITEM%s_%d", change, t.entityTypeID))
			}
		}
	}
	return out
}

// eventScope is the scope under which an event occurs, as auth[scope] has it: one word. Events of the app itself have all
// of its scopes, with commas between them (the official PHP SDK's samples).
func eventScope(event string, app *App) string {
	switch {
	case strings.HasPrefix(event, "ONCRM"):
		return "crm"
	case strings.HasPrefix(event, "ONUSER"):
		return "user"
	}
	return strings.Join(app.Scope, ",")
}

func methodEvents(c *call) (any, *apiError) { return c.portal.knownEvents(c.scope), nil }

// methodEventBind takes its parameters in any case. Who is no administrator binds for events of their own.
func methodEventBind(c *call) (any, *apiError) {
	h := handler{event: strings.ToUpper(c.params.foldText("event")), url: c.params.foldText("handler"), connector: c.params.foldText("auth_connector")}
	h.userID, _ = strconv.Atoi(c.params.foldText("auth_type"))
	kind := strings.ToLower(c.params.foldText("event_type"))
	switch {
	case h.userID > 0 && h.userID != c.user.ID && !c.user.Admin:
		return nil, failure(403, "ACCESS_DENIED", "Access denied! Event binding with AUTH_TYPE requires administrator access rights")
	case h.event == "":
		return nil, argument("EVENT")
	case kind != "" && kind != "online" && kind != "offline":
		return nil, &apiError{status: 400, code: "ERROR_ARGUMENT", description: "Value must be one of {online|offline}", extra: newObject().set("argument", "EVENT_TYPE")}
	case kind == "offline" && !c.user.Admin:
		return nil, failure(403, "ACCESS_DENIED", "Access denied! Offline events binding requires administrator access rights")
	case kind == "offline":
		h.url, h.userID = "", 0
	case h.url == "":
		return nil, argument("HANDLER")
	}
	if !c.user.Admin && h.userID == 0 {
		h.userID = c.user.ID
	}
	if h.url != "" {
		if refusal := checkHandler(h.url); refusal != nil {
			return nil, refusal
		}
	}
	if !slices.Contains(c.portal.knownEvents(c.scope), h.event) {
		return nil, failure(400, "ERROR_EVENT_NOT_FOUND", "Event not found")
	}
	for _, bound := range c.install.handlers {
		if bound.event == h.event && bound.url == h.url && bound.userID == h.userID && bound.connector == h.connector {
			return nil, failure(400, "ERROR_CORE", "Unable to set event handler: Handler already binded")
		}
	}
	h.id = 100 + len(c.install.handlers)
	c.install.handlers = append(c.install.handlers, h)
	return true, nil
}

// methodEventGet lists the app's handlers; who is no administrator sees their own.
func methodEventGet(c *call) (any, *apiError) {
	out := newObject()
	for _, h := range c.install.handlers {
		if c.user.Admin || h.userID == c.user.ID {
			out.push(h.describe())
		}
	}
	return out, nil
}

func methodEventUnbind(c *call) (any, *apiError) {
	event, url := strings.ToUpper(c.params.foldText("event")), c.params.foldText("handler")
	if event == "" {
		return nil, argument("EVENT")
	}
	if strings.EqualFold(c.params.foldText("event_type"), "offline") {
		url = ""
	} else if url == "" {
		return nil, argument("HANDLER")
	}
	before := len(c.install.handlers)
	c.install.handlers = slices.DeleteFunc(c.install.handlers, func(h handler) bool {
		own := c.user.Admin || h.userID == c.user.ID
		if who := c.params.foldText("auth_type"); who != "" {
			own = own && strconv.Itoa(h.userID) == who
		}
		return h.event == event && h.url == url && own
	})
	return newObject().set("count", before-len(c.install.handlers)), nil
}

// methodEventTest sends ONAPPTEST to the app's handlers (api-reference/events/test-handler.md).
func methodEventTest(c *call) (any, *apiError) {
	data := url.Values{}
	if o, ok := c.params.fold("any").(*object); ok {
		for _, key := range o.keys {
			data.Set("data[QUERY]["+key+"]", o.text(key))
		}
	}
	p, in, u := c.portal, c.install, c.user
	p.sim.events.Add(1)
	go func() { // the portal is busy with this very call
		defer p.sim.events.Done()
		p.Emit(in.app.ClientID, "ONAPPTEST", data, u.ID)
	}()
	return true, nil
}
