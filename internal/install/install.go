package install

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// Install registers the portal of an opened install page and binds the app's tabs and events there. It may be repeated:
// what stands already is left alone.
func (s *Service) Install(ctx context.Context, req *bitrix24.AppRequest) (portal.Portal, *Report, error) {
	return s.install(ctx, pageClaim(req))
}

func (s *Service) install(ctx context.Context, c claim) (portal.Portal, *Report, error) {
	p, token, err := s.verify(ctx, c)
	if err != nil {
		return p, nil, err
	}
	report, err := s.establish(ctx, p, token)
	return p, report, err
}

// establish stores a verified portal with its administrator's token and binds what the app needs there.
func (s *Service) establish(ctx context.Context, p portal.Portal, token portal.Token) (*Report, error) {
	now, err := s.inspect(ctx, p, token)
	if err != nil {
		return nil, err
	}
	// Stored before anything is bound: from the first binding on, the portal may send events and open pages.
	if err := s.Store.SaveInstallation(ctx, p, token); err != nil {
		return nil, err
	}
	report, err := s.bind(ctx, p, token, now)
	if err != nil {
		return nil, err
	}
	s.Log.InfoContext(ctx, "installed", "portal", p.MemberID, "user", token.UserID, "smart_types", len(report.Types), "skipped", report.Skipped)
	return report, nil
}

// staleAfter is how much older than the installation an uninstall event must be to be left over from before it. It
// leaves room for clocks that differ.
const staleAfter = time.Minute

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
			log.InfoContext(ctx, "already installed: the install page came first")
			return nil
		}
		_, _, err := s.install(ctx, eventClaim(event.Auth))
		return err
	case bitrix24.OnAppUpdate:
		// It brings a new application_token and finds handlers and placements erased, so it is verified like an
		// installation, and does the same.
		if _, _, err := s.install(ctx, eventClaim(event.Auth)); err != nil {
			return err
		}
		log.InfoContext(ctx, "updated", "version", event.Data("VERSION"))
		return nil
	case bitrix24.OnAppUninstall:
		if !proven {
			return portal.Problemf(portal.Unverified, "application_token of the uninstall event is not the stored one")
		}
		if !event.Time.IsZero() && event.Time.Add(staleAfter).Before(p.InstalledAt) {
			return portal.Problemf(portal.Unverified, "the uninstall event is older than the installation")
		}
		clean := event.Data("CLEAN") == "1"
		if err := s.Store.DeleteInstallation(ctx, p.MemberID, clean); err != nil {
			return err
		}
		log.InfoContext(ctx, "uninstalled", "clean", clean)
		return nil
	default:
		if !proven {
			return portal.Problemf(portal.Unverified, "application_token of the event is not the stored one")
		}
		log.InfoContext(ctx, "event of no interest")
		return nil
	}
}
