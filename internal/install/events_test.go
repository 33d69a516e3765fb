package install_test

import (
	"net/url"
	"testing"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// TestWhatEventsDo, with the portal's application_token and without.
func TestWhatEventsDo(t *testing.T) {
	proven := url.Values{"auth[application_token]": {"proof"}}
	forged := url.Values{"auth[application_token]": {"forged"}}
	for name, tt := range map[string]struct {
		event   string
		data    url.Values
		unknown bool // the portal is
		want    portal.Problem
		binds   int
		status  int
		counts  bool // a change of the schema
	}{
		"a new field":                            {event: "ONCRMLEADUSERFIELDADD", data: proven, counts: true},
		"a new type":                             {event: "ONCRMTYPEADD", data: proven, counts: true, binds: 1},
		"a forged new type":                      {event: "ONCRMTYPEADD", data: forged, want: portal.Unverified},
		"one of an unknown portal":               {event: "ONCRMTYPEADD", data: proven, unknown: true, want: portal.Unverified},
		"an event of no interest":                {event: "ONCRMDEALADD", data: proven},
		"a forged event of no interest":          {event: "ONCRMDEALADD", data: forged, want: portal.Unverified},
		"an installation that is known already":  {event: "ONAPPINSTALL", data: proven, binds: 1}, // nothing was bound lately
		"an installation that brings no tokens":  {event: "ONAPPINSTALL", data: forged, want: portal.Unverified},
		"an update that brings no tokens":        {event: "ONAPPUPDATE", data: proven, want: portal.Unverified},
		"a payment":                              {event: "ONAPPPAYMENT", data: proven, status: 1},
		"a payment, as the documentation has it": {event: "ONAPPPAYMENT", status: 1},
		"a payment with a wrong token":           {event: "ONAPPPAYMENT", data: forged},
		"a payment of an unknown portal":         {event: "ONAPPPAYMENT", unknown: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			before := int64(0)
			if !tt.unknown {
				w.register()
				if err := w.store.LearnApplicationToken(t.Context(), removedPortal, secret.New("proof")); err != nil {
					t.Fatal(err)
				}
				before = w.schema()
			}
			err := w.service.Handle(t.Context(), w.event(tt.event, tt.data))
			if tt.want == "" && err != nil || tt.want != "" && portal.ProblemOf(err) != tt.want {
				t.Errorf("%v", err)
			}
			if w.binds != tt.binds || w.statuses != tt.status || len(w.planned) != 0 || w.asked != 0 {
				t.Errorf("%d bindings, %d questions about the status, %v are planned; %d were asked", w.binds, w.statuses, w.planned, w.asked)
			}
			if !tt.unknown && (w.schema() != before) != tt.counts {
				t.Errorf("the schema counts %d, before %d", w.schema(), before)
			}
		})
	}
}

// schema is the number of the portal's schema.
func (w *world) schema() int64 {
	w.t.Helper()
	p, err := w.store.Portal(w.t.Context(), removedPortal)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.SchemaVersion
}

// TestEventsOfARemovedPortalProveNothing: its application_token went with it.
func TestEventsOfARemovedPortalProveNothing(t *testing.T) {
	w := setup(t)
	w.register()
	ctx := t.Context()
	if err := w.store.LearnApplicationToken(ctx, removedPortal, secret.New("proof")); err != nil {
		t.Fatal(err)
	}
	if err := w.store.DeleteInstallation(ctx, removedPortal, false); err != nil {
		t.Fatal(err)
	}
	proven := url.Values{"auth[application_token]": {"proof"}, "data[CLEAN]": {"1"}}
	for _, name := range []string{"ONCRMTYPEADD", "ONAPPUNINSTALL"} {
		if err := w.service.Handle(ctx, w.event(name, proven)); portal.ProblemOf(err) != portal.Unverified {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := w.service.Handle(ctx, w.event("ONAPPPAYMENT", nil)); err != nil {
		t.Error(err)
	}
	if w.state() != "removed" || w.binds+w.statuses+len(w.planned) != 0 {
		t.Errorf("%s; %d, %d and %v are planned", w.state(), w.binds, w.statuses, w.planned)
	}
}

// TestWorkForAPortalThatIsGoneIsDone: the queue may come to it later than the removal.
func TestWorkForAPortalThatIsGoneIsDone(t *testing.T) {
	for _, clean := range []bool{false, true} {
		w := newWorld(t)
		w.register()
		ctx := t.Context()
		if err := w.store.DeleteInstallation(ctx, removedPortal, clean); err != nil {
			t.Fatal(err)
		}
		if err := w.service.Rebind(ctx, removedPortal); err != nil {
			t.Errorf("binding: %v", err)
		}
		if err := w.service.RefreshStatus(ctx, removedPortal); err != nil {
			t.Errorf("status: %v", err)
		}
		for _, claim := range []portal.RemovalClaim{portal.NoClaim, portal.ClaimsDeletion} {
			if again, err := w.service.CheckRemoval(ctx, removedPortal, claim); err != nil || again != 0 {
				t.Errorf("removal: again in %s, %v", again, err)
			}
		}
		if w.asked != 0 || len(w.forgotten) != 0 {
			t.Errorf("%d requests, %v forgotten", w.asked, w.forgotten)
		}
	}
}
