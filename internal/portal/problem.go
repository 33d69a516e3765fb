package portal

import (
	"errors"
	"fmt"
)

// Problem is something that a person can meet and do something about. Each has its own status, page and messages
// (web/locales, keys problem.<code>.*). Whatever is no Problem is "internal": whole in the log, plain to the user.
type Problem string

// The problems. The comment says whose fault it usually is.
const (
	BadRequest       Problem = "bad_request"        // the sender's: the form cannot be understood
	TooLarge         Problem = "too_large"          // the sender's: more than any portal sends
	UnknownPage      Problem = "unknown_page"       // nobody's: no such page
	Unverified       Problem = "unverified"         // the sender's: the OAuth server does not vouch for the request
	NotAdministrator Problem = "not_administrator"  // the user's: installing needs an administrator
	NotInstalled     Problem = "not_installed"      // the portal has not installed the app, or has removed it
	AccessDenied     Problem = "access_denied"      // the user may not read this item
	NotFound         Problem = "not_found"          // the item or its type is gone
	ExtranetUser     Problem = "extranet_user"      // CRM is for employees only
	NoAppAccess      Problem = "no_app_access"      // an administrator keeps this user out of the app
	MissingScope     Problem = "missing_scope"      // the portal granted too little
	TokenExpired     Problem = "token_expired"      // the page is stale: opening it anew helps
	PaymentRequired  Problem = "payment_required"   // the app's or the portal's plan has ended
	PortalDeleted    Problem = "portal_deleted"     // the portal is closed or gone
	PortalBusy       Problem = "portal_busy"        // a limit of the portal: later is fine
	Unreachable      Problem = "portal_unreachable" // the portal does not answer, or answers nonsense
	OAuthUnreachable Problem = "oauth_unreachable"  // the OAuth server does not answer
	InstallFailed    Problem = "install_failed"     // a step of the installation failed; trying again is safe
	WrongClient      Problem = "wrong_client"       // the operator's: client_id or client_secret is wrong
	StorageDown      Problem = "storage_down"       // the operator's: the database does not answer
	SettingsConflict Problem = "settings_conflict"  // another administrator's change came first
	InvalidSettings  Problem = "invalid_settings"   // the settings name what the portal does not have
	NothingToUndo    Problem = "nothing_to_undo"    // the settings' history goes back no further
	AdminOnly        Problem = "admin_only"         // the user's: settings are for administrators
	Internal         Problem = "internal"           // ours
)

// Error is a Problem with its cause. Detail is shown to the person and so holds no secret and no foreign text that was
// not meant for people.
type Error struct {
	Problem Problem
	Detail  string
	Err     error
}

// Problemf makes an Error from a cause given as by fmt.Errorf.
func Problemf(p Problem, format string, args ...any) error {
	return &Error{Problem: p, Err: fmt.Errorf(format, args...)}
}

// Error tells the problem and its cause, for the log.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Problem)
	}
	return string(e.Problem) + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ProblemOf finds the problem in an error chain; what carries none is Internal.
func ProblemOf(err error) Problem {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem
	}
	return Internal
}

// ErrUnknownPortal is returned where no record of the portal exists.
var ErrUnknownPortal = errors.New("no record of this portal")

// ErrNoToken is returned where no token of the user is stored.
var ErrNoToken = errors.New("no token stored for this user")

// The reasons of ours why a refresh token is dead; the others are the OAuth server's codes.
const (
	DeadReplaced  = "replaced"         // it was exchanged a while ago
	DeadForeign   = "foreign"          // its exchange named another user or portal
	DeadNoRefresh = "no_refresh_token" // its exchange brought none
	DeadUnnamed   = "unnamed"          // its exchange named nobody, and it was not proven before
	DeadMoved     = "moved"            // its exchange named the installer's successor
)

// DeadTokenError says that the OAuth server refuses a refresh token and why. It is not tried again; the user's next open
// of the app brings a new one.
type DeadTokenError struct {
	Reason string // the OAuth server's code in lower case, such as "invalid_grant"
	Err    error
}

// Passing reports whether the reason may end by itself: the app is paid for again, or the operator mends client_secret.
// Such a token may be tried again after a while; a mistake of ours must not cost a portal its token for good.
func (e *DeadTokenError) Passing() bool {
	return e.Reason == "payment_required" || e.Reason == "invalid_client" || e.Reason == "wrong_client"
}

// Error names the reason.
func (e *DeadTokenError) Error() string { return "refresh token is dead: " + e.Reason }

// Unwrap gives the OAuth server's answer, if this was the call that got it.
func (e *DeadTokenError) Unwrap() error { return e.Err }
