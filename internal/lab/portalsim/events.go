package portalsim

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Delivery is one event that was sent to a handler, and what came back.
type Delivery struct {
	Event  string
	URL    string
	Form   url.Values
	Status int // 0 where there was no answer
	Err    error
}

// Deliveries lists what was sent so far.
func (s *Sim) Deliveries() []Delivery {
	s.events.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Delivery{}, s.deliveries...)
}

// Redeliver sends an event once more, as the queue does now and then.
func (s *Sim) Redeliver(n int) error {
	all := s.Deliveries()
	if n < 0 || n >= len(all) {
		return fmt.Errorf("there is no delivery %d", n)
	}
	s.send(all[n].Event, all[n].URL, all[n].Form)
	return nil
}

// send posts an event to a handler in the background, once: the queue server logs a failure and does not try again
// (events/index.md). With Vary it comes late now and then, and so out of order.
func (s *Sim) send(event, target string, form url.Values) {
	s.events.Add(1)
	late := s.chance(3)
	go func() {
		defer s.events.Done()
		if late {
			time.Sleep(60 * time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		d := Delivery{Event: event, URL: target, Form: form}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			var res *http.Response
			if res, err = s.client.Do(req); err == nil {
				d.Status = res.StatusCode
				_ = res.Body.Close()
			}
		}
		d.Err = err
		s.options.Log.Info("event delivered", "event", event, "status", d.Status, "failed", err != nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.deliveries = append(s.deliveries, d)
	}()
}

// Emit tells an app's handlers of an event with data such as {"FIELDS": {"ID": "7"}} written as data[FIELDS][ID]. Where a
// user acted, short-lived tokens come along, but no refresh token; where a robot did (user 0), none (events/index.md).
func (p *Portal) Emit(clientID, event string, data url.Values, userID int) {
	p.mu.Lock()
	in, u := p.installs[clientID], p.user(userID)
	p.mu.Unlock()
	if in == nil || !in.finished {
		return
	}
	forms := p.forms(in, event, data, false)
	for _, f := range forms {
		if u != nil {
			p.sim.mu.Lock()
			access, _ := p.sim.issue(in.app, p, u)
			p.sim.mu.Unlock()
			f.form.Set("auth[access_token]", access)
			p.describeToken(f.form, in, u)
		}
		p.sim.send(event, f.url, f.form)
	}
}

// describeToken adds what comes along with an event's access token (official SDKs' samples).
func (p *Portal) describeToken(form url.Values, in *install, u *User) {
	life := int(p.sim.options.AccessLife / time.Second)
	form.Set("auth[expires_in]", strconv.Itoa(life))
	form.Set("auth[expires]", strconv.FormatInt(time.Now().Unix()+int64(life), 10))
	form.Set("auth[user_id]", strconv.Itoa(u.ID))
}

type outgoing struct {
	url  string
	form url.Values
}

func (p *Portal) deliver(in *install, event string, data url.Values, withTokens bool) {
	for _, f := range p.forms(in, event, data, withTokens) {
		p.sim.send(event, f.url, f.form)
	}
}

// forms makes an event's form for each handler (_includes/auth-params-in-events.md).
func (p *Portal) forms(in *install, event string, data url.Values, withTokens bool) []outgoing {
	host, endpoint := p.Domain(), p.Endpoint()
	p.sim.mu.Lock()
	defer p.sim.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if in.paymentExpired {
		return nil // neither its removal nor anything else
	}
	var out []outgoing
	for _, h := range in.handlers {
		if h.event != event || h.url == "" {
			continue
		}
		form := url.Values{
			"event":                   {event},
			"event_handler_id":        {strconv.Itoa(h.id)},
			"ts":                      {strconv.FormatInt(p.sim.now().Unix(), 10)},
			"auth[domain]":            {host},
			"auth[server_endpoint]":   {p.sim.serverEndpoint()},
			"auth[client_endpoint]":   {endpoint},
			"auth[member_id]":         {p.MemberID},
			"auth[application_token]": {in.applicationToken},
			"auth[status]":            {in.app.Status},
			"auth[scope]":             {eventScope(event, in.app)},
		}
		for name, values := range data {
			form[name] = values
		}
		if withTokens {
			access, refresh := p.sim.issue(in.app, p, in.user)
			form.Set("auth[access_token]", access)
			form.Set("auth[refresh_token]", refresh)
			p.describeToken(form, in, in.user)
		}
		p.sim.varyEvent(form)
		out = append(out, outgoing{h.url, form})
		if p.sim.chance(3) { // the queue repeats now and then
			out = append(out, outgoing{h.url, maps.Clone(form)})
		}
	}
	return out
}
