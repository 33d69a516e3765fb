package storage_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

// authority answers exchanges by refresh token, and notes which it was asked for.
type authority struct {
	answers map[string]any // a portal.Token, or an error; others are refused
	asked   []string
}

func (a *authority) exchange(_ context.Context, refresh secret.Text, _ bool) (portal.Token, error) {
	a.asked = append(a.asked, strings.TrimPrefix(refresh.Reveal(), "refresh-"))
	switch answer := a.answers[a.asked[len(a.asked)-1]].(type) {
	case portal.Token:
		return answer, nil
	case error:
		return portal.Token{}, answer
	}
	return portal.Token{}, &portal.DeadTokenError{Reason: "invalid_grant"}
}

// renewals is a portal that user 1 has installed with the pair "a".
type renewals struct {
	*authority
	t *testing.T
	s *storage.Store
	c *clock
	p portal.Portal
}

func newRenewals(t *testing.T) *renewals {
	t.Helper()
	stores, c, p := setup(t)
	r := &renewals{&authority{answers: map[string]any{}}, t, stores[0], c, p}
	if err := r.s.SaveInstallation(t.Context(), p, r.pair(1, "a")); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *renewals) pair(user portal.UserID, name string) portal.Token {
	token := pair(r.p, user, name)
	token.ExpiresAt = r.c.time().Add(time.Hour)
	return token
}

// renew renews a user's pair whose access token has failed, and checks which tokens were exchanged for it.
func (r *renewals) renew(failed portal.Token, asked string) (portal.Token, error) {
	r.t.Helper()
	r.asked = nil
	got, err := r.s.RenewToken(r.t.Context(), failed, r.exchange)
	if strings.Join(r.asked, " ") != asked {
		r.t.Errorf("%v were exchanged, want %q", r.asked, asked)
	}
	return got, err
}

// want checks a renewal that brings a pair.
func (r *renewals) want(got portal.Token, err error, user portal.UserID, name string) {
	r.t.Helper()
	if err != nil || got.UserID != user || got.Access.Reveal() != "access-"+name {
		r.t.Errorf("user %d, %s, %v; want %s of user %d", got.UserID, got.Access.Reveal(), err, name, user)
	}
}

// refused checks a renewal that brings none.
func (r *renewals) refused(err error, reason string) {
	r.t.Helper()
	var dead *portal.DeadTokenError
	if !errors.As(err, &dead) || dead.Reason != reason {
		r.t.Errorf("%v, want %s", err, reason)
	}
}

func (r *renewals) installer() portal.UserID {
	r.t.Helper()
	stored, err := r.s.Portal(r.t.Context(), r.p.MemberID)
	if err != nil {
		r.t.Fatal(err)
	}
	return stored.InstallerID
}

// TestAnInstallationWithAKnownPair stores the portal where the pair is renewed, and leaves it where it is not.
func TestAnInstallationWithAKnownPair(t *testing.T) {
	r := newRenewals(t)
	ctx := t.Context()
	domain := func() string {
		stored, err := r.s.Portal(ctx, r.p.MemberID)
		if err != nil {
			t.Fatal(err)
		}
		return stored.Domain
	}
	moved := r.p
	moved.Domain, moved.ApplicationToken = "new.example", secret.Text{}
	if _, err := r.s.Register(ctx, moved, r.pair(1, "a"), r.exchange); err == nil || domain() != r.p.Domain {
		t.Errorf("refused: %v, at %s", err, domain())
	}

	r = newRenewals(t)
	other := open(t, r.s.URLForTest(), apptest.NewSealer(t), r.c)
	if _, err := other.Register(ctx, moved, r.pair(1, "a"), r.exchange); err == nil || domain() != r.p.Domain || len(r.asked) != 0 {
		t.Errorf("a row that does not open: %v, at %s, asked %v", err, domain(), r.asked)
	}
	r.answers["a"] = r.pair(1, "b")
	if _, err := r.s.Register(ctx, moved, r.pair(1, "a"), r.exchange); err != nil || domain() != "new.example" {
		t.Errorf("renewed: %v, at %s", err, domain())
	}

	// What a page claimed since is no proof, though its access token would do.
	mustSave(t, r.s, r.pair(1, "claim"))
	r.answers["claim"] = r.pair(1, "c")
	shown := r.pair(1, "claim")
	shown.Access = secret.New("another")
	r.asked = nil
	got, err := r.s.Register(ctx, moved, shown, r.exchange)
	r.want(got, err, 1, "c")
	if !slices.Equal(r.asked, []string{"claim"}) {
		t.Errorf("%v were exchanged", r.asked)
	}
}

// TestATokenOfAnotherPortalIsNotExchanged: that would use it up.
func TestATokenOfAnotherPortalIsNotExchanged(t *testing.T) {
	r := newRenewals(t)
	_, err := r.renew(portal.Token{MemberID: "other", Refresh: secret.New("refresh-a")}, "")
	if portal.ProblemOf(err) != portal.Unverified {
		t.Errorf("%v", err)
	}
}

// TestAUserWhoIsKnownGetsWhatTheRowHas, whatever became of the refresh token that the page shows; who shows a token and
// nothing else gets what that one is worth.
func TestAUserWhoIsKnownGetsWhatTheRowHas(t *testing.T) {
	r := newRenewals(t)
	r.answers["a"] = r.pair(1, "b")
	got, err := r.renew(r.pair(1, "a"), "a")
	r.want(got, err, 1, "b")
	failed := r.pair(1, "b")
	failed.Refresh = secret.New("refresh-a") // used up a moment ago
	r.answers["b"] = r.pair(1, "c")
	got, err = r.renew(failed, "b")
	r.want(got, err, 1, "c")

	mustSave(t, r.s, r.pair(1, "refused"))
	r.answers["c"] = r.pair(1, "d")
	got, err = r.renew(r.pair(1, "refused"), "refused c")
	r.want(got, err, 1, "d")
	failed = r.pair(1, "d")
	failed.Refresh = secret.New("refresh-refused")
	r.answers["d"] = r.pair(1, "e")
	got, err = r.renew(failed, "d")
	r.want(got, err, 1, "e")

	mustSave(t, r.s, r.pair(1, "claim"))
	r.answers["e"] = r.pair(1, "f")
	got, err = r.renew(shown(r.p, "refresh-e"), "e")
	r.want(got, err, 1, "f")
}

// TestARefusalThatPassesIsLeftAloneForAnHour, and costs no token.
func TestARefusalThatPassesIsLeftAloneForAnHour(t *testing.T) {
	r := newRenewals(t)
	mustSave(t, r.s, r.pair(1, "claim"))
	r.answers["claim"] = &portal.DeadTokenError{Reason: "payment_required"}
	_, err := r.renew(r.pair(1, "claim"), "claim") // and not the other one, which is the same portal's
	r.refused(err, "payment_required")
	r.c.advance(storage.RetryPassing - time.Second)
	_, err = r.renew(r.pair(1, "claim"), "")
	r.refused(err, "payment_required")
	r.c.advance(2 * time.Second)
	r.answers["claim"] = portal.Problemf(portal.OAuthUnreachable, "no answer")
	if _, err = r.renew(r.pair(1, "claim"), "claim"); portal.ProblemOf(err) != portal.OAuthUnreachable {
		t.Errorf("%v", err)
	}
	sql(t, r.s, `UPDATE tokens SET dead_at = NULL`)
	r.answers["claim"] = r.pair(1, "b")
	got, err := r.renew(r.pair(1, "claim"), "claim")
	r.want(got, err, 1, "b")
}

// TestATokenThatTheRowLostIsWorthItself, where the row's own are refused for good.
func TestATokenThatTheRowLostIsWorthItself(t *testing.T) {
	r := newRenewals(t)
	mustSave(t, r.s, r.pair(1, "older"))
	mustSave(t, r.s, r.pair(1, "newer"))
	_, err := r.renew(r.pair(1, "newer"), "newer a")
	r.refused(err, "invalid_grant")
	r.answers["older"] = r.pair(1, "b")
	got, err := r.renew(shown(r.p, "refresh-older"), "older")
	r.want(got, err, 1, "b")
}

// TestAnAnswerThatNamesAnother moves the installer where it answers the installer's proven token; a claim, another user's
// token and an answer of another portal move nobody.
func TestAnAnswerThatNamesAnother(t *testing.T) {
	t.Run("the installer's", func(t *testing.T) {
		r := newRenewals(t)
		r.answers["a"] = r.pair(9, "system")
		got, err := r.renew(r.pair(1, "a"), "a")
		r.want(got, err, 9, "system")
		if r.installer() != 9 {
			t.Errorf("the installer is user %d", r.installer())
		}
	})
	t.Run("a claim", func(t *testing.T) {
		r := newRenewals(t)
		mustSave(t, r.s, r.pair(1, "claim"))
		r.answers["claim"], r.answers["a"] = r.pair(9, "foreign"), r.pair(1, "b")
		got, err := r.renew(r.pair(1, "claim"), "claim a")
		r.want(got, err, 1, "b")
		if r.installer() != 1 {
			t.Errorf("the installer is user %d", r.installer())
		}
	})
	t.Run("of another portal", func(t *testing.T) {
		r := newRenewals(t)
		foreign := r.pair(9, "foreign")
		foreign.MemberID = "other"
		r.answers["a"] = foreign
		_, err := r.renew(r.pair(1, "a"), "a")
		r.refused(err, portal.DeadForeign)
		if r.installer() != 1 {
			t.Errorf("the installer is user %d", r.installer())
		}
	})
	t.Run("another user's", func(t *testing.T) {
		r := newRenewals(t)
		r.answers["two"] = r.pair(2, "b")
		got, err := r.renew(shown(r.p, "refresh-two"), "two")
		r.want(got, err, 2, "b")
		r.answers["b"] = r.pair(9, "foreign")
		_, err = r.renew(r.pair(2, "b"), "b")
		r.refused(err, portal.DeadForeign)
		if r.installer() != 1 || refreshOf(t, r.s, r.p, 9) != "" {
			t.Errorf("the installer is user %d", r.installer())
		}
	})
}

// TestAnAnswerThatNamesNobody is the row's user's where it answers a proven token; of a claim it stays one.
func TestAnAnswerThatNamesNobody(t *testing.T) {
	r := newRenewals(t)
	unnamed := func(name string) portal.Token {
		token := r.pair(0, name)
		token.MemberID = ""
		return token
	}
	r.answers["a"] = unnamed("b")
	got, err := r.renew(r.pair(1, "a"), "a")
	r.want(got, err, 1, "b")
	if r.installer() != 1 {
		t.Errorf("the installer is user %d", r.installer())
	}

	mustSave(t, r.s, r.pair(1, "claim"))
	r.answers["claim"] = unnamed("next")
	if _, err := r.renew(r.pair(1, "claim"), "claim"); portal.ProblemOf(err) != portal.OAuthUnreachable || refreshOf(t, r.s, r.p, 1) != "refresh-next" {
		t.Errorf("%v, the row holds %s", err, refreshOf(t, r.s, r.p, 1))
	}
	r.answers["next"] = r.pair(1, "named")
	failed := r.pair(1, "claim")
	failed.Refresh = secret.New("refresh-next")
	got, err = r.renew(failed, "next")
	r.want(got, err, 1, "named")

	// Without a refresh token nothing of it can be kept: a row that had no other is dead.
	mustSave(t, r.s, r.pair(2, "page"))
	bare := unnamed("bare")
	bare.Refresh = secret.Text{}
	r.answers["page"] = bare
	if _, err := r.renew(r.pair(2, "page"), "page"); portal.ProblemOf(err) != portal.OAuthUnreachable {
		t.Errorf("%v", err)
	}
	if left, err := r.s.Token(t.Context(), r.p.MemberID, 2); err != nil || left.DeadReason != portal.DeadUnnamed {
		t.Errorf("the row's reason: %q, %v", left.DeadReason, err)
	}
}

// TestAnAnswerWithoutARefreshTokenServesOnce: it works until its end, and the row says why no other follows.
func TestAnAnswerWithoutARefreshTokenServesOnce(t *testing.T) {
	for name, failed := range map[string]func(r *renewals) portal.Token{
		"a":      func(r *renewals) portal.Token { return r.pair(1, "a") },
		"unseen": func(r *renewals) portal.Token { return shown(r.p, "refresh-unseen") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRenewals(t)
			bare := r.pair(1, "bare")
			bare.Refresh = secret.Text{}
			r.answers[name] = bare
			got, err := r.renew(failed(r), name)
			r.want(got, err, 1, "bare")
			left, err := r.s.Token(t.Context(), r.p.MemberID, 1)
			if err != nil || left.DeadReason != portal.DeadNoRefresh || left.Access.Reveal() != "access-bare" || left.Refresh.Reveal() != "" {
				t.Errorf("the row: %q, %v", left.DeadReason, err)
			}
		})
	}
}

// TestWhatARowHoldsBesidesOutlivesAnAnswerWithoutARefreshToken.
func TestWhatARowHoldsBesidesOutlivesAnAnswerWithoutARefreshToken(t *testing.T) {
	r := newRenewals(t)
	mustSave(t, r.s, r.pair(1, "claim"))
	bare := r.pair(1, "bare")
	bare.Refresh = secret.Text{}
	r.answers["claim"], r.answers["a"] = bare, r.pair(1, "b")
	got, err := r.renew(r.pair(1, "claim"), "claim")
	r.want(got, err, 1, "bare")
	failed := r.pair(1, "bare")
	failed.Refresh = secret.New("refresh-claim")
	got, err = r.renew(failed, "a")
	r.want(got, err, 1, "b")
}
