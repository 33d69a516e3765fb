// Package install registers portals and lets them go: the install page, the events of the app's life, and the
// placements and event handlers that stand in the portal. Nothing that a form says is believed before the OAuth server
// vouched for its tokens.
package install

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// neededScope is what the app cannot do without.
var neededScope = []string{"crm", "placement"}

// Store is what installing needs of storage. A portal and its first token appear together or not at all.
type Store interface {
	Portal(ctx context.Context, id portal.MemberID) (portal.Portal, error)
	SaveInstallation(ctx context.Context, p portal.Portal, t portal.Token) error
	SaveToken(ctx context.Context, t portal.Token) error
	RetireInstaller(ctx context.Context, id portal.MemberID, user portal.UserID) error
	SetStatus(ctx context.Context, id portal.MemberID, status string, scope []string) error
	SetLicense(ctx context.Context, id portal.MemberID, family string) error
	Token(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Token, error)
	KnowsHost(ctx context.Context, host string) (bool, error)
	DeleteInstallation(ctx context.Context, id portal.MemberID, clean bool) error
	CountSchemaChange(ctx context.Context, id portal.MemberID) error
	RecordBinding(ctx context.Context, id portal.MemberID, outcome string, skipped []string) error
	RemovalStore
}

// Planner puts work into the queue.
type Planner interface {
	// PlanBind has Rebind called for a portal soon, until it succeeds.
	PlanBind(ctx context.Context, id portal.MemberID) error
	// PlanStatus has RefreshStatus called for a portal soon; once in ten minutes, however often it is planned, and once
	// more after the last time.
	PlanStatus(ctx context.Context, id portal.MemberID) error
	// PlanRemovalCheck has CheckRemoval called for a portal: soon where an event claims a removal, else after a while.
	PlanRemovalCheck(ctx context.Context, id portal.MemberID, claim portal.RemovalClaim, after time.Duration) error
	// PlanEvent has VerifyEvent called for an event soon. It reports false where too many wait already.
	PlanEvent(ctx context.Context, c portal.EventClaim) (bool, error)
}

// Service installs and removes.
type Service struct {
	Planner   Planner
	Store     Store
	Forget    func(portal.MemberID) // called when a portal is gone, for what this process keeps of it
	Events    *EventRate
	Server    *oauth.Server
	Tokens    *oauth.Tokens
	REST      *bitrix24.Client
	PublicURL string            // origin and path at which portals reach the app, without "/" at the end
	Titles    map[string]string // title of the tab by language, as the platform names languages
	Log       *slog.Logger
	Now       func() time.Time
}

// claim is what a request says of itself: an install page, an event, or a page of an unknown portal.
type claim struct {
	memberID         string
	domain           string
	serverEndpoint   string
	access           secret.Text
	refresh          secret.Text
	applicationToken secret.Text
}

func pageClaim(req *bitrix24.AppRequest) claim {
	return claim{req.MemberID, req.Domain, req.ServerEndpoint, req.Access, req.Refresh, req.ApplicationToken}
}

func eventClaim(c portal.EventClaim) claim {
	return claim{string(c.MemberID), c.Domain, c.ServerEndpoint, c.Access, c.Refresh, c.ApplicationToken}
}

// register believes a claim after the OAuth server told whose the access token is, the portal said that this user is an
// administrator, and the OAuth server exchanged the refresh token for the same user, which also proves that we can keep
// access. The exchange comes last, and stores its pair together with the portal: nothing that is refused before uses the
// refresh token up, and what was exchanged is not lost. It returns what stands in the portal already.
func (s *Service) register(ctx context.Context, c claim) (portal.Portal, portal.Token, *portalBindings, error) {
	p, claimed, err := s.verify(ctx, c)
	if err != nil {
		return p, portal.Token{}, nil, err
	}
	token, now, err := s.prove(ctx, p, claimed)
	return p, token, now, err
}

// prove does what register does after the OAuth server told whose the access token is.
func (s *Service) prove(ctx context.Context, p portal.Portal, claimed portal.Token) (portal.Token, *portalBindings, error) {
	now, err := s.inspect(ctx, p, claimed)
	if err != nil {
		return portal.Token{}, nil, err
	}
	token, err := s.exchange(ctx, p, claimed)
	return token, now, err
}

// verify asks the OAuth server whose the access token of a claim is. What it returns is what the OAuth server said; of
// the claim it keeps the application_token and the pair, whose refresh token is still unproven. Nothing is stored.
func (s *Service) verify(ctx context.Context, c claim) (portal.Portal, portal.Token, error) {
	none := func(err error) (portal.Portal, portal.Token, error) { return portal.Portal{}, portal.Token{}, err }
	if c.access.IsZero() || c.refresh.IsZero() {
		return none(portal.Problemf(portal.Unverified, "the request brings no pair of tokens"))
	}
	info, err := s.Server.AppInfo(ctx, c.serverEndpoint, c.access)
	if err != nil {
		return none(err)
	}
	switch {
	case string(info.MemberID) != c.memberID:
		return none(portal.Problemf(portal.Unverified, "the tokens belong to another portal than member_id says"))
	case !info.LivesAt(c.domain):
		return none(portal.Problemf(portal.Unverified, "the tokens are of the portal at %s, and not of the one at %.100q, where the page was opened", info.Domain, c.domain))
	}
	p, err := s.describe(info, c.serverEndpoint)
	if err != nil {
		return none(err)
	}
	if named := bitrix24.EndpointHost(c.serverEndpoint); named != "" && named != bitrix24.EndpointHost(p.ServerEndpoint) {
		// A region whose OAuth server the operator may want to add to those that are trusted.
		s.Log.WarnContext(ctx, "an OAuth server that is not trusted was named", "portal", p.MemberID, "host", bitrix24.CleanText(named, longestHost), "used", p.ServerEndpoint)
	}
	p.ApplicationToken = c.applicationToken
	return p, portal.Token{MemberID: p.MemberID, UserID: info.UserID, Access: c.access, Refresh: c.refresh}, nil
}

// longestHost bounds what is logged of a host's name.
const longestHost = 100

// exchange proves the refresh token of a claim and stores the portal with the new pair.
func (s *Service) exchange(ctx context.Context, p portal.Portal, claimed portal.Token) (portal.Token, error) {
	token, err := s.Tokens.Register(ctx, p, claimed)
	var dead *portal.DeadTokenError
	if errors.As(err, &dead) && portal.ProblemOf(err) == portal.TokenExpired {
		return token, portal.Problemf(portal.Unverified, "the OAuth server refuses the refresh token: %w", err)
	}
	return token, err
}

// describe makes a portal of what the OAuth server told.
func (s *Service) describe(info oauth.Info, serverEndpoint string) (portal.Portal, error) {
	p := portal.Portal{
		MemberID:       info.MemberID,
		ClientEndpoint: info.ClientEndpoint,
		Domain:         info.Domain,
		ServerEndpoint: s.Server.Endpoint(serverEndpoint),
		Scope:          info.Scope,
		Status:         info.Status,
		InstallerID:    info.UserID,
	}
	if missing := p.MissingScope(neededScope...); len(missing) > 0 {
		return p, &portal.Error{Problem: portal.MissingScope, Err: fmt.Errorf("the portal did not grant %v", missing)}
	}
	return p, nil
}

// Adopt registers a genuine portal that is unknown here, on behalf of whoever opened a page of the app. The
// application_token of the request is kept only if an administrator opened it (see gate). A portal that was erased comes
// back by an administrator alone.
func (s *Service) Adopt(ctx context.Context, req *bitrix24.AppRequest) (portal.Portal, portal.Token, error) {
	c := pageClaim(req)
	c.applicationToken = secret.Text{}
	if err := s.mayReturn(ctx, c); err != nil {
		return portal.Portal{}, portal.Token{}, err
	}
	p, token, err := s.verify(ctx, c)
	if err == nil {
		token, err = s.exchange(ctx, p, token)
	}
	if err != nil {
		return p, token, err // the same for a forged page of a portal that is known: strangers do not learn who is a customer
	}
	s.Log.WarnContext(ctx, "unknown portal registered from an opened page", "portal", p.MemberID, "user", token.UserID)
	p, err = s.Store.Portal(ctx, p.MemberID)
	return p, token, err
}

// inspect asks the portal whether a token's user is an administrator. The answer brings along what stands in the portal
// already.
func (s *Service) inspect(ctx context.Context, p portal.Portal, token portal.Token) (*portalBindings, error) {
	ctx = bitrix24.Vouched(ctx) // by the exchange
	var profile gate.Profile
	now := &portalBindings{}
	target := gate.Target(p, token)
	result, err := s.REST.Batch(ctx, target, append([]bitrix24.Command{{Key: "profile", Method: "profile"}, plan}, now.commands(0)...))
	if err == nil {
		err = result.Decode("profile", &profile)
	}
	if err != nil {
		return nil, gate.Problem(fmt.Errorf("ask the portal who installs: %w", err))
	}
	user := profile.User()
	switch {
	case user.ID <= 0:
		return nil, portal.Problemf(portal.NotAdministrator, "the portal names no active user")
	case user.ID != token.UserID:
		return nil, portal.Problemf(portal.Unverified, "the portal and the OAuth server name different users")
	case !user.Admin:
		return nil, portal.Problemf(portal.NotAdministrator, "user %d is no administrator", user.ID)
	}
	now.readPlan(result)
	err = now.read(result)
	if errors.Is(err, errMoreTypes) {
		err = s.allTypes(ctx, target, now)
	}
	if err != nil {
		return nil, stepFailed("read_portal", err)
	}
	return now, nil
}

// stepFailed names the step of the installation that failed, for the page, unless the cause has a page of its own.
func stepFailed(step string, err error) error {
	err = gate.Problem(err)
	var known *portal.Error
	if errors.As(err, &known) && slices.Contains([]portal.Problem{portal.MissingScope, portal.PaymentRequired, portal.PortalDeleted, portal.PortalBusy}, known.Problem) {
		return err
	}
	return &portal.Error{Problem: portal.InstallFailed, Detail: step, Err: fmt.Errorf("installation step %s: %w", step, err)}
}
