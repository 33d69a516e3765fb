// Package oauth gets and renews tokens. Server speaks with the platform's OAuth server: the exchange of a refresh
// token, over golang.org/x/oauth2, and app.info, which tells whose a token is. Tokens gives callers a working access
// token: it tries the one at hand and, when the portal says expired_token, renews it once.
package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/tracing"
)

// Config names the app to the OAuth servers.
type Config struct {
	ClientID     string
	ClientSecret secret.Text
	// Servers are the origins of the OAuth servers that are believed, such as https://oauth.bitrix.info; the first is
	// the default. A request may choose among them (regions differ), and can add none.
	Servers      []string
	Timeout      time.Duration // of one request
	AllowPrivate bool          // see bitrix24.Options
	Rate         int           // questions a second about tokens that nobody has vouched for; 0: no limit
	Observe      func(ctx context.Context, o bitrix24.Observation)
	Now          func() time.Time
}

// Server is the client of the OAuth servers.
type Server struct {
	config Config
	http   *http.Client
	rest   *bitrix24.Client

	strangers *strangerLimits
}

// NewServer makes a client.
func NewServer(c Config) (*Server, error) {
	if c.Observe == nil {
		c.Observe = func(context.Context, bitrix24.Observation) {}
	}
	strangers, err := newStrangers(c.Rate)
	if err != nil {
		return nil, fmt.Errorf("make client of the OAuth servers: %w", err)
	}
	rest, err := bitrix24.NewClient(bitrix24.Options{
		Timeout: c.Timeout, MaxBody: 1 << 20, AllowPrivate: c.AllowPrivate, Refused: refusesToken, Observe: c.Observe, Service: "oauth/",
	})
	client := bitrix24.NewHTTPClient(c.Timeout, c.AllowPrivate, nil)
	client.Transport = lenientTransport{client.Transport}
	return &Server{config: c, http: client, rest: rest, strangers: strangers}, err
}

// Close lets go of idle connections.
func (s *Server) Close() {
	s.http.CloseIdleConnections()
	s.rest.Close()
}

// Endpoint is the REST address of the OAuth server that a request names, if that one is believed, else of the default.
func (s *Server) Endpoint(named string) string {
	origin := bitrix24.EndpointOrigin(named)
	for _, server := range s.config.Servers {
		if strings.TrimRight(server, "/") == origin {
			return origin + "/rest/"
		}
	}
	return strings.TrimRight(s.config.Servers[0], "/") + "/rest/"
}

// Grant is what the OAuth server answers to an exchange (settings/oauth/auto-renewal.md). The access token alone is sure
// to be there: by the time of the answer the old refresh token is used up, so nothing else that is missing, or in another
// form than the documented one, may cost the new pair.
type Grant struct {
	MemberID       portal.MemberID // empty where the server does not tell
	UserID         portal.UserID   // 0 where the server does not tell
	Access         secret.Text
	Refresh        secret.Text // none where the server gives none
	ExpiresAt      time.Time
	ServerEndpoint string
	Scope          []string
	Status         string
}

// Token is the grant's pair, for storage.
func (g Grant) Token() portal.Token {
	return portal.Token{MemberID: g.MemberID, UserID: g.UserID, Access: g.Access, Refresh: g.Refresh, ExpiresAt: g.ExpiresAt}
}

// Refresh exchanges a refresh token for a new pair. The old refresh token is used up, so the grant must be stored
// before anything else is done with it, and the request is never repeated.
//
// Errors: *portal.DeadTokenError where the OAuth server refuses the token, or us; *portal.Error with OAuthUnreachable
// where it gives no usable answer, which is one without access token.
func (s *Server) Refresh(ctx context.Context, serverEndpoint string, refresh secret.Text) (Grant, error) {
	return s.refresh(ctx, serverEndpoint, refresh, &bitrix24.Exchange{})
}

// refresh is Refresh, and tells what was sent: nothing has a zero time.
func (s *Server) refresh(ctx context.Context, serverEndpoint string, refresh secret.Text, sent *bitrix24.Exchange) (Grant, error) {
	endpoint := s.Endpoint(serverEndpoint)
	secret.Note(ctx, refresh)
	if err := s.strangers.known(ctx, endpoint, refresh); err != nil {
		return Grant{}, err
	}
	grant, err := s.exchange(ctx, endpoint, refresh, sent, func(ctx context.Context, config oauth2.Config) (*oauth2.Token, error) {
		return config.TokenSource(ctx, &oauth2.Token{RefreshToken: refresh.Reveal()}).Token()
	})
	s.strangers.remember(ctx, endpoint, refresh, err)
	return grant, err
}

// ExchangeCode exchanges an authorization code, which is good for 30 seconds and works once (settings/oauth/index.md).
// Errors are those of Refresh.
func (s *Server) ExchangeCode(ctx context.Context, serverEndpoint string, code secret.Text) (Grant, error) {
	secret.Note(ctx, code)
	return s.exchange(ctx, s.Endpoint(serverEndpoint), code, &bitrix24.Exchange{}, func(ctx context.Context, config oauth2.Config) (*oauth2.Token, error) {
		return config.Exchange(ctx, code.Reveal())
	})
}

// AuthorizeURL is where a portal's user agrees to the app, and comes back from with a code and the state.
func (s *Server) AuthorizeURL(portalOrigin, state string) string {
	return portalOrigin + "/oauth/authorize/?" + url.Values{"client_id": {s.config.ClientID}, "state": {state}}.Encode()
}

func (s *Server) exchange(
	ctx context.Context, endpoint string, spent secret.Text, sent *bitrix24.Exchange, get func(context.Context, oauth2.Config) (*oauth2.Token, error),
) (Grant, error) {
	ctx, span := tracing.BeginRequest(ctx, exchangeMethod)
	defer span.End()
	seen := bitrix24.Observation{Method: exchangeMethod}
	_, seen.Stranger = bitrix24.Stranger(ctx)
	asked := time.Now()
	if err := s.strangers.turn(ctx, exchangeMethod, spent); err != nil {
		seen.Code = bitrix24.CodeOf(err)
		s.config.Observe(ctx, seen)
		span.Outcome(seen.Code)
		return Grant{}, err
	}
	config := oauth2.Config{
		ClientID:     s.config.ClientID,
		ClientSecret: s.config.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{
			TokenURL: strings.TrimSuffix(endpoint, "rest/") + "oauth/token/",
			// The documentation shows GET with everything in the URL. The official JS SDK posts a form instead, so that
			// no log on the way keeps the secret, and so does x/oauth2.
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, oauth2.HTTPClient, s.http), s.config.Timeout)
	defer cancel()

	start := time.Now()
	token, err := get(ctx, config)
	code, status := "ok", http.StatusOK
	if err != nil {
		code, status, err = refreshError(err)
	}
	seen.Code, seen.Duration, seen.Waited, seen.Sent = code, time.Since(start), start.Sub(asked), true
	s.config.Observe(ctx, seen)
	span.Outcome(code)
	*sent = bitrix24.Exchange{Method: exchangeMethod, At: start, Duration: seen.Duration, Status: status, Code: code}
	if err != nil {
		return Grant{}, err
	}
	secret.Note(ctx, secret.New(token.AccessToken), secret.New(token.RefreshToken))
	grant := Grant{
		MemberID: portal.MemberID(extraText(token, "member_id")),
		UserID:   portal.UserID(max(0, extraInt(token, "user_id"))),
		Access:   secret.New(token.AccessToken),
		// Not token.RefreshToken: where the answer has none, the library puts the old one there.
		Refresh:        secret.New(extraText(token, "refresh_token")),
		ExpiresAt:      s.config.Now().Add(time.Hour),
		ServerEndpoint: endpoint,
		Scope:          bitrix24.SplitScope(extraText(token, "scope")),
		Status:         extraText(token, "status"),
	}
	if token.ExpiresIn > 0 {
		grant.ExpiresAt = s.config.Now().Add(time.Duration(token.ExpiresIn) * time.Second)
	}
	return grant, nil
}

// exchangeMethod names the exchange of a token in metrics, traces and logs.
const exchangeMethod = "oauth/token"

// refreshError tells dead tokens from passing trouble (settings/oauth/error-codes.md, and the official Python SDK for the
// last four), by the code alone: the status differs, wrong_client comes with 200 too. The library's own error repeats the
// answer's body, so only its code goes on.
func refreshError(err error) (code string, status int, problem error) {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		var urlErr *url.Error
		if errors.As(err, &urlErr) {
			err = urlErr.Err // without the address, whatever it holds
		}
		return "no_answer", 0, portal.Problemf(portal.OAuthUnreachable, "exchange at the OAuth server: %w", &foreignError{err})
	}
	code = strings.ToLower(bitrix24.CleanCode(refused.ErrorCode))
	if refused.Response != nil {
		status = refused.Response.StatusCode
	}
	answer := &bitrix24.Error{Method: exchangeMethod, Status: status, Code: code}
	if slices.Contains(DeadReasons(), code) {
		return code, status, &portal.DeadTokenError{Reason: code, Err: answer}
	}
	return bitrix24.CodeOf(answer), status, &portal.Error{Problem: portal.OAuthUnreachable, Err: answer}
}

// DeadReasons are the codes with which the OAuth server refuses a refresh token, or us.
func DeadReasons() []string {
	return []string{"invalid_grant", "portal_deleted", "insufficient_scope", "invalid_scope", "user_access_error", "payment_required",
		"invalid_client", "wrong_client", "not_installed", "no_auth_found"}
}

// foreignError bounds and cleans the text of an error that may repeat what a server answered.
type foreignError struct{ err error }

func (e *foreignError) Error() string { return bitrix24.CleanText(e.err.Error(), 200) }
func (e *foreignError) Unwrap() error { return e.err }

func extraText(t *oauth2.Token, name string) string {
	text, _ := t.Extra(name).(string)
	return text
}

func extraInt(t *oauth2.Token, name string) int64 {
	switch v := t.Extra(name).(type) {
	case float64:
		return int64(v)
	case string:
		n, _ := strconv.ParseInt(v, 10, 64)
		return n
	default:
		return 0
	}
}

// Info is what the OAuth server knows of an access token: whose app, which portal, which user.
type Info struct {
	ClientID       string
	MemberID       portal.MemberID
	UserID         portal.UserID
	ClientEndpoint string
	Domain         string // host of the portal's pages; where the server names none, that of ClientEndpoint
	Status         string
	Scope          []string
	Installed      bool // the server says so, or does not say; false also between an update and its installer's end
}

// LivesAt reports whether the portal's pages or its REST are at a host. As a rule both are; the SDKs' samples show
// portals where they differ.
func (i Info) LivesAt(host string) bool {
	return host != "" && (host == i.Domain || host == bitrix24.EndpointHost(i.ClientEndpoint))
}

// AppInfo asks the OAuth server about an access token, without spending anything (the official SDKs' secure check;
// the answer's shape is theirs). It returns the problem Unverified for a token that is not the platform's, not ours or
// no longer valid, PaymentRequired or PortalDeleted where the server says so, PortalBusy for a stranger whose turn it is
// not, and OAuthUnreachable where the server gives no usable answer.
func (s *Server) AppInfo(ctx context.Context, serverEndpoint string, access secret.Text) (Info, error) {
	target := bitrix24.Target{Endpoint: s.Endpoint(serverEndpoint), Access: access}
	err := s.rest.Refused(ctx, target)
	if err == nil {
		asked := time.Now()
		err = s.strangers.turn(ctx, "oauth/app.info", access)
		seen := bitrix24.Observation{Method: "oauth/app.info", Waited: time.Since(asked)}
		if err != nil {
			seen.Waited, seen.Code = 0, bitrix24.CodeOf(err)
		}
		s.config.Observe(ctx, seen)
	}
	var answer *bitrix24.Answer
	if err == nil {
		answer, err = s.rest.Call(ctx, target, "app.info", nil)
	}
	if err != nil {
		return Info{}, infoError(err)
	}
	var result struct {
		ClientID string      `json:"client_id"`
		Scope    string      `json:"scope"`
		UserID   bitrix24.ID `json:"user_id"`
		Install  struct {
			Status         string `json:"status"`
			Domain         string `json:"domain"`
			ClientEndpoint string `json:"client_endpoint"`
			MemberID       string `json:"member_id"`
			Installed      *bool  `json:"installed"`
		} `json:"install"`
	}
	if err := json.Unmarshal(answer.Result, &result); err != nil {
		return Info{}, portal.Problemf(portal.OAuthUnreachable, "read app.info: %w", err)
	}
	if result.ClientID != s.config.ClientID {
		return Info{}, portal.Problemf(portal.Unverified, "the access token belongs to another app")
	}
	endpoint, err := bitrix24.ParseEndpoint(result.Install.ClientEndpoint, s.config.AllowPrivate)
	if err != nil || result.Install.MemberID == "" || result.UserID <= 0 {
		return Info{}, portal.Problemf(portal.Unverified, "app.info names no usable portal: %w", errors.Join(err, fmt.Errorf("user %d", result.UserID)))
	}
	domain := bitrix24.CanonicalHost(result.Install.Domain)
	if !bitrix24.ValidHost(domain) {
		domain = bitrix24.EndpointHost(endpoint)
	}
	return Info{
		Domain:         domain,
		ClientID:       result.ClientID,
		MemberID:       portal.MemberID(result.Install.MemberID),
		UserID:         portal.UserID(result.UserID),
		ClientEndpoint: endpoint,
		Status:         result.Install.Status,
		Scope:          bitrix24.SplitScope(result.Scope),
		Installed:      result.Install.Installed == nil || *result.Install.Installed,
	}, nil
}

// infoError tells what a refusal of app.info means, by its code.
func infoError(err error) error {
	problem := portal.OAuthUnreachable
	var known *portal.Error
	switch {
	case errors.As(err, &known):
		return err
	case bitrix24.IsPaymentRequired(err):
		problem = portal.PaymentRequired
	case bitrix24.IsPortalDeleted(err):
		problem = portal.PortalDeleted
	case refusesToken(err) || bitrix24.IsExpiredToken(err):
		problem = portal.Unverified
	}
	return portal.Problemf(problem, "ask the OAuth server whose the access token is: %w", err)
}

// refusesToken reports that app.info does not know a token. For one that it cannot read it says invalid_client (the
// official Python SDK). What passes (limits, a server in trouble) refuses nothing, nor does a code that nobody has seen.
func refusesToken(err error) bool {
	var refused *bitrix24.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch strings.ToLower(refused.Code) {
	case "invalid_client", "wrong_client", "invalid_grant", "access_denied":
		return true
	}
	return bitrix24.IsInvalidToken(err) || bitrix24.IsNotInstalled(err) || bitrix24.IsInsufficientScope(err) || bitrix24.IsUserWithoutAccess(err)
}
