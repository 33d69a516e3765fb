package gate

import (
	"errors"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// Problem turns what a portal answered into a problem that a person can meet. What is one already stays as it is.
func Problem(err error) error {
	var known *portal.Error
	if errors.As(err, &known) {
		return err
	}
	var redirect *bitrix24.RedirectError
	var busy *bitrix24.BusyError
	for _, rule := range []struct {
		is      func(error) bool
		problem portal.Problem
	}{
		{bitrix24.IsExpiredToken, portal.TokenExpired},
		{bitrix24.IsInvalidToken, portal.Unverified},
		{bitrix24.IsNotInstalled, portal.NotInstalled},
		{bitrix24.IsNotFound, portal.NotFound},
		{bitrix24.IsPlanWithoutREST, portal.PaymentRequired},
		{bitrix24.IsAccessDenied, portal.AccessDenied},
		{bitrix24.IsExtranetUser, portal.ExtranetUser},
		{bitrix24.IsUserWithoutAccess, portal.NoAppAccess},
		{bitrix24.IsInsufficientScope, portal.MissingScope},
		{bitrix24.IsPaymentRequired, portal.PaymentRequired},
		{bitrix24.IsPortalDeleted, portal.PortalDeleted},
		{func(err error) bool { return errors.As(err, &busy) }, portal.PortalBusy},
		{bitrix24.IsRateLimit, portal.PortalBusy},
		{bitrix24.IsOperationTimeLimit, portal.PortalBusy},
		{bitrix24.IsOverload, portal.PortalBusy},
		{bitrix24.IsUnreachable, portal.Unreachable},
		{func(err error) bool { return errors.As(err, &redirect) }, portal.Unreachable},
	} {
		if rule.is(err) {
			return &portal.Error{Problem: rule.problem, Err: err}
		}
	}
	var platform *bitrix24.Error
	if errors.As(err, &platform) {
		return &portal.Error{Problem: portal.Unreachable, Err: err} // an error that we do not know
	}
	return err
}
