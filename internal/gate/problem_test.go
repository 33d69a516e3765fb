package gate_test

import (
	"errors"
	"fmt"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
)

func TestWhatPortalsAnswerIsAProblemOfPeople(t *testing.T) {
	busy := &bitrix24.BusyError{Method: "batch"}
	for name, tt := range map[string]struct {
		err  error
		want portal.Problem
	}{
		"expired":                       {&bitrix24.Error{Code: "expired_token"}, portal.TokenExpired},
		"not a token":                   {&bitrix24.Error{Code: "invalid_token"}, portal.Unverified},
		"removed":                       {&bitrix24.Error{Code: "APPLICATION_NOT_FOUND"}, portal.NotInstalled},
		"no such item":                  {&bitrix24.Error{Code: "NOT_FOUND"}, portal.NotFound},
		"no rights":                     {&bitrix24.Error{Code: "ACCESS_DENIED"}, portal.AccessDenied},
		"kept out of the app":           {&bitrix24.Error{Code: "user_access_error"}, portal.NoAppAccess},
		"too little scope":              {&bitrix24.Error{Code: "insufficient_scope"}, portal.MissingScope},
		"not paid":                      {&bitrix24.Error{Code: "PAYMENT_REQUIRED"}, portal.PaymentRequired},
		"closed":                        {&bitrix24.Error{Code: "PORTAL_DELETED"}, portal.PortalDeleted},
		"our limit":                     {fmt.Errorf("call: %w", busy), portal.PortalBusy},
		"its limit":                     {&bitrix24.Error{Code: "QUERY_LIMIT_EXCEEDED"}, portal.PortalBusy},
		"a redirect":                    {fmt.Errorf("call: %w", &bitrix24.RedirectError{}), portal.Unreachable},
		"an error that nobody has seen": {&bitrix24.Error{Code: "TEAPOT"}, portal.Unreachable},
		"one that is told already":      {portal.Problemf(portal.AdminOnly, "of a portal: %w", &bitrix24.Error{Code: "ACCESS_DENIED"}), portal.AdminOnly},
		"none of the portal":            {errors.New("ours"), portal.Internal},
	} {
		if got := portal.ProblemOf(gate.Problem(tt.err)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
	if err := gate.Problem(nil); err != nil {
		t.Errorf("nothing is a problem: %v", err)
	}
	var made *portal.Error
	if own := errors.New("ours"); errors.As(gate.Problem(own), &made) {
		t.Error("an error of ours is told as a problem of people")
	}
}
