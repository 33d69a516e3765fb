package install

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// Install registers the portal of an opened install page and binds the app's tabs and events there. It may be repeated:
// what stands already is left alone.
func (s *Service) Install(ctx context.Context, req *bitrix24.AppRequest) (portal.Portal, *Report, error) {
	return s.install(ctx, pageClaim(req))
}

func (s *Service) install(ctx context.Context, c claim) (portal.Portal, *Report, error) {
	p, token, now, err := s.register(ctx, c)
	if err != nil {
		return p, nil, err
	}
	// Stored before anything is bound: from the first binding on, the portal may send events and open pages.
	report, err := s.furnish(ctx, p, token, now)
	return p, report, err
}

// establish stores a verified portal with its administrator's token and binds what the app needs there.
func (s *Service) establish(ctx context.Context, p portal.Portal, token portal.Token) (*Report, error) {
	now, err := s.inspect(ctx, p, token)
	if err != nil {
		return nil, err
	}
	if err := s.Store.SaveInstallation(ctx, p, token); err != nil {
		return nil, err
	}
	return s.furnish(ctx, p, token, now)
}

// furnish binds what the app needs in a portal that has just been stored.
func (s *Service) furnish(ctx context.Context, p portal.Portal, token portal.Token, now *portalBindings) (*Report, error) {
	// A portal that comes back finds what its administrator chose before.
	p, err := s.Store.Portal(ctx, p.MemberID)
	if err != nil {
		return nil, err
	}
	if err := s.keepPlan(ctx, p, now); err != nil {
		return nil, err
	}
	report, err := s.bind(ctx, p, token, now)
	if err := s.recordBinding(ctx, p.MemberID, report, err); err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "installed", "portal", p.MemberID, "user", token.UserID, "smart_types", len(report.Types), "skipped", report.Skipped)
	return report, nil
}

// waitWhenFull is how long to wait where too many events wait to be looked into.
const waitWhenFull = time.Minute

// accept takes an event that brings tokens, and leaves it to the queue to look into it: the platform sends an event once and
// wants a quick answer, and the OAuth server or the portal may not answer at this moment.
func (s *Service) accept(ctx context.Context, event *bitrix24.Event) error {
	auth := event.Auth
	if auth.Access.IsZero() || auth.Refresh.IsZero() {
		return portal.Problemf(portal.Unverified, "the event brings no pair of tokens")
	}
	address, _ := bitrix24.Stranger(ctx)
	kept, err := s.Planner.PlanEvent(ctx, portal.EventClaim{
		MemberID: portal.MemberID(auth.MemberID), Event: event.Name, Address: address, Domain: auth.Domain, ServerEndpoint: auth.ServerEndpoint,
		Access: auth.Access, Refresh: auth.Refresh, ApplicationToken: auth.ApplicationToken,
	})
	if err == nil && !kept {
		err = &TooManyEventsError{MemberID: portal.MemberID(auth.MemberID), RetryAfter: waitWhenFull}
	}
	return err
}

// VerifyEvent registers the portal of an event that the OAuth server and the portal vouch for. What is to be bound there is
// left to the queue. The questions come out of the share of whoever sent the event.
func (s *Service) VerifyEvent(ctx context.Context, c portal.EventClaim) error {
	secret.Note(ctx, c.Access, c.Refresh, c.ApplicationToken)
	if c.Address != "" {
		ctx = bitrix24.WithCaller(ctx, c.Address)
	}
	p, claimed, err := s.verify(ctx, eventClaim(c))
	if err != nil {
		return err
	}
	if _, _, err := s.prove(ctx, p, claimed); err != nil {
		return err
	}
	s.Log.InfoContext(ctx, "event believed", "event", c.Event, "portal", p.MemberID, "user", claimed.UserID)
	return s.Planner.PlanBind(ctx, p.MemberID)
}

// installer reads an installed portal and its installer's token. A portal that has removed the app counts as unknown.
func (s *Service) installer(ctx context.Context, id portal.MemberID) (portal.Portal, portal.Token, error) {
	p, err := s.Store.Portal(ctx, id)
	if err == nil && !p.Installed() {
		err = portal.ErrUnknownPortal
	}
	if err != nil {
		return p, portal.Token{}, err
	}
	token, err := s.Store.Token(ctx, id, p.InstallerID)
	return p, token, err
}

// recordBinding keeps what came of a binding, for the settings page. It returns the binding's own error.
func (s *Service) recordBinding(ctx context.Context, id portal.MemberID, report *Report, err error) error {
	outcome, skipped := "ok", []string(nil)
	if err != nil {
		outcome = string(portal.ProblemOf(gate.Problem(err)))
	}
	if report != nil {
		skipped = report.Skipped
	}
	// What came of it is kept also where its time is over.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(err, s.Store.RecordBinding(ctx, id, outcome, skipped))
}

// Rebind makes placements and event handlers of an installed portal right, with the token of its installer, and records
// what came of it.
func (s *Service) Rebind(ctx context.Context, id portal.MemberID) error {
	report, err := s.rebind(ctx, id)
	return s.recordBinding(ctx, id, report, err)
}

func (s *Service) rebind(ctx context.Context, id portal.MemberID) (*Report, error) {
	p, token, err := s.installer(ctx, id)
	if errors.Is(err, portal.ErrUnknownPortal) {
		return nil, nil // removed meanwhile
	}
	if err != nil {
		return nil, err
	}
	var now *portalBindings
	used, err := s.Tokens.Use(ctx, p, token, func(ctx context.Context, pair portal.Token) error {
		var err error
		now, err = s.inspect(ctx, p, pair) // of the installer, or of the one whom the renewal names as the successor
		return err
	})
	if portal.ProblemOf(err) == portal.NotAdministrator {
		err = errors.Join(err, s.Store.RetireInstaller(ctx, id, used.UserID))
	}
	if err != nil {
		return nil, err
	}
	if err := s.keepPlan(ctx, p, now); err != nil {
		return nil, err
	}
	report, err := s.bind(ctx, p, used, now)
	if err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "bound", "portal", id, "smart_types", len(report.Types), "skipped", report.Skipped)
	return report, nil
}

// keepPlan stores what plan a portal has, where that has changed: there is no event for it.
func (s *Service) keepPlan(ctx context.Context, p portal.Portal, now *portalBindings) error {
	if now.family == "" || now.family == p.LicenseFamily {
		return nil
	}
	s.Log.InfoContext(ctx, "the portal's plan", "portal", p.MemberID, "family", now.family, "before", p.LicenseFamily)
	return s.Store.SetLicense(ctx, p.MemberID, now.family)
}

// RefreshStatus asks the OAuth server what the app is to a portal now: paid, trial, free, and with which scope.
// Missing understands an error that says that the app is not installed there.
func (s *Service) RefreshStatus(ctx context.Context, id portal.MemberID) error {
	p, token, err := s.installer(ctx, id)
	if errors.Is(err, portal.ErrUnknownPortal) {
		return nil // removed meanwhile
	}
	if err != nil {
		return err
	}
	var info oauth.Info
	_, err = s.Tokens.Use(ctx, p, token, func(ctx context.Context, pair portal.Token) error {
		var err error
		info, err = s.Server.AppInfo(ctx, p.ServerEndpoint, pair.Access)
		return err
	})
	if err != nil {
		return err
	}
	if info.MemberID != id {
		return portal.Problemf(portal.Unverified, "app.info names another portal")
	}
	s.Log.InfoContext(ctx, "status", "portal", id, "status", info.Status, "before", p.Status)
	if err := s.Store.SetStatus(ctx, id, info.Status, info.Scope); err != nil || info.Installed {
		return err
	}
	return errNotInstalled
}

// staleAfter is how much older than the installation an uninstall event must be to be left over from before it. It
// leaves room for clocks that differ by an hour: to refuse a true removal would keep data that must go, while a false one
// heals itself at the next open.
const staleAfter = 75 * time.Minute

// Handle acts on an event of the app's life. An error says that the event was not believed, or not acted on.
func (s *Service) Handle(ctx context.Context, event *bitrix24.Event) error {
	p, err := s.Store.Portal(ctx, portal.MemberID(event.Auth.MemberID))
	known := err == nil && p.Installed()
	if err != nil && !errors.Is(err, portal.ErrUnknownPortal) {
		return err
	}
	proven := known && p.ApplicationToken.Equal(event.Auth.ApplicationToken)
	log := s.Log.With(slog.String("event", event.Name), slog.Any("portal", p.MemberID))

	switch event.Name {
	case bitrix24.OnAppInstall:
		if proven {
			return s.installedAnew(ctx, p, log)
		}
		return s.accept(ctx, event)
	case bitrix24.OnAppUpdate:
		// It may bring a new application_token and find handlers and placements erased, so it is verified like an
		// installation, and does the same.
		return s.accept(ctx, event)
	case bitrix24.OnAppUninstall:
		if known && !event.Time.IsZero() && event.Time.Add(staleAfter).Before(p.InstalledAt) {
			return portal.Problemf(portal.Unverified, "the uninstall event is older than the installation")
		}
		clean := event.Data("CLEAN") == "1"
		// An application_token outlives a removal and a new installation, so one that is right proves no event from before the
		// latter: it came late, or somebody sends it again. Whether it is one, and no clock that goes wrong, the platform tells.
		left := known && !event.Time.IsZero() && event.Time.Before(p.InstalledAt.Truncate(time.Second))
		if !proven || left {
			if err := s.doubt(ctx, p, known, clean); err != nil {
				return err
			}
			return portal.Problemf(portal.Unverified, "the uninstall event has not the stored application_token, or is from before the installation")
		}
		if err := s.remove(ctx, p.MemberID, clean); err != nil {
			return err
		}
		log.InfoContext(ctx, "uninstalled", "clean", clean)
		return nil
	case bitrix24.OnAppPayment:
		// It comes without application_token (common/events/on-app-payment.md), so it proves nothing: it is a hint to ask
		// the OAuth server, which is the one to believe about payment anyway.
		if !known || !event.Auth.ApplicationToken.IsZero() && !proven {
			// Answered as any other hint, so that strangers do not learn who is a customer.
			log.InfoContext(ctx, "ignored: payment event of an unknown portal or with a wrong application_token")
			return nil
		}
		if err := s.Events.take(p.MemberID, !proven); err != nil {
			return err
		}
		return s.Planner.PlanStatus(ctx, p.MemberID)
	default:
		if !proven {
			return portal.Problemf(portal.Unverified, "application_token of the event is not the stored one")
		}
		if err := s.Events.take(p.MemberID, false); err != nil {
			return err
		}
		if bitrix24.IsSchemaEvent(event.Name) {
			if err := s.Store.CountSchemaChange(ctx, p.MemberID); err != nil {
				return err
			}
			if bitrix24.IsTypeEvent(event.Name) {
				return s.Planner.PlanBind(ctx, p.MemberID) // a new type gets its tab, a removed one loses it
			}
			return nil
		}
		log.InfoContext(ctx, "ignored: the app does not use this event")
		return nil
	}
}

// freshBinding is how long after a binding an ONAPPINSTALL is taken as the end of the installation that did it.
const freshBinding = 10 * time.Minute

// installedAnew is what ONAPPINSTALL with the known application_token means: as a rule that the install page, which has
// bound everything a moment ago, is through. Where nothing was bound lately, an update went without that page, and may have
// erased what stood there.
func (s *Service) installedAnew(ctx context.Context, p portal.Portal, log *slog.Logger) error {
	if err := s.Events.take(p.MemberID, false); err != nil {
		return err
	}
	if p.BoundOutcome == "ok" && s.Now().Sub(p.BoundAt) < freshBinding {
		log.InfoContext(ctx, "already installed: the install page came first")
		return nil
	}
	return s.Planner.PlanBind(ctx, p.MemberID)
}

// doubt has the platform asked whether a portal has removed the app, as an uninstall event says that proves nothing: it
// may be forged, and it may come from a portal whose application_token is not known here, because no administrator has
// opened the app since it was registered.
func (s *Service) doubt(ctx context.Context, p portal.Portal, known, clean bool) error {
	if !known {
		return nil
	}
	claim := portal.ClaimsRemoval
	if clean {
		claim = portal.ClaimsDeletion
	}
	return s.Planner.PlanRemovalCheck(ctx, p.MemberID, claim, 0)
}
