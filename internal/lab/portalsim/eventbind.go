package portalsim

import (
	"slices"
	"strings"
)

type handler struct {
	Event    string `json:"event"`
	Handler  string `json:"handler"`
	AuthType string `json:"auth_type"`
	Offline  int    `json:"offline"`
	id       int
}

// Handlers lists the events that an app has bound.
func (p *Portal) Handlers(clientID string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	if in := p.installs[clientID]; in != nil {
		for _, h := range in.handlers {
			out = append(out, h.Event)
		}
	}
	return out
}

var knownEvents = []string{
	"ONAPPINSTALL", "ONAPPUPDATE", "ONAPPUNINSTALL", "ONAPPPAYMENT", "ONUSERADD", "ONCRMLEADADD", "ONCRMLEADUPDATE",
	"ONCRMDEALADD", "ONCRMDEALUPDATE", "ONCRMTYPEADD", "ONCRMTYPEUPDATE", "ONCRMTYPEDELETE", "ONCRMDYNAMICITEMADD",
	"ONCRMCURRENCYADD", "ONCRMCURRENCYUPDATE", "ONCRMCURRENCYDELETE",
	"ONCRMLEADUSERFIELDADD", "ONCRMLEADUSERFIELDUPDATE", "ONCRMLEADUSERFIELDDELETE", "ONCRMLEADUSERFIELDSETENUMVALUES",
	"ONCRMDEALUSERFIELDADD", "ONCRMDEALUSERFIELDUPDATE", "ONCRMDEALUSERFIELDDELETE", "ONCRMDEALUSERFIELDSETENUMVALUES",
	"ONCRMCONTACTUSERFIELDADD", "ONCRMCONTACTUSERFIELDUPDATE", "ONCRMCONTACTUSERFIELDDELETE", "ONCRMCONTACTUSERFIELDSETENUMVALUES",
	"ONCRMCOMPANYUSERFIELDADD", "ONCRMCOMPANYUSERFIELDUPDATE", "ONCRMCOMPANYUSERFIELDDELETE", "ONCRMCOMPANYUSERFIELDSETENUMVALUES",
	"ONCRMQUOTEUSERFIELDADD", "ONCRMQUOTEUSERFIELDUPDATE", "ONCRMQUOTEUSERFIELDDELETE", "ONCRMQUOTEUSERFIELDSETENUMVALUES",
	"ONCRMTYPEUSERFIELDADD", "ONCRMTYPEUSERFIELDUPDATE", "ONCRMTYPEUSERFIELDDELETE", "ONCRMTYPEUSERFIELDSETENUMVALUES",
}

func methodEventBind(c *call) (any, *apiError) {
	event, url := strings.ToUpper(c.params.text("event")), c.params.text("handler")
	switch {
	case !slices.Contains(knownEvents, event):
		return nil, &apiError{400, "ERROR_EVENT_NOT_FOUND", "Event not found", nil}
	case url == "":
		return nil, argument("handler")
	}
	for _, bound := range c.install.handlers {
		if bound.Event == event && bound.Handler == url {
			return nil, &apiError{400, "ERROR_CORE", "Unable to set event handler: Handler already binded", nil}
		}
	}
	c.install.handlers = append(c.install.handlers, handler{Event: event, Handler: url, AuthType: "0", id: 100 + len(c.install.handlers)})
	return true, nil
}

func methodEventGet(c *call) (any, *apiError) { return append([]handler{}, c.install.handlers...), nil }

func methodEventUnbind(c *call) (any, *apiError) {
	event, url := strings.ToUpper(c.params.text("event")), c.params.text("handler")
	before := len(c.install.handlers)
	c.install.handlers = slices.DeleteFunc(c.install.handlers, func(h handler) bool {
		return h.Event == event && h.Handler == url
	})
	return newObject().set("count", before-len(c.install.handlers)), nil
}
