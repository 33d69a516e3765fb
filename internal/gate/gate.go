// Package gate admits people to pages: it decides whether a request that opens a page in the iframe is to be believed,
// and whose it is. The proof is that the posted access token works at the portal's stored address; the portal's own
// profile says who the user is. That answer rides along in the page's first batch, so identity costs no request.
//
// Who may install the app is package install's business.
package gate

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/session"
	"itemlens/internal/tracing"
)

// Store is what the gate needs of storage.
type Store interface {
	// Visit and Resume read all that an opened page, and a request of an open page, need, in one round trip.
	Visit(ctx context.Context, id portal.MemberID, refreshHash []byte) (portal.Visit, error)
	Resume(ctx context.Context, id portal.MemberID, user portal.UserID) (portal.Portal, portal.Token, error)
	// SaveToken stores a posted pair as a claim; one whose refresh token is known already it leaves alone.
	SaveToken(ctx context.Context, t portal.Token) error
	TakeOver(ctx context.Context, id portal.MemberID, user portal.UserID) (bool, error)
	RetireInstaller(ctx context.Context, id portal.MemberID, user portal.UserID) error
	MovePortal(ctx context.Context, id portal.MemberID, clientEndpoint, domain string) error
	LearnApplicationToken(ctx context.Context, id portal.MemberID, token secret.Text) error
}

// Registrar registers a genuine portal that is unknown here: our database was restored, or the install event was lost.
type Registrar interface {
	// Adopt returns the portal and a fresh token of the user, or a *portal.Error, with Unverified where nobody vouches for them.
	Adopt(ctx context.Context, req *bitrix24.AppRequest) (portal.Portal, portal.Token, error)
	// Missing is told what the platform answered to a token. Where that says that the app is not installed, it has that
	// looked into.
	Missing(ctx context.Context, id portal.MemberID, answer error) (bool, error)
}

// Planner puts work into the queue.
type Planner interface {
	// PlanBind has the portal's tabs and event handlers made right soon, in the installer's name.
	PlanBind(ctx context.Context, id portal.MemberID) error
}

// Gate admits requests.
type Gate struct {
	Store     Store
	Registrar Registrar
	Tokens    *oauth.Tokens
	Server    *oauth.Server
	REST      *bitrix24.Client
	Sessions  *session.Keeper
	Door      *Door
	Planner   Planner
	Log       *slog.Logger
	Now       func() time.Time
}

// Visit is one opened page. It is believed only after its first batch; User is set from then on.
type Visit struct {
	Portal portal.Portal
	User   portal.User
	Lang   string // the user's language, in the platform's codes

	gate  *Gate
	req   *bitrix24.AppRequest // nil where the visit goes on
	known portal.Visit         // of an opened page
	token portal.Token
	ask   bool // the next batch asks who the user is

	browserZone string // of a page that is open: the browser's time zone, as it says

	answered bool      // the portal has answered to the user's token in this request
	provenAt time.Time // when the portal last answered to the user's token

	proven bool // the tokens are known to be the portal's; until then they get a stranger's share of requests
}

// Admit finds the portal of a request. It makes no request to the portal; the first Batch of the visit does.
func (g *Gate) Admit(ctx context.Context, req *bitrix24.AppRequest) (visit *Visit, err error) {
	ctx, span := tracing.Begin(ctx, "gate.Admit")
	defer func() { end(span, err) }()
	expires := req.ExpiresIn
	if expires == 0 {
		expires = time.Hour
	}
	v := &Visit{Lang: req.Lang, gate: g, req: req, token: portal.Token{
		MemberID: portal.MemberID(req.MemberID), Access: req.Access, Refresh: req.Refresh, ExpiresAt: g.Now().Add(expires),
	}}
	known, proven, err := g.lookUp(ctx, req)
	p := known.Portal
	switch {
	case errors.Is(err, portal.ErrUnknownPortal) || err == nil && !p.Installed():
		v.Portal, v.token, err = g.Registrar.Adopt(ctx, req)
		if err != nil {
			return nil, err
		}
		v.proven = true                                                                     // by the exchange
		v.known = portal.Visit{Portal: v.Portal, PairOf: v.token.UserID, PairCurrent: true} // Adopt has stored it
		return v, nil
	case err != nil:
		return nil, err
	}
	v.Portal, v.known, v.proven = p, known, proven
	if req.Domain != p.Domain && req.Domain != bitrix24.EndpointHost(p.ClientEndpoint) {
		if err := v.confirmMove(ctx, req.Domain); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// lookUp finds the portal that a request names, and whether what it brings proves that it comes from there: whoever knows the
// application_token, or the refresh token of a user, has them from the portal.
func (g *Gate) lookUp(ctx context.Context, req *bitrix24.AppRequest) (known portal.Visit, proven bool, err error) {
	leave, err := g.Door.enter(ctx, req)
	if err != nil {
		return known, false, err
	}
	defer leave()
	known, err = g.Store.Visit(ctx, portal.MemberID(req.MemberID), req.Refresh.Hash())
	if err != nil {
		return known, false, err
	}
	if known.Portal.ApplicationToken.Equal(req.ApplicationToken) {
		g.Door.remember(known.Portal.MemberID, req.ApplicationToken)
		return known, true, nil
	}
	return known, known.PairOf != 0, nil
}

// end ends a span with the problem that people are told of.
func end(span tracing.Span, err error) {
	if span.Recording() {
		outcome := "ok"
		if err != nil {
			outcome = string(portal.ProblemOf(err))
		}
		span.Outcome(outcome)
		span.End()
	}
}

// Session makes the token with which the visit's page may ask for more. It is for visits whose user is known.
func (v *Visit) Session() (secret.Text, error) {
	return v.gate.Sessions.Issue(session.Session{
		MemberID: v.Portal.MemberID, UserID: v.User.ID, InstalledAt: v.Portal.InstalledAt.UnixMicro(), Lang: v.Lang, TimeZone: v.User.TimeZone,
		ProvenAt: v.provenAt.Unix(),
	})
}

// Resume goes on with the visit that a page began: who its session names, with the token that was stored for them when
// the page was opened. Errors are problems for people.
func (g *Gate) Resume(ctx context.Context, r *http.Request) (visit *Visit, err error) {
	ctx, span := tracing.Begin(ctx, "gate.Resume")
	defer func() { end(span, err) }()
	s, err := g.Sessions.Of(r)
	switch {
	case errors.Is(err, session.ErrExpired):
		return nil, &portal.Error{Problem: portal.TokenExpired, Err: err}
	case err != nil:
		return nil, &portal.Error{Problem: portal.Unverified, Err: err}
	}
	p, token, err := g.Store.Resume(ctx, s.MemberID, s.UserID)
	noToken := errors.Is(err, portal.ErrNoToken)
	switch {
	case errors.Is(err, portal.ErrUnknownPortal) || (err == nil || noToken) && !p.Installed():
		return nil, portal.Problemf(portal.NotInstalled, "the portal of the session has removed the app")
	case err != nil && !noToken:
		return nil, err
	case p.InstalledAt.UnixMicro() != s.InstalledAt:
		return nil, portal.Problemf(portal.TokenExpired, "the session is of an earlier installation")
	case noToken:
		return nil, portal.Problemf(portal.TokenExpired, "no token is stored for the user of the session")
	}
	return &Visit{Portal: p, User: portal.User{ID: s.UserID, TimeZone: s.TimeZone}, Lang: s.Lang, gate: g, token: token, proven: true,
		provenAt: time.Unix(s.ProvenAt, 0)}, nil
}

// AskWho makes the next batch ask the portal who the user is and whether an administrator, although a session says it.
func (v *Visit) AskWho() { v.ask = true }

// Batch runs commands as the user who looks. The first one asks for profile too; MaxBatch-1 commands fit. Errors are
// problems for people; errors of single commands are in the result.
func (v *Visit) Batch(ctx context.Context, commands []bitrix24.Command) (answer *bitrix24.BatchResult, err error) {
	ctx, span := tracing.Begin(ctx, "gate.Batch")
	defer func() { end(span, err) }()
	first := v.User.ID == 0 || v.ask
	if first {
		commands = append([]bitrix24.Command{{Key: "profile", Method: "profile"}}, commands...)
	}
	result, err := v.run(ctx, commands)
	var redirect *bitrix24.RedirectError
	if errors.As(err, &redirect) {
		// The portal answers from elsewhere. The token goes there only if the OAuth server says the same.
		if err := v.confirmMove(ctx, bitrix24.EndpointHost(redirect.Location)); err != nil {
			return nil, err
		}
		result, err = v.run(ctx, commands)
	}
	if err != nil {
		return nil, v.missing(ctx, Problem(err))
	}
	if first {
		if err := v.identify(ctx, result); err != nil {
			return nil, err
		}
	}
	v.provenAt, v.answered = v.gate.Now(), true
	return result, nil
}

// missing has it looked into that the platform says to a token that is known as the portal's that the app is not
// installed there: the event of a removal may never come. It returns the problem as it is.
func (v *Visit) missing(ctx context.Context, problem error) error {
	if v.proven && portal.ProblemOf(problem) == portal.NotInstalled {
		if _, err := v.gate.Registrar.Missing(ctx, v.Portal.MemberID, problem); err != nil {
			v.gate.Log.WarnContext(ctx, "a missing installation is not noted", "portal", v.Portal.MemberID, "error", err.Error())
		}
	}
	return problem
}

// proofLife is how long an answer of the portal to a user's token proves that this user may still look: what is answered
// from memory alone needs a proof that is not older.
const proofLife = 10 * time.Minute

// Prove asks the portal whether the user may still look, unless it has answered to the user's token lately.
func (v *Visit) Prove(ctx context.Context) error {
	if v.gate.Now().Sub(v.provenAt) < proofLife {
		return nil
	}
	v.AskWho()
	_, err := v.Batch(ctx, nil)
	return err
}

func (v *Visit) run(ctx context.Context, commands []bitrix24.Command) (*bitrix24.BatchResult, error) {
	var result *bitrix24.BatchResult
	ctx = v.caller(ctx)
	used, err := v.gate.Tokens.Use(ctx, v.Portal, v.token, func(ctx context.Context, pair portal.Token) error {
		// Before anything is read or written: what a page of one user asks for is never asked with another's token.
		if v.User.ID != 0 && pair.UserID != v.User.ID {
			return portal.Problemf(portal.TokenExpired, "the token belongs to user %d, the page to user %d", pair.UserID, v.User.ID)
		}
		var err error
		result, err = v.gate.REST.Batch(ctx, Target(v.Portal, pair), commands)
		return err
	})
	if err == nil {
		v.token = used
	}
	return result, err
}

// caller tells requests that are made for the visit whether its tokens are proven.
func (v *Visit) caller(ctx context.Context) context.Context {
	if v.proven {
		return bitrix24.Vouched(ctx)
	}
	return ctx
}

// identify reads who the user is and keeps what the visit has proven: the user's pair, the application_token where another
// one is stored, and who may stand for the portal. The last two come from administrators only: any user can post a false
// application_token, which would make the portal's real events look forged.
func (v *Visit) identify(ctx context.Context, result *bitrix24.BatchResult) error {
	var profile Profile
	if err := result.Decode("profile", &profile); err != nil {
		return Problem(err)
	}
	user := profile.User()
	if user.ID <= 0 {
		return portal.Problemf(portal.AccessDenied, "the portal names no active user")
	}
	if v.token.UserID != 0 && v.token.UserID != user.ID {
		return portal.Problemf(portal.Unverified, "the renewed token belongs to user %d, the page to user %d", v.token.UserID, user.ID)
	}
	user.TimeZone = cmp.Or(user.TimeZone, v.browserZone)
	v.token.UserID = user.ID
	v.User, v.ask, v.proven = user, false, true
	if v.req == nil {
		return nil
	}
	v.gate.Door.remember(v.Portal.MemberID, v.req.Access)
	return v.keep(ctx)
}

// keep stores what an opened page has proven. As a rule that is nothing: the pair is stored already.
func (v *Visit) keep(ctx context.Context) error {
	store, id := v.gate.Store, v.Portal.MemberID
	// A renewed pair is stored already, in the row of its user; without a refresh token there is nothing to store.
	renewed := !v.token.Refresh.Equal(v.req.Refresh)
	if !renewed && !(v.known.PairCurrent && v.known.PairOf == v.User.ID) {
		if v.known.PairOf != 0 && v.known.PairOf != v.User.ID {
			v.gate.Log.WarnContext(ctx, "a page posts another user's refresh token", "portal", id, "user", v.User.ID, "owner", v.known.PairOf)
		}
		if err := store.SaveToken(ctx, v.token); err != nil {
			return err
		}
	}
	if !v.User.Admin {
		if v.User.ID == v.Portal.InstallerID && !v.known.Orphaned {
			return store.RetireInstaller(ctx, id, v.User.ID)
		}
		return nil
	}
	// One that differs is learnt too: an event that brought a new one may have been lost, and without the right one every
	// event of the portal looks forged, its removal among them.
	if posted := v.req.ApplicationToken; !posted.IsZero() && !v.Portal.ApplicationToken.Equal(posted) {
		if err := store.LearnApplicationToken(ctx, id, v.req.ApplicationToken); err != nil {
			return err
		}
	}
	if !v.known.Orphaned {
		return nil
	}
	took, err := store.TakeOver(ctx, id, v.User.ID)
	if !took {
		return err
	}
	v.Portal.InstallerID = v.User.ID
	v.gate.Log.InfoContext(ctx, "an administrator takes over as installer", "portal", id, "user", v.User.ID)
	return v.gate.Planner.PlanBind(ctx, id) // what could not be bound in the former installer's name
}

// confirmMove asks the OAuth server whether the portal now lives at a host, and stores the new address if so.
func (v *Visit) confirmMove(ctx context.Context, host string) error {
	info, err := v.gate.Server.AppInfo(v.caller(ctx), v.Portal.ServerEndpoint, v.token.Access)
	if err != nil {
		return err
	}
	if info.MemberID != v.Portal.MemberID || !info.LivesAt(host) {
		return portal.Problemf(portal.Unverified, "the portal is said to be at %.100q, and by the OAuth server at %s", host, info.Domain)
	}
	if err := v.gate.Store.MovePortal(ctx, v.Portal.MemberID, info.ClientEndpoint, info.Domain); err != nil {
		return err
	}
	v.Portal.ClientEndpoint, v.Portal.Domain = info.ClientEndpoint, info.Domain
	return nil
}

// Target is where a portal's REST is asked, with a token of that portal.
func Target(p portal.Portal, token portal.Token) bitrix24.Target {
	return bitrix24.Target{
		Endpoint: p.ClientEndpoint, Access: token.Access, Family: p.LicenseFamily, MemberID: string(p.MemberID), UserID: int64(token.UserID),
	}
}

// Profile is the answer of the method profile (api-reference/common/users/profile.md).
type Profile struct {
	ID       bitrix24.ID   `json:"ID"`
	Admin    bitrix24.Bool `json:"ADMIN"`
	Name     string        `json:"NAME"`
	LastName string        `json:"LAST_NAME"`
	TimeZone string        `json:"TIME_ZONE"`
}

// UnmarshalJSON reads an inactive user's empty answer, which comes as [], as nobody.
func (p *Profile) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		return nil
	}
	type plain Profile
	return json.Unmarshal(text, (*plain)(p))
}

// User is the profile in terms of the domain.
func (p Profile) User() portal.User {
	return portal.User{ID: portal.UserID(p.ID), Admin: bool(p.Admin), Name: strings.TrimSpace(p.Name + " " + p.LastName), TimeZone: p.TimeZone}
}
