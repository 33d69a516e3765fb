package storage

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// ErasePortal forgets everything of a portal in which the app stays installed, and remembers that it was erased: by a
// hash under a sealed key, from which nobody reads which portal it was. SaveInstallation ends that.
func (s *Store) ErasePortal(ctx context.Context, id portal.MemberID) error {
	err := s.removing(ctx, func(tx pgx.Tx) error {
		if err := s.deleteInstallation(ctx, tx, id, true); err != nil {
			return err
		}
		hash, err := s.memberHash(ctx, tx, id, true)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO erased_portals (member_hash, erased_at)
			VALUES ($1, $2)
			ON CONFLICT (member_hash) DO UPDATE
			SET erased_at = excluded.erased_at`, hash, s.now())
		return err
	})
	if err != nil {
		return wrap("erase portal", err)
	}
	return nil
}

// WasErased reports whether a portal was erased on request and no administrator has brought it back since.
func (s *Store) WasErased(ctx context.Context, id portal.MemberID) (erased bool, err error) {
	hash, err := s.memberHash(ctx, s.pool, id, false)
	if hash == nil {
		return false, err
	}
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM erased_portals WHERE member_hash = $1)`, hash).Scan(&erased)
	if err != nil {
		return false, wrap("look whether a portal was erased", err)
	}
	return erased, nil
}

// recall ends the memory of an erasure.
func (s *Store) recall(ctx context.Context, tx pgx.Tx, id portal.MemberID) error {
	hash, err := s.memberHash(ctx, tx, id, false)
	if hash == nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM erased_portals WHERE member_hash = $1`, hash)
	return err
}

var erasureKeyPlace = seal.Place{Column: "erasure_key"}

type rowQuerier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// memberHash names a portal among those that were erased; nil where none was ever erased, so that there is no key, and
// none is to be made.
func (s *Store) memberHash(ctx context.Context, db rowQuerier, id portal.MemberID, make bool) ([]byte, error) {
	var sealed []byte
	err := db.QueryRow(ctx, `SELECT sealed FROM erasure_key`).Scan(&sealed)
	if errors.Is(err, pgx.ErrNoRows) && make {
		if sealed, err = s.sealer.Seal(secret.New(rand.Text()+rand.Text()), erasureKeyPlace); err != nil {
			return nil, err
		}
		// Two that make one at once agree on the first one's.
		err = db.QueryRow(ctx, `
			INSERT INTO erasure_key (sealed, key_id)
			VALUES ($1, $2)
			ON CONFLICT (one) DO UPDATE
			SET key_id = erasure_key.key_id
			RETURNING sealed`, sealed, s.sealer.KeyID()).Scan(&sealed)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("read the key of erasures", err)
	}
	key, err := s.sealer.Open(sealed, erasureKeyPlace)
	if err != nil {
		return nil, wrapSealed("read the key of erasures", err)
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(id))
	return mac.Sum(nil), nil
}

func (s *Store) resealErasureKey(ctx context.Context, tx pgx.Tx, at *cursor) (int, error) {
	at.done = true
	var old []byte
	err := tx.QueryRow(ctx, `
		SELECT sealed
		FROM erasure_key
		WHERE key_id <> $1
		FOR UPDATE`, s.sealer.KeyID()).Scan(&old)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	sealed, err := s.anew(old, erasureKeyPlace)
	if errors.Is(err, seal.ErrUnreadable) {
		at.unreadable++
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `
		UPDATE erasure_key
		SET sealed = $1, key_id = $2`, sealed, s.sealer.KeyID())
	return 1, err
}

// NoteMissing notes that the platform says that the app is not installed in a portal, and returns since when it does.
func (s *Store) NoteMissing(ctx context.Context, id portal.MemberID) (since time.Time, err error) {
	err = s.pool.QueryRow(ctx, `
		UPDATE portals
		SET missing_since = coalesce(missing_since, $2)
		WHERE member_id = $1
		RETURNING missing_since`, id, s.now()).Scan(&since)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, portal.ErrUnknownPortal
	}
	if err != nil {
		return time.Time{}, wrap("note a missing installation", err)
	}
	return since, nil
}

// NotePresent notes that the platform says that the app is installed.
func (s *Store) NotePresent(ctx context.Context, id portal.MemberID) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET missing_since = NULL
		WHERE member_id = $1 AND missing_since IS NOT NULL`, id)
	if err != nil {
		return wrap("note an installation", err)
	}
	return nil
}

// NextRemovalQuestion is the moment at which the platform may be asked, because of an event without proof, whether a
// portal has removed the app: now, or a pause after the last such moment.
func (s *Store) NextRemovalQuestion(ctx context.Context, tx pgx.Tx, id portal.MemberID, pause time.Duration) (at time.Time, err error) {
	err = tx.QueryRow(ctx, `
		SELECT greatest($2, removal_asked_at + make_interval(secs => $3))
		FROM portals
		WHERE member_id = $1`, id, s.now(), pause.Seconds()).Scan(&at)
	return at, err
}

// NoteRemovalQuestion notes the moment for which such a question is planned.
func (s *Store) NoteRemovalQuestion(ctx context.Context, tx pgx.Tx, id portal.MemberID, at time.Time) error {
	_, err := tx.Exec(ctx, `
		UPDATE portals
		SET removal_asked_at = $2
		WHERE member_id = $1`, id, at)
	return err
}

// LivingTokens reads stored tokens of a portal that are not known as dead for good, or that died of a removal, about which
// they can tell: its installer's first, then the newest.
func (s *Store) LivingTokens(ctx context.Context, id portal.MemberID, limit int) ([]portal.Token, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT`+tokenColumns+`
		FROM tokens
		JOIN portals USING (member_id)
		WHERE member_id = $1 AND dead_reason IN ('', 'payment_required', 'invalid_client', 'wrong_client', 'not_installed', 'application_not_found')
		ORDER BY (user_id = installer_id) DESC, stored_at DESC
		LIMIT $2`, id, limit)
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByName[tokenRow])
	if err != nil {
		return nil, wrap("read tokens", err)
	}
	tokens := make([]portal.Token, 0, len(stored))
	for _, row := range stored {
		token, err := s.openToken(id, row)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}
