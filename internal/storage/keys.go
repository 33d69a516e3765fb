package storage

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
)

// resealBatch is how many rows are re-sealed in one transaction.
const resealBatch = 200

// UnknownKeys counts sealed rows, and those among them whose key is not in the keyset.
func (s *Store) UnknownKeys(ctx context.Context) (sealed, unknown int, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE key_id <> ALL($1))
		FROM (SELECT key_id FROM portals WHERE application_token IS NOT NULL
		      UNION ALL SELECT key_id FROM tokens
		      UNION ALL SELECT key_id FROM event_claims
		      UNION ALL SELECT key_id FROM erasure_key) AS rows`,
		s.sealer.KeyIDs()).Scan(&sealed, &unknown)
	if err != nil {
		return 0, 0, wrap("look for rows with unknown keys", err)
	}
	return sealed, unknown, nil
}

// Reseal seals everything anew that an older key sealed, in small transactions, while the app serves. Rows that do not
// open are counted and left as they are.
func (s *Store) Reseal(ctx context.Context) (resealed, unreadable int, err error) {
	for _, step := range []func(context.Context, pgx.Tx, *cursor) (int, error){s.resealTokens, s.resealPortals, s.resealEventClaims, s.resealErasureKey} {
		for at := (&cursor{}); !at.done; {
			err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
				n, err := step(ctx, tx, at)
				resealed += n
				return err
			})
			unreadable += at.unreadable
			at.unreadable = 0
			if err != nil {
				return resealed, unreadable, wrap("re-seal", err)
			}
		}
	}
	return resealed, unreadable, nil
}

// cursor is the last row that was looked at.
type cursor struct {
	memberID   string
	userID     int64 // or the number within the portal that the table has instead
	unreadable int
	done       bool
}

// resealRows seals a batch of rows anew, each by a function. Rows that do not open are counted.
func resealRows[R any](rows pgx.Rows, at *cursor, reseal func(r R) error) (int, error) {
	batch, err := pgx.CollectRows(rows, pgx.RowToStructByName[R])
	if err != nil {
		return 0, err
	}
	done := 0
	for _, r := range batch {
		err := reseal(r)
		if errors.Is(err, seal.ErrUnreadable) {
			at.unreadable++
			continue
		}
		if err != nil {
			return done, err
		}
		done++
	}
	at.done = len(batch) < resealBatch
	return done, nil
}

// anew seals what is sealed for a place with the newest key.
func (s *Store) anew(old []byte, place seal.Place) ([]byte, error) {
	text, err := s.sealer.Open(old, place)
	if err != nil {
		return nil, err
	}
	return s.sealer.Seal(text, place)
}

func (s *Store) resealTokens(ctx context.Context, tx pgx.Tx, at *cursor) (int, error) {
	type row struct {
		MemberID     string
		UserID       int64
		AccessToken  []byte
		RefreshToken []byte
		ClaimedToken []byte
	}
	rows, _ := tx.Query(ctx, `
		SELECT member_id, user_id, access_token, refresh_token, claimed_token
		FROM tokens
		WHERE key_id <> $1 AND (member_id, user_id) > ($2, $3)
		ORDER BY member_id, user_id
		LIMIT $4
		FOR UPDATE`, s.sealer.KeyID(), at.memberID, at.userID, resealBatch)
	return resealRows(rows, at, func(r row) error {
		at.memberID, at.userID = r.MemberID, r.UserID
		sealed, err := s.resealed(portal.MemberID(r.MemberID), portal.UserID(r.UserID), r.AccessToken, r.RefreshToken, r.ClaimedToken)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE tokens
			SET access_token = $3, refresh_token = $4, claimed_token = $5, key_id = $6
			WHERE member_id = $1 AND user_id = $2`, r.MemberID, r.UserID, sealed[0], sealed[1], sealed[2], s.sealer.KeyID())
		return err
	})
}

// resealed seals an access token and refresh tokens of one user anew.
func (s *Store) resealed(id portal.MemberID, user portal.UserID, access []byte, refresh ...[]byte) ([][]byte, error) {
	column := "access_token"
	var all [][]byte
	for _, old := range append([][]byte{access}, refresh...) {
		sealed, err := s.anew(old, tokenPlace(id, user, column))
		if err != nil {
			return nil, err
		}
		all = append(all, sealed)
		column = "refresh_token"
	}
	return all, nil
}

func (s *Store) resealPortals(ctx context.Context, tx pgx.Tx, at *cursor) (int, error) {
	type row struct {
		MemberID         string
		ApplicationToken []byte
	}
	rows, _ := tx.Query(ctx, `
		SELECT member_id, application_token
		FROM portals
		WHERE key_id <> $1 AND application_token IS NOT NULL AND member_id > $2
		ORDER BY member_id
		LIMIT $3
		FOR UPDATE`, s.sealer.KeyID(), at.memberID, resealBatch)
	return resealRows(rows, at, func(r row) error {
		at.memberID = r.MemberID
		sealed, err := s.anew(r.ApplicationToken, applicationTokenPlace(portal.MemberID(r.MemberID)))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE portals
			SET application_token = $2, key_id = $3
			WHERE member_id = $1`, r.MemberID, sealed, s.sealer.KeyID())
		return err
	})
}
