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

func newInstall(app *App, user *User) *install {
	return &install{app: app, applicationToken: randomHex(16), version: 1, user: user, options: newObject(), userOptions: map[int]*object{}}
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

func methodAppInfo(c *call) (any, *apiError) {
	return newObject().
		set("ID", 5).
		set("CODE", c.app.ClientID).
		set("VERSION", c.install.version).
		set("STATUS", c.app.Status).
		set("INSTALLED", c.install.finished).
		set("PAYMENT_EXPIRED", map[bool]string{true: "Y", false: "N"}[c.install.paymentExpired]).
		set("DAYS", nil).
		set("LANGUAGE_ID", c.user.Lang).
		set("LICENSE", "en_std").
		set("LICENSE_TYPE", "std").
		set("LICENSE_FAMILY", "std"), nil
}

func methodOptionGet(c *call) (any, *apiError) {
	if name := c.params.text("option"); name != "" {
		return c.install.options.get(name), nil
	}
	return c.install.options, nil
}

func methodOptionSet(c *call) (any, *apiError) {
	if !c.user.Admin {
		return nil, &apiError{403, "ACCESS_DENIED", "Access denied!", nil}
	}
	options, ok := c.params.get("options").(*object)
	if !ok {
		return nil, argument("options")
	}
	for _, key := range options.keys {
		c.install.options.set(key, options.values[key])
	}
	return true, nil
}

func methodUserOptionGet(c *call) (any, *apiError) {
	if name := c.params.text("option"); name != "" {
		return c.install.optionsOf(c.user.ID).get(name), nil
	}
	return c.install.optionsOf(c.user.ID), nil
}

func methodUserOptionSet(c *call) (any, *apiError) {
	options, ok := c.params.get("options").(*object)
	if !ok {
		return nil, argument("options")
	}
	for _, key := range options.keys {
		c.install.optionsOf(c.user.ID).set(key, options.values[key])
	}
	return true, nil
}
