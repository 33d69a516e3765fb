package portalsim

// install is an app's presence in a portal.
type install struct {
	app              *App
	applicationToken string
	finished         bool
	version          int
	user             *User
	placements       []placement
	handlers         []handler
	options          *object
	userOptions      map[int]*object
	paymentExpired   bool
}

func newInstall(app *App, user *User, applicationToken string) *install {
	return &install{app: app, applicationToken: applicationToken, version: 1, user: user, options: newObject(), userOptions: map[int]*object{}}
}

func (in *install) optionsOf(userID int) *object {
	if in.userOptions[userID] == nil {
		in.userOptions[userID] = newObject()
	}
	return in.userOptions[userID]
}

// Finished reports whether the app has called installFinish.
func (p *Portal) Finished(clientID string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	in := p.installs[clientID]
	return in != nil && in.finished
}

// ApplicationToken is what the portal sends to an app as application_token; empty where it is not installed.
func (p *Portal) ApplicationToken(clientID string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		return in.applicationToken
	}
	return ""
}

// GrantScope changes what the portal granted to an app; tokens that are given out from now on have it.
func (p *Portal) GrantScope(clientID string, scope ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		changed := *in.app
		changed.Scope = scope
		in.app = &changed
	}
}

func methodScope(c *call) (any, *apiError) { return c.scope, nil }

func methodUserAdmin(c *call) (any, *apiError) { return c.user.Admin, nil }

// license are the plan's names: the one with the language in front, the plan, and its family. Limits go by the family.
func (p *Portal) license() (whole, kind, family string) {
	if p.plan == "enterprise" {
		return "en_ent250", "ent250", "ent"
	}
	return "en_" + p.plan, p.plan, p.plan
}

// methodAppInfo tells a webhook its scopes and the plan alone (the platform's code); with Vary it is refused, as the
// documentation has it.
func methodAppInfo(c *call) (any, *apiError) {
	license, kind, family := c.portal.license()
	if c.app == nil {
		if c.portal.sim.chance(2) {
			return nil, failure(400, "ACCESS_DENIED", "Access denied! Application context required")
		}
		return newObject().set("SCOPE", c.scope).set("LICENSE", license), nil
	}
	return newObject().
		set("ID", 5).
		set("CODE", c.app.ClientID).
		set("VERSION", c.install.version).
		set("STATUS", c.app.Status).
		set("INSTALLED", c.install.finished).
		set("PAYMENT_EXPIRED", map[bool]string{true: "Y", false: "N"}[c.install.paymentExpired]).
		set("DAYS", nil).
		set("LANGUAGE_ID", c.user.Lang).
		set("LICENSE", license).
		set("LICENSE_TYPE", kind).
		set("LICENSE_FAMILY", family), nil
}

// applicationContext is what options need: they belong to an app.
func (c *call) applicationContext() *apiError {
	if c.app == nil {
		return failure(403, "ACCESS_DENIED", "Access denied! Application context required")
	}
	return nil
}

func methodOptionGet(c *call) (any, *apiError) {
	if refusal := c.applicationContext(); refusal != nil {
		return nil, refusal
	}
	return optionOf(c.install.options, c.params), nil
}

func methodUserOptionGet(c *call) (any, *apiError) {
	if refusal := c.applicationContext(); refusal != nil {
		return nil, refusal
	}
	return optionOf(c.install.optionsOf(c.user.ID), c.params), nil
}

func optionOf(options, params *object) any {
	if name := params.text("option"); name != "" {
		return options.get(name)
	}
	return options
}

// methodOptionSet looks at the options before it looks at rights, as the platform does.
func methodOptionSet(c *call) (any, *apiError) {
	options, refusal := c.givenOptions()
	if refusal != nil {
		return nil, refusal
	}
	if !c.user.Admin {
		return nil, failure(403, "ACCESS_DENIED", "Access denied! Administrator authorization required")
	}
	for _, key := range options.keys {
		c.install.options.set(key, options.values[key])
	}
	return true, nil
}

func methodUserOptionSet(c *call) (any, *apiError) {
	options, refusal := c.givenOptions()
	if refusal != nil {
		return nil, refusal
	}
	for _, key := range options.keys {
		c.install.optionsOf(c.user.ID).set(key, options.values[key])
	}
	return true, nil
}

// givenOptions are those under options, or else the parameters themselves.
func (c *call) givenOptions() (*object, *apiError) {
	if refusal := c.applicationContext(); refusal != nil {
		return nil, refusal
	}
	options, ok := c.params.get("options").(*object)
	if !ok {
		options = newObject()
		for _, key := range c.params.keys {
			if key != "auth" && key != "access_token" && key != "options" {
				options.set(key, c.params.values[key])
			}
		}
	}
	if len(options.keys) == 0 {
		return nil, argument("options")
	}
	return options, nil
}
