package bitrix24

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"itemlens/internal/secret"
)

// Error is an error that the platform itself answered (error-codes.md). Codes come in upper and lower case, so they
// are compared without case; some are empty, and only the description tells.
type Error struct {
	Method      string
	Status      int
	Code        string
	Description string
}

// Error names method, status and code. The description is left out: it is foreign text, and a portal of any owner may
// write into it what it likes.
func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = "(no code)"
	}
	return fmt.Sprintf("%s answered %s, status %d", e.Method, code, e.Status)
}

// Is makes errors.Is match another *Error by code alone.
func (e *Error) Is(target error) bool {
	other, ok := target.(*Error)
	return ok && strings.EqualFold(e.Code, other.Code)
}

// AnswerError is an answer that is not the platform's: no JSON, cut off, too large.
type AnswerError struct {
	Method string
	Status int
	Kind   string // empty, html, not_json, truncated, too_large, status, no_result, redirect
	Err    error
}

// Error names method, status and what was wrong, never the foreign text.
func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s: unusable answer (%s), status %d", e.Method, e.Kind, e.Status)
}

// Unwrap gives the cause, if there is one.
func (e *AnswerError) Unwrap() error { return e.Err }

// RedirectError says that the portal answers from another address: it was renamed, or somebody wants the token
// (settings/how-to-call-rest-api/change-domen.md). The caller decides which.
type RedirectError struct {
	Method   string
	Status   int
	Location string
}

// Error names method and status. The address may carry anything, so it is left out.
func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s was redirected, status %d", e.Method, e.Status)
}

// unreachableError is a request without an answer: no connection, refused by the guard, timed out. The text of the
// cause comes from net/http: it names the address, and can repeat the first line of what is no HTTP.
type unreachableError struct {
	method string
	err    error
	access secret.Text // what was sent, so that it can be taken out of the text
}

func (e *unreachableError) Error() string {
	text := e.err.Error()
	if !e.access.IsZero() {
		text = strings.ReplaceAll(text, e.access.Reveal(), secret.Redacted)
	}
	return e.method + ": no answer: " + CleanText(text, 300)
}
func (e *unreachableError) Unwrap() error { return e.err }

// clean makes an error safe to log: its code is a known one, or short and made of letters, digits and "_", and holds no
// part of the token that was sent. A portal of any owner writes into it what it likes.
func (e *Error) clean(access secret.Text) {
	e.Code, e.Description = CleanCode(e.Code, access), CleanText(e.Description, 500)
}

const longestCode = 40

// CleanCode writes a code that somebody else made up so that it can be logged and counted. What repeats a secret that was
// sent, or a part of it, becomes "redacted".
func CleanCode(code string, sent ...secret.Text) string {
	if knownCode(code) != otherCode {
		return code
	}
	cut := code[:min(len(code), longestCode)]
	for _, s := range sent {
		if text := s.Reveal(); text != "" && (strings.Contains(code, text) || len(cut) >= 8 && strings.Contains(text, cut)) {
			return "redacted"
		}
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, cut)
}

// CleanText bounds a foreign text, and writes "?" for what does not print.
func CleanText(text string, longest int) string {
	cut := len(text) > longest
	if cut {
		text = text[:longest]
	}
	text = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	if cut {
		text += "…"
	}
	return text
}

// IsUnreachable reports that the portal gave no answer, or none that the platform would give, or that it could not ask
// the OAuth server itself: all of that passes.
func IsUnreachable(err error) bool {
	var none *unreachableError
	var unusable *AnswerError
	return errors.As(err, &none) || errors.As(err, &unusable) || hasCode(err, connectionError)
}

// CodeOf is the code to count and log for an outcome: "ok", the platform's code in lower case, or a kind of failure.
func CodeOf(err error) string {
	var platform *Error
	var unusable *AnswerError
	var redirect *RedirectError
	var busy *BusyError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &busy):
		return "busy"
	case errors.As(err, &platform):
		return knownCode(platform.Code)
	case errors.As(err, &unusable):
		return "answer_" + unusable.Kind
	case errors.As(err, &redirect):
		return "redirect"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, ErrForbiddenAddress):
		return "forbidden_address"
	default:
		return "no_answer"
	}
}

// knownCode keeps a code that a portal made up from becoming a metric label of its own.
func knownCode(code string) string {
	code = strings.ToLower(code)
	for _, known := range [][]string{
		expiredToken, invalidToken, rateLimit, operationTimeLimit, overload, notFound, accessDenied, paymentRequired,
		portalDeleted, insufficientScope, userWithoutAccess, extranetUser, placementNotFound, notInstalled, oauthError,
		connectionError, deadGrant, wrongClient,
	} {
		for _, k := range known {
			if k == code {
				return k
			}
		}
	}
	return otherCode
}

const otherCode = "other"

// The codes, in lower case, that callers tell apart (_includes/system-errors.md, limits.md, settings/oauth/error-codes.md
// and the pages of the methods).
var (
	expiredToken       = []string{"expired_token"}
	invalidToken       = []string{"invalid_token", "no_auth_found", "wrong_auth_type", "authorization_error"}
	rateLimit          = []string{"query_limit_exceeded"}
	operationTimeLimit = []string{"operation_time_limit"}
	overload           = []string{"overload_limit"}
	notFound           = []string{"not_found"}
	accessDenied       = []string{"access_denied", "invalid_credentials"}
	paymentRequired    = []string{"payment_required"}
	portalDeleted      = []string{"portal_deleted"}
	insufficientScope  = []string{"insufficient_scope", "invalid_scope"}
	userWithoutAccess  = []string{"user_access_error"}
	extranetUser       = []string{"allowed_only_intranet_user"}
	placementNotFound  = []string{"error_placement_not_found"}
	notInstalled       = []string{"application_not_found", "not_installed"} // the second by the official Python SDK
	oauthError         = []string{"error_oauth"}                            // not installed, or not paid for: the text tells
	connectionError    = []string{"connection_error"}                       // the portal does not reach the OAuth server
	deadGrant          = []string{"invalid_grant"}
	wrongClient        = []string{"invalid_client", "wrong_client"}
)

func hasCode(err error, codes []string) bool {
	var platform *Error
	if !errors.As(err, &platform) {
		return false
	}
	for _, code := range codes {
		if strings.EqualFold(platform.Code, code) {
			return true
		}
	}
	return false
}

// says reports whether the platform's description holds a text, in lower case.
func says(err error, text string) bool {
	platform := platformError(err)
	return platform != nil && strings.Contains(strings.ToLower(platform.Description), text)
}

// IsExpiredToken reports that the access token's hour is over: refresh it and call again.
func IsExpiredToken(err error) bool { return hasCode(err, expiredToken) }

// IsInvalidToken reports that the portal does not know the token: it is forged, foreign or withdrawn.
func IsInvalidToken(err error) bool { return hasCode(err, invalidToken) }

// IsRateLimit reports that the portal's leaky bucket is full.
func IsRateLimit(err error) bool { return hasCode(err, rateLimit) }

// IsOperationTimeLimit reports that a method used up its seconds for the last ten minutes.
func IsOperationTimeLimit(err error) bool { return hasCode(err, operationTimeLimit) }

// IsOverload reports a manual block by the platform; trying again does not help.
func IsOverload(err error) bool { return hasCode(err, overload) }

// IsNotFound reports that the item or its type does not exist.
func IsNotFound(err error) bool { return hasCode(err, notFound) }

// IsAccessDenied reports that the user may not do this. Older methods say so without a code.
func IsAccessDenied(err error) bool {
	return (hasCode(err, accessDenied) || hasCode(err, []string{""}) && says(err, "access denied")) && !IsPlanWithoutREST(err)
}

// IsPlanWithoutREST reports that the portal's plan has no REST API. The code is the one of a user without rights, and so is
// the status, which differs between versions; only the text tells.
func IsPlanWithoutREST(err error) bool {
	return hasCode(err, accessDenied) && (says(err, "commercial plan") || says(err, "extended plan"))
}

// IsPaymentRequired reports that the app's paid or trial time is over.
func IsPaymentRequired(err error) bool {
	return hasCode(err, paymentRequired) || hasCode(err, oauthError) && says(err, "subscription")
}

// IsPortalDeleted reports that the portal is closed or gone.
func IsPortalDeleted(err error) bool { return hasCode(err, portalDeleted) }

// IsInsufficientScope reports that the portal granted the app too little.
func IsInsufficientScope(err error) bool { return hasCode(err, insufficientScope) }

// IsUserWithoutAccess reports that an administrator keeps this user out of the app.
func IsUserWithoutAccess(err error) bool { return hasCode(err, userWithoutAccess) }

// IsExtranetUser reports that the method is for employees only.
func IsExtranetUser(err error) bool { return hasCode(err, extranetUser) }

// IsNotInstalled reports that the portal has removed the app.
func IsNotInstalled(err error) bool {
	return hasCode(err, notInstalled) || hasCode(err, oauthError) && !says(err, "subscription")
}

// IsPlacementNotFound reports that the portal has no such placement.
func IsPlacementNotFound(err error) bool { return hasCode(err, placementNotFound) }
