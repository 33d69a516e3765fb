package storage

import (
	"context"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
)

// resealBatch is how many rows are re-sealed in one transaction.
const resealBatch = 200

// UnknownKeys counts sealed rows, and those among them whose key is not in the keyset.
func (s *Store) UnknownKeys(ctx context.Context) (sealed, unknown int, err error) {
	err = s.pool.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE key_id <> ALL($1))
		FROM (SELECT key_id FROM portals WHERE application_token IS NOT NULL
		      UNION ALL SELECT key_id FROM tokens
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
	for _, step := range []func(context.Context, pgx.Tx, *cursor) (int, error){s.resealTokens, s.resealPortals, s.resealErasureKey} {
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
	userID     int64
	unreadable int
	done       bool
}

func (s *Store) resealTokens(ctx context.Context, tx pgx.Tx, at *cursor) (int, error) {
	type row struct {
		MemberID     string
		UserID       int64
		AccessToken  []byte
		RefreshToken []byte
	}
	rows, _ := tx.Query(ctx, `
		SELECT member_id, user_id, access_token, refresh_token
		FROM tokens
		WHERE key_id <> $1 AND (member_id, user_id) > ($2, $3)
		ORDER BY member_id, user_id
		LIMIT $4
		FOR UPDATE`, s.sealer.KeyID(), at.memberID, at.userID, resealBatch)
	batch, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return 0, err
	}
	done := 0
	for _, r := range batch {
		at.memberID, at.userID = r.MemberID, r.UserID
		token, err := s.openToken(portal.MemberID(r.MemberID), tokenRow{UserID: r.UserID, AccessToken: r.AccessToken, RefreshToken: r.RefreshToken})
		if err != nil {
			at.unreadable++
			continue
		}
		access, err := s.sealer.Seal(token.Access, tokenPlace(token.MemberID, token.UserID, "access_token"))
		if err != nil {
			return done, err
		}
		refresh, err := s.sealer.Seal(token.Refresh, tokenPlace(token.MemberID, token.UserID, "refresh_token"))
		if err != nil {
			return done, err
		}
		if _, err := tx.Exec(ctx, `
			UPDATE tokens
			SET access_token = $3, refresh_token = $4, key_id = $5
			WHERE member_id = $1 AND user_id = $2`, r.MemberID, r.UserID, access, refresh, s.sealer.KeyID()); err != nil {
			return done, err
		}
		done++
	}
	at.done = len(batch) < resealBatch
	return done, nil
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
	batch, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return 0, err
	}
	done := 0
	for _, r := range batch {
		at.memberID = r.MemberID
		place := applicationTokenPlace(portal.MemberID(r.MemberID))
		text, err := s.sealer.Open(r.ApplicationToken, place)
		if err != nil {
			at.unreadable++
			continue
		}
		sealed, err := s.sealer.Seal(text, place)
		if err != nil {
			return done, err
		}
		if _, err := tx.Exec(ctx, `
			UPDATE portals
			SET application_token = $2, key_id = $3
			WHERE member_id = $1`, r.MemberID, sealed, s.sealer.KeyID()); err != nil {
			return done, err
		}
		done++
	}
	at.done = len(batch) < resealBatch
	return done, nil
}
