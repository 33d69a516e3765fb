package storage

import (
	"bytes"
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// RenewToken exchanges a user's refresh token once, however many callers in however many processes ask at the same time:
// the first one runs exchange and commits its pair, the others find that pair. What pair says of its user is believed: a
// session, a row or the OAuth server told it. Where it names no user, somebody shows a refresh token and nothing else, and
// gets only what that very token is worth.
//
// Errors: *portal.DeadTokenError where no refresh token works, with its reason stored, so that nobody tries again; a
// *portal.Error with Unverified where the refresh token, or the pair behind it, is not this user's; those of exchange.
func (s *Store) RenewToken(ctx context.Context, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	return s.renew(ctx, &renewal{pair: pair, exchange: exchange})
}

// Register is RenewToken for the pair that came with an installation, and stores the portal with it, both or neither.
func (s *Store) Register(ctx context.Context, p portal.Portal, pair portal.Token, exchange portal.Exchange) (portal.Token, error) {
	return s.renew(ctx, &renewal{pair: pair, exchange: exchange, install: &p})
}

// renewal is one renewal in its transaction. What was learnt is committed even where it ends with an error in refused.
type renewal struct {
	pair     portal.Token
	exchange portal.Exchange
	install  *portal.Portal // to be stored with the pair
	refused  error
}

// knownHash is what is known of a refresh token.
type knownHash struct {
	UserID      int64
	ExchangedAt *time.Time
	DeadReason  string
}

// offeredToken is a refresh token that a row has to offer.
type offeredToken struct {
	refresh secret.Text
	proven  bool
}

func (s *Store) renew(ctx context.Context, r *renewal) (portal.Token, error) {
	var result portal.Token
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The row's lock is not enough: a token that was never stored has no row.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(('x' || left(encode($1, 'hex'), 16))::bit(64)::bigint)`,
			r.pair.Refresh.Hash()); err != nil {
			return err
		}
		row, known, err := lockByHash(ctx, tx, r.pair)
		switch {
		case err != nil:
			return err
		case row == nil:
			result, err = s.renewUnknown(ctx, tx, r)
		default:
			result, err = s.renewRow(ctx, tx, r, row, known)
			if err == nil && r.refused == nil && r.install != nil {
				err = s.putPortal(ctx, tx, *r.install)
			}
		}
		return err
	})
	if err != nil {
		return portal.Token{}, wrap("renew token", err)
	}
	if r.refused != nil {
		return portal.Token{}, r.refused
	}
	return result, nil
}

// lockByHash finds and locks the row to which a refresh token belongs; nil where it was never seen.
func lockByHash(ctx context.Context, tx pgx.Tx, pair portal.Token) (*tokenRow, knownHash, error) {
	rows, _ := tx.Query(ctx, `SELECT`+tokenColumns+`
		FROM tokens
		JOIN refresh_hashes USING (member_id, user_id)
		WHERE member_id = $1 AND refresh_hashes.refresh_hash = $2
		FOR UPDATE OF tokens`, pair.MemberID, pair.Refresh.Hash())
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[tokenRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, knownHash{}, nil
	}
	if err != nil {
		return nil, knownHash{}, err
	}
	// Asked only now: who held the row's lock before may have used the token up.
	rows, _ = tx.Query(ctx, `
		SELECT user_id, exchanged_at, dead_reason
		FROM refresh_hashes
		WHERE member_id = $1 AND refresh_hash = $2`, pair.MemberID, pair.Refresh.Hash())
	known, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[knownHash])
	return row, known, err
}

// renewUnknown exchanges a refresh token that this portal was never seen with. Whose it is, the OAuth server must say.
func (s *Store) renewUnknown(ctx context.Context, tx pgx.Tx, r *renewal) (portal.Token, error) {
	var elsewhere bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM refresh_hashes WHERE refresh_hash = $1 AND member_id <> $2)`,
		r.pair.Refresh.Hash(), r.pair.MemberID).Scan(&elsewhere)
	if err != nil {
		return portal.Token{}, err
	}
	if elsewhere { // to exchange it would use it up
		r.refused = portal.Problemf(portal.Unverified, "the refresh token belongs to another portal")
		return portal.Token{}, nil
	}
	got, err := r.exchange(ctx, r.pair.Refresh, false)
	switch {
	case err != nil:
		r.refused = err
	case got.MemberID != r.pair.MemberID || got.UserID <= 0:
		r.refused = portal.Problemf(portal.Unverified, "the refresh token belongs to another portal, or to nobody who is named")
	case r.pair.UserID != 0 && got.UserID != r.pair.UserID:
		r.refused = portal.Problemf(portal.Unverified, "access and refresh token belong to different users")
	}
	if r.refused != nil {
		return portal.Token{}, nil
	}
	if r.install != nil {
		if err := s.putPortal(ctx, tx, *r.install); err != nil {
			return portal.Token{}, err
		}
	}
	return s.putExchanged(ctx, tx, got, r.pair.Refresh, lockPortal)
}

// putExchanged stores a pair and notes that the refresh token with which it was got is used up, unless the OAuth server gave
// the same one again. It stores nothing where the portal has removed the app.
func (s *Store) putExchanged(ctx context.Context, tx pgx.Tx, got portal.Token, used secret.Text, lock string) (portal.Token, error) {
	generation, err := s.putPair(ctx, tx, got, lock)
	if err != nil {
		return got, err
	}
	got.Generation = generation
	if generation == 0 || got.Refresh.Equal(used) {
		return got, nil
	}
	return got, s.noteHash(ctx, tx, got.MemberID, got.UserID, used.Hash(), refreshTokenFate{exchanged: true})
}

func (s *Store) renewRow(ctx context.Context, tx pgx.Tx, r *renewal, row *tokenRow, known knownHash) (portal.Token, error) {
	id, mine := r.pair.MemberID, r.pair.UserID != 0
	if mine && row.UserID != int64(r.pair.UserID) {
		r.refused = portal.Problemf(portal.Unverified, "the refresh token belongs to another user")
		return portal.Token{}, nil
	}
	stored, err := s.openToken(id, *row)
	if err != nil {
		return portal.Token{}, err
	}
	// Another access token than the one that failed, and not an old one.
	useful := stored.ExpiresAt.After(s.now()) && !stored.Access.Equal(r.pair.Access)
	offers, err := s.offers(id, row, r.pair.Refresh, mine)
	if err != nil {
		return portal.Token{}, err
	}
	passing := &portal.DeadTokenError{Reason: row.DeadReason}
	switch {
	case !mine && known.ExchangedAt != nil && s.now().Sub(*known.ExchangedAt) > ReuseWindow:
		r.refused = &portal.DeadTokenError{Reason: portal.DeadReplaced}
	case !mine && known.ExchangedAt != nil:
		return stored, nil
	case !mine && known.DeadReason != "":
		r.refused = &portal.DeadTokenError{Reason: known.DeadReason}
	case mine && useful && (r.install == nil || row.Proven && row.ClaimedToken == nil):
		return stored, nil
	case len(offers) == 0:
		r.refused = &portal.DeadTokenError{Reason: row.DeadReason}
	case passing.Passing() && row.DeadAt != nil && s.now().Sub(*row.DeadAt) < RetryPassing:
		r.refused = passing
	}
	if r.refused != nil {
		return portal.Token{}, nil
	}
	for _, offer := range offers {
		r.refused = nil
		got, err := s.tryOffer(ctx, tx, r, row, offer)
		if err != nil {
			return got, err
		}
		if r.refused == nil {
			return got, nil
		}
		var dead *portal.DeadTokenError
		if !errors.As(r.refused, &dead) || dead.Reason != "invalid_grant" && dead.Reason != portal.DeadForeign {
			break // the refusal is not about this token alone
		}
	}
	return portal.Token{}, nil
}

// offers are the refresh tokens to try. Who shows a token without being known otherwise may spend that one alone: the
// row's others are not theirs to use, whatever they planted there before.
func (s *Store) offers(id portal.MemberID, row *tokenRow, shown secret.Text, mine bool) ([]offeredToken, error) {
	if !mine {
		return []offeredToken{{shown, row.Proven && bytes.Equal(row.RefreshHash, shown.Hash())}}, nil
	}
	var all []offeredToken
	place := tokenPlace(id, portal.UserID(row.UserID), "refresh_token")
	for _, slot := range []struct {
		sealed []byte
		proven bool
	}{{row.ClaimedToken, false}, {row.RefreshToken, row.Proven}} {
		refresh, err := s.sealer.Open(slot.sealed, place)
		if err != nil {
			return nil, wrapSealed("read token", err)
		}
		if !refresh.IsZero() {
			all = append(all, offeredToken{refresh, slot.proven})
		}
	}
	return all, nil
}

// tryOffer exchanges one refresh token of a row and stores what comes of it, good or bad.
func (s *Store) tryOffer(ctx context.Context, tx pgx.Tx, r *renewal, row *tokenRow, offer offeredToken) (portal.Token, error) {
	id, user := r.pair.MemberID, portal.UserID(row.UserID)
	got, err := r.exchange(ctx, offer.refresh, offer.proven)
	var dead *portal.DeadTokenError
	switch {
	case errors.As(err, &dead) && dead.Passing():
		r.refused = err
		return portal.Token{}, s.noteDead(ctx, tx, id, user, dead.Reason)
	case errors.As(err, &dead):
		r.refused = err
		return portal.Token{}, s.drop(ctx, tx, id, user, offer.refresh, refreshTokenFate{reason: dead.Reason})
	case err != nil:
		r.refused = err
		return portal.Token{}, nil
	}
	named := got.MemberID != "" && got.UserID > 0
	other := got.MemberID != "" && got.MemberID != id || got.UserID > 0 && got.UserID != user
	if other && offer.proven && (got.MemberID == id || got.MemberID == "") {
		moved, err := s.moveInstaller(ctx, tx, id, user, got, offer.refresh)
		if err != nil {
			return moved, err
		}
		if moved.UserID != 0 {
			return moved, nil
		}
	}
	switch {
	case other:
		r.refused = &portal.DeadTokenError{
			Reason: portal.DeadForeign, Err: portal.Problemf(portal.Unverified, "the exchange names another user or portal than the row"),
		}
		return portal.Token{}, s.drop(ctx, tx, id, user, offer.refresh, refreshTokenFate{reason: portal.DeadForeign})
	case !named && !offer.proven:
		// Nobody says whose the new pair is. Its refresh token stays a claim, its access token is not used.
		r.refused = portal.Problemf(portal.OAuthUnreachable, "the OAuth server does not say whose the new pair is")
		return portal.Token{}, s.replaceClaim(ctx, tx, id, user, offer.refresh, got.Refresh)
	}
	got.MemberID, got.UserID = id, user
	if got.Refresh.IsZero() {
		return got, s.putAccess(ctx, tx, got, offer.refresh)
	}
	return s.putExchanged(ctx, tx, got, offer.refresh, rowLocked)
}

// moveInstaller follows the platform where it put somebody in the installer's place ("system user",
// settings/system-user.md): the pair goes to that user's row, and the portal's installer is that user. It does nothing
// where the row is not the installer's.
func (s *Store) moveInstaller(
	ctx context.Context, tx pgx.Tx, id portal.MemberID, from portal.UserID, got portal.Token, used secret.Text,
) (portal.Token, error) {
	got.MemberID = id
	tag, err := tx.Exec(ctx, `
		UPDATE portals
		SET installer_id = $3, installer_fit = true, updated_at = $4
		WHERE member_id = $1 AND installer_id = $2 AND uninstalled_at IS NULL`, id, from, got.UserID, s.now())
	if err != nil {
		return portal.Token{}, err
	}
	if tag.RowsAffected() == 0 {
		return portal.Token{}, nil
	}
	if err := s.drop(ctx, tx, id, from, used, refreshTokenFate{exchanged: true, reason: portal.DeadMoved}); err != nil {
		return portal.Token{}, err
	}
	got.Generation, err = s.putPair(ctx, tx, got, rowLocked)
	return got, err
}

// drop takes a refresh token out of a row. A row that has none left is dead, for the reason told.
func (s *Store) drop(ctx context.Context, tx pgx.Tx, id portal.MemberID, user portal.UserID, refresh secret.Text, f refreshTokenFate) error {
	_, err := tx.Exec(ctx, `
		UPDATE tokens
		SET refresh_token = CASE WHEN refresh_hash = $3 THEN NULL ELSE refresh_token END,
		    refresh_hash  = CASE WHEN refresh_hash = $3 THEN NULL ELSE refresh_hash END,
		    proven        = proven AND refresh_hash IS DISTINCT FROM $3,
		    claimed_token = CASE WHEN claimed_hash = $3 THEN NULL ELSE claimed_token END,
		    claimed_hash  = CASE WHEN claimed_hash = $3 THEN NULL ELSE claimed_hash END
		WHERE member_id = $1 AND user_id = $2`, id, user, refresh.Hash())
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE tokens
		SET dead_reason = $3, dead_at = $4
		WHERE member_id = $1 AND user_id = $2 AND refresh_token IS NULL AND claimed_token IS NULL`, id, user, f.reason, s.now())
	if err != nil {
		return err
	}
	return s.noteHash(ctx, tx, id, user, refresh.Hash(), f)
}

// noteDead notes a refusal that may pass.
func (s *Store) noteDead(ctx context.Context, tx pgx.Tx, id portal.MemberID, user portal.UserID, reason string) error {
	_, err := tx.Exec(ctx, `
		UPDATE tokens
		SET dead_reason = $3, dead_at = $4
		WHERE member_id = $1 AND user_id = $2`, id, user, reason, s.now())
	return err
}

// putAccess stores an access token that came without a refresh token. It works until its end; what the row holds beside
// the used-up one is tried after that.
func (s *Store) putAccess(ctx context.Context, tx pgx.Tx, got portal.Token, used secret.Text) error {
	access, err := s.sealer.Seal(got.Access, tokenPlace(got.MemberID, got.UserID, "access_token"))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE tokens
		SET access_token = $3, expires_at = $4, generation = generation + 1, dead_reason = '', dead_at = NULL
		WHERE member_id = $1 AND user_id = $2`, got.MemberID, got.UserID, access, got.ExpiresAt)
	if err != nil {
		return err
	}
	return s.drop(ctx, tx, got.MemberID, got.UserID, used, refreshTokenFate{exchanged: true, reason: portal.DeadNoRefresh})
}

// replaceClaim puts the refresh token of an answer that names nobody in the place of the one that was exchanged for it.
func (s *Store) replaceClaim(
	ctx context.Context, tx pgx.Tx, id portal.MemberID, user portal.UserID, used, refresh secret.Text,
) error {
	// Not as exchanged: who shows the used-up token is nobody known, and must not find this user's pair by it.
	if err := s.drop(ctx, tx, id, user, used, refreshTokenFate{reason: portal.DeadUnnamed}); err != nil {
		return err
	}
	if refresh.IsZero() {
		return nil
	}
	sealed, err := s.sealer.Seal(refresh, tokenPlace(id, user, "refresh_token"))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE tokens
		SET claimed_token = $3, claimed_hash = $4, dead_reason = '', dead_at = NULL
		WHERE member_id = $1 AND user_id = $2`, id, user, sealed, refresh.Hash())
	if err != nil {
		return err
	}
	return s.noteHash(ctx, tx, id, user, refresh.Hash(), refreshTokenFate{})
}
