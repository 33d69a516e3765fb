package install

import (
	"context"
	"errors"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
)

// missingGrace is how far two answers must lie apart that say that the app is not installed in a portal, before what is
// stored goes without an event that says so: no hour of trouble on the platform's side may cost portals their tokens.
const missingGrace = 24 * time.Hour

// askTokens is how many of a portal's tokens are tried to ask about it.
const askTokens = 3

// RemovalStore is what removals need of storage.
type RemovalStore interface {
	// LivingTokens are tokens of a portal that are not known as dead, its installer's first.
	LivingTokens(ctx context.Context, id portal.MemberID, limit int) ([]portal.Token, error)
	// NoteMissing returns since when the platform says that the app is not installed; NotePresent ends that.
	NoteMissing(ctx context.Context, id portal.MemberID) (time.Time, error)
	NotePresent(ctx context.Context, id portal.MemberID) error
	// WasErased reports whether a portal was erased on request and not brought back by an administrator since.
	WasErased(ctx context.Context, id portal.MemberID) (bool, error)
}

// errNotInstalled is what app.info of the OAuth server means by installed = false. It says so between an update and the end
// of its installer too, so a portal is asked before it is believed.
var errNotInstalled = errors.New("app.info says that the app is not installed")

// saysNotInstalled reports whether the platform answered that the app is not installed in the portal: a portal says
// APPLICATION_NOT_FOUND, the OAuth server NOT_INSTALLED, and a portal that passes on what the OAuth server told it
// ERROR_OAUTH, a code that also stands for other things.
func saysNotInstalled(err error) bool {
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) && (dead.Reason == "not_installed" || dead.Reason == "application_not_found") {
		return true
	}
	var answer *bitrix24.Error
	if !errors.As(err, &answer) {
		return errors.Is(err, errNotInstalled)
	}
	switch strings.ToUpper(answer.Code) {
	case "NOT_INSTALLED", "APPLICATION_NOT_FOUND":
		return true
	case "ERROR_OAUTH":
		return strings.Contains(strings.ToLower(answer.Description), "not installed")
	default:
		return false
	}
}

// remove forgets the tokens of a portal that has removed the app; with clean, everything of it.
func (s *Service) remove(ctx context.Context, id portal.MemberID, clean bool) error {
	if err := s.Store.DeleteInstallation(ctx, id, clean); err != nil {
		return err
	}
	s.Forget(id)
	return nil
}

// Missing is told what the platform answered to a portal's token. Where that says that the app is not installed, it is
// noted, and looked into after the grace period.
func (s *Service) Missing(ctx context.Context, id portal.MemberID, answer error) (missing bool, err error) {
	if answer == nil {
		return false, s.Store.NotePresent(ctx, id)
	}
	if !saysNotInstalled(answer) {
		return false, nil
	}
	if _, err := s.Store.NoteMissing(ctx, id); errors.Is(err, portal.ErrUnknownPortal) {
		return true, nil // removed meanwhile
	} else if err != nil {
		return true, err
	}
	s.Log.WarnContext(ctx, "the platform says that the app is not installed", "portal", id)
	return true, s.Planner.PlanRemovalCheck(ctx, id, portal.NoClaim, missingGrace+time.Hour)
}

// CheckRemoval asks the OAuth server and the portal, with tokens that are stored, whether the app is still installed, and
// removes what is stored where it is not: at once where an uninstall event claims it, else after the grace period. It
// returns after which time to ask again; 0 where there is nothing more to ask.
func (s *Service) CheckRemoval(ctx context.Context, id portal.MemberID, claim portal.RemovalClaim) (again time.Duration, err error) {
	p, err := s.Store.Portal(ctx, id)
	if errors.Is(err, portal.ErrUnknownPortal) || err == nil && !p.Installed() {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	found, err := s.presence(ctx, p)
	if err != nil {
		return 0, err
	}
	log := s.Log.With("portal", id, "claim", string(claim))
	switch {
	case found == present:
		log.InfoContext(ctx, "the app is still installed")
		return 0, s.Store.NotePresent(ctx, id)
	case claim == portal.NoClaim && found == unknown:
		return 0, nil
	case claim != portal.NoClaim:
		// Where no token works any more, the event may be a forged one about a portal that nobody has opened for long: then
		// there is nothing to lose but what an administrator chose, so that is kept.
		clean := claim == portal.ClaimsDeletion && found == missing
		log.InfoContext(ctx, "uninstalled: the platform confirms it", "clean", clean)
		return 0, s.remove(ctx, id, clean)
	}
	since, err := s.Store.NoteMissing(ctx, id)
	if errors.Is(err, portal.ErrUnknownPortal) {
		return 0, nil // removed meanwhile
	}
	if err != nil {
		return 0, err
	}
	if left := missingGrace - s.Now().Sub(since); left > 0 {
		return left + time.Hour, nil
	}
	log.InfoContext(ctx, "uninstalled without an event: the platform has reported it for a day")
	return 0, s.remove(ctx, id, false)
}

// presence is what the platform says of the app in a portal.
type presence int

const (
	unknown presence = iota // no stored token gets an answer that tells
	present
	missing
)

// presence asks with one stored token after the other, until an answer tells. An error says that there was none.
func (s *Service) presence(ctx context.Context, p portal.Portal) (presence, error) {
	tokens, err := s.Store.LivingTokens(ctx, p.MemberID, askTokens)
	if err != nil {
		return unknown, err
	}
	for _, token := range tokens {
		if found, err := s.presenceBy(ctx, p, token); err != nil || found != unknown {
			return found, err
		}
	}
	return unknown, nil
}

func (s *Service) presenceBy(ctx context.Context, p portal.Portal, token portal.Token) (presence, error) {
	var info oauth.Info
	ask := func(ctx context.Context, pair portal.Token) error {
		var err error
		info, err = s.Server.AppInfo(ctx, p.ServerEndpoint, pair.Access)
		return err
	}
	used, err := s.Tokens.Use(ctx, p, token, ask)
	if portal.ProblemOf(err) == portal.Unverified && !saysNotInstalled(err) {
		// The OAuth server may no longer know an access token whose hour was long ago. The refresh token tells then.
		if used, err = s.Tokens.Renew(ctx, p, token); err == nil {
			err = ask(ctx, used)
		}
	}
	var dead *portal.DeadTokenError
	switch {
	case saysNotInstalled(err):
		return missing, nil
	case errors.As(err, &dead) && !dead.Passing(), portal.ProblemOf(err) == portal.Unverified:
		return unknown, nil // this token proves nothing any more
	case err != nil:
		return unknown, err
	case info.MemberID != p.MemberID:
		return unknown, nil
	}
	_, err = s.REST.Batch(ctx, gate.Target(p, used), []bitrix24.Command{{Key: "profile", Method: "profile"}})
	var answer *bitrix24.Error
	switch {
	case saysNotInstalled(err), !info.Installed && bitrix24.IsInvalidToken(err):
		return missing, nil
	case bitrix24.IsInvalidToken(err):
		return unknown, nil
	case err == nil, errors.As(err, &answer): // whatever else a portal says to a token, it knows the app
		return present, nil
	default:
		return unknown, gate.Problem(err)
	}
}

// mayReturn lets a portal that was erased on request come back by an administrator alone, whom its own profile method
// names. Of all others it asks nothing.
func (s *Service) mayReturn(ctx context.Context, c claim) error {
	erased, err := s.Store.WasErased(ctx, portal.MemberID(c.memberID))
	if err != nil {
		return err
	}
	if !erased {
		return nil
	}
	refused := func(format string, args ...any) error { return portal.Problemf(portal.NotInstalled, format, args...) }
	if c.access.IsZero() {
		return refused("the request brings no token")
	}
	info, err := s.Server.AppInfo(ctx, c.serverEndpoint, c.access)
	switch {
	case portal.ProblemOf(err) == portal.Unverified:
		return refused("%w", err)
	case err != nil:
		return err
	case string(info.MemberID) != c.memberID:
		return refused("the tokens belong to another portal than member_id says")
	}
	target := bitrix24.Target{Endpoint: info.ClientEndpoint, Access: c.access, MemberID: string(info.MemberID)}
	result, err := s.REST.Batch(ctx, target, []bitrix24.Command{{Key: "profile", Method: "profile"}})
	var profile gate.Profile
	if err == nil {
		err = result.Decode("profile", &profile)
	}
	if err != nil {
		return gate.Problem(err)
	}
	if user := profile.User(); !user.Admin || user.ID != info.UserID {
		return refused("the portal was erased, and user %d is no administrator who could bring it back", user.ID)
	}
	return nil
}
