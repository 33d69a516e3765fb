package portalsim

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// Install installs an app for an administrator, as the marketplace's button does; its install page is opened next. An app
// without pages is installed at once, and its install address hears of it (serverside-local-app-with-no-ui.md).
func (p *Portal) Install(clientID string, userID int) error {
	p.sim.mu.Lock()
	app := p.sim.apps[clientID]
	p.sim.mu.Unlock()
	p.mu.Lock()
	u := p.user(userID)
	var err error
	switch {
	case app == nil || u == nil:
		err = fmt.Errorf("no app %q or no user %d", clientID, userID)
	case !u.Admin:
		err = fmt.Errorf("user %d is no administrator", userID)
	}
	if err != nil || p.installs[clientID] != nil {
		p.mu.Unlock()
		return err
	}
	secret := p.tokens[clientID]
	if secret == "" || !p.sim.options.Truth.Tokens {
		secret = randomHex(16)
	}
	p.tokens[clientID] = secret
	in := newInstall(app, u, secret)
	p.installs[clientID] = in
	if app.Headless {
		in.handlers = append(in.handlers, handler{event: "ONAPPINSTALL", url: app.InstallURL, id: 99})
	}
	p.mu.Unlock()
	if app.Headless {
		p.FinishInstall(clientID)
	}
	return nil
}

// FinishInstall is what BX24.installFinish does: the app's tabs appear and its events flow.
func (p *Portal) FinishInstall(clientID string) {
	p.mu.Lock()
	in := p.installs[clientID]
	if in == nil || in.finished {
		p.mu.Unlock()
		return
	}
	in.finished = true
	p.mu.Unlock()
	data := url.Values{
		"data[VERSION]": {strconv.Itoa(in.version)}, "data[ACTIVE]": {"Y"}, "data[INSTALLED]": {"Y"}, "data[LANGUAGE_ID]": {in.user.Lang},
	}
	p.deliver(in, "ONAPPINSTALL", data, true)
}

// The ways in which an update is known to go.
const (
	// UpdateHidden is what the code of 2026 does: the app counts as not installed, its tabs and handlers stay and are
	// hidden, its tokens work, application_token is the same, and nobody is told until the installer has run.
	UpdateHidden = "hidden"
	// UpdateErased is what the documentation of event.bind says: the same, with bindings erased.
	UpdateErased = "erased"
	// UpdateTold is what the page of ONAPPUPDATE says: the event with a new application_token; bindings are erased.
	UpdateTold = "told"
)

// UpdateAs installs a new version of an app, in one of the ways above.
func (p *Portal) UpdateAs(clientID, way string) {
	p.mu.Lock()
	in := p.installs[clientID]
	if in == nil {
		p.mu.Unlock()
		return
	}
	previous := in.version
	in.version++
	if way == UpdateTold {
		in.applicationToken = randomHex(16)
		p.tokens[clientID] = in.applicationToken
	} else {
		in.finished = in.app.InstallURL == ""
	}
	p.mu.Unlock()
	var forms []outgoing
	if way == UpdateTold {
		forms = p.forms(in, "ONAPPUPDATE", url.Values{
			"data[VERSION]": {strconv.Itoa(in.version)}, "data[PREVIOUS_VERSION]": {strconv.Itoa(previous)}, "data[LANGUAGE_ID]": {in.user.Lang},
		}, true)
	}
	if way != UpdateHidden {
		p.mu.Lock()
		in.handlers, in.placements = nil, nil
		p.mu.Unlock()
	}
	for _, f := range forms {
		p.sim.send("ONAPPUPDATE", f.url, f.form)
	}
}

// NewApplicationToken gives an app another application_token, and tells nobody.
func (p *Portal) NewApplicationToken(clientID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if in := p.installs[clientID]; in != nil {
		in.applicationToken = randomHex(16)
		p.tokens[clientID] = in.applicationToken
	}
}

// updateWay reports whether UpdateAs knows a way.
func updateWay(name string) bool {
	return slices.Contains([]string{UpdateHidden, UpdateErased, UpdateTold}, name)
}

// Uninstall removes an app; its tokens stop working before it hears of it.
func (p *Portal) Uninstall(clientID string, clean bool) {
	p.mu.Lock()
	in := p.installs[clientID]
	p.mu.Unlock()
	if in == nil {
		return
	}
	data := url.Values{"data[LANGUAGE_ID]": {in.user.Lang}, "data[CLEAN]": {map[bool]string{true: "1", false: "0"}[clean]}}
	forms := p.forms(in, "ONAPPUNINSTALL", data, false)
	p.sim.mu.Lock()
	p.sim.revoke(clientID, p)
	p.sim.mu.Unlock()
	p.mu.Lock()
	delete(p.installs, clientID)
	p.mu.Unlock()
	if in.finished { // until then no events are sent (installation-finish.md)
		for _, f := range forms {
			p.sim.send("ONAPPUNINSTALL", f.url, f.form)
		}
	}
}

// SetPayment changes an app's payment status and tells its handlers (common/events/on-app-payment.md). An app whose time
// is over gets PAYMENT_REQUIRED from REST and from the OAuth server.
func (p *Portal) SetPayment(clientID, status string, expired bool) {
	p.mu.Lock()
	in := p.installs[clientID]
	if in == nil {
		p.mu.Unlock()
		return
	}
	changed := *in.app
	changed.Status = status
	in.app, in.paymentExpired = &changed, expired
	p.mu.Unlock()
	days := "28"
	if expired {
		days = "-1"
	}
	p.deliver(in, "ONAPPPAYMENT", url.Values{
		"data[CODE]": {clientID}, "data[VERSION]": {strconv.Itoa(in.version)}, "data[STATUS]": {status},
		"data[PAYMENT_EXPIRED]": {map[bool]string{true: "Y", false: "N"}[expired]}, "data[DAYS]": {days}, "data[LANGUAGE_ID]": {in.user.Lang},
	}, false)
}
