package install

import (
	"context"
	"errors"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// Connect takes an authorization code that a portal gave to a user (settings/oauth/index.md): it connects a portal from
// outside of it, and repairs one whose tokens are dead. An administrator's code does what an installation does; any other
// user's brings that user a fresh pair, where the portal is known. The code must be of the portal at the host to which the
// user was sent: a portal of somebody else's could lead the way back with a code of its own.
func (s *Service) Connect(ctx context.Context, serverDomain, host string, code secret.Text) (portal.Portal, *Report, error) {
	serverEndpoint := "https://" + serverDomain + "/rest/" // only chooses among the servers that are believed anyway
	grant, err := s.Server.ExchangeCode(ctx, serverEndpoint, code)
	if err != nil {
		return portal.Portal{}, nil, connectError(err)
	}
	// The answer to a code does not always name the user; app.info does.
	info, err := s.Server.AppInfo(ctx, grant.ServerEndpoint, grant.Access)
	if err != nil {
		return portal.Portal{}, nil, err
	}
	if info.MemberID != grant.MemberID || grant.UserID != 0 && grant.UserID != info.UserID {
		return portal.Portal{}, nil, portal.Problemf(portal.Unverified, "app.info and the exchange name different portals or users")
	}
	if !info.LivesAt(host) {
		return portal.Portal{}, nil, portal.Problemf(portal.Unverified, "the code is of the portal at %s, and not of the one at %.100q, which was asked for it", info.Domain, host)
	}
	p, err := s.describe(info, grant.ServerEndpoint)
	if err != nil {
		return p, nil, err
	}
	token := grant.Token()
	token.UserID = info.UserID
	report, err := s.establish(ctx, p, token)
	if portal.ProblemOf(err) != portal.NotAdministrator {
		return p, report, err
	}
	known, lookup := s.Store.Portal(ctx, p.MemberID)
	if lookup != nil || !known.Installed() {
		return p, nil, err
	}
	return known, nil, s.Store.SaveToken(ctx, token)
}

// connectError: a code that the OAuth server refuses is old, used or invented. Trying again brings a new one.
func connectError(err error) error {
	var dead *portal.DeadTokenError
	switch {
	case !errors.As(err, &dead):
		return err
	case dead.Reason == "payment_required":
		return &portal.Error{Problem: portal.PaymentRequired, Err: err}
	case dead.Passing():
		return &portal.Error{Problem: portal.WrongClient, Err: err}
	default:
		return portal.Problemf(portal.Unverified, "the OAuth server refuses the code: %w", err)
	}
}
