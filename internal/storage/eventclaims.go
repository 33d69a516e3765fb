package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// Bounds of what waits to be looked into: anybody can send such an event, and name any portal.
const (
	claimsOfOne = 5 // about one portal, from one address
	claimsOfAll = 10_000
)

// claimText is what is sealed of an event.
type claimText struct {
	Event            string `json:"event"`
	Domain           string `json:"domain"`
	ServerEndpoint   string `json:"server_endpoint"`
	Access           string `json:"access_token"`
	Refresh          string `json:"refresh_token"`
	ApplicationToken string `json:"application_token"`
}

func claimPlace(id portal.MemberID) seal.Place {
	return seal.Place{MemberID: string(id), Column: "event_claim"}
}

// KeepEventClaim keeps an event that is to be looked into, and has that planned in the same transaction. It reports false,
// and keeps nothing, where too many wait already.
func (s *Store) KeepEventClaim(ctx context.Context, c portal.EventClaim, plan func(ctx context.Context, tx pgx.Tx, id int64) error) (bool, error) {
	text, err := json.Marshal(claimText{c.Event, c.Domain, c.ServerEndpoint, c.Access.Reveal(), c.Refresh.Reveal(), c.ApplicationToken.Reveal()})
	if err != nil {
		return false, fmt.Errorf("write event: %w", err)
	}
	sealed, err := s.sealer.Seal(secret.New(string(text)), claimPlace(c.MemberID))
	if err != nil {
		return false, err
	}
	kept := false
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `
			INSERT INTO event_claims (member_id, address, sealed, key_id, received_at)
			SELECT $1, $2, $3, $4, $5
			WHERE (SELECT count(*) FROM event_claims WHERE member_id = $1 AND address = $2) < $6
			  AND (SELECT count(*) FROM event_claims) < $7
			RETURNING id`, c.MemberID, c.Address, sealed, s.sealer.KeyID(), s.now(), claimsOfOne, claimsOfAll).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		kept = true
		return plan(ctx, tx, id)
	})
	if err != nil {
		return false, wrap("keep event", err)
	}
	return kept, nil
}

// EventClaim reads an event that was kept. It returns portal.ErrNoClaim where it is there no more.
func (s *Store) EventClaim(ctx context.Context, id portal.MemberID, claim int64) (portal.EventClaim, error) {
	c := portal.EventClaim{MemberID: id}
	var sealed []byte
	err := s.pool.QueryRow(ctx, `
		SELECT address, sealed
		FROM event_claims
		WHERE member_id = $1 AND id = $2`, id, claim).Scan(&c.Address, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, portal.ErrNoClaim
	}
	if err != nil {
		return c, wrap("read event", err)
	}
	opened, err := s.sealer.Open(sealed, claimPlace(id))
	if err != nil {
		return c, wrapSealed("read event", err)
	}
	var text claimText
	if err := json.Unmarshal([]byte(opened.Reveal()), &text); err != nil {
		return c, errors.New("a kept event cannot be read") // the cause may repeat it
	}
	c.Event, c.Domain, c.ServerEndpoint = text.Event, text.Domain, text.ServerEndpoint
	c.Access, c.Refresh, c.ApplicationToken = secret.New(text.Access), secret.New(text.Refresh), secret.New(text.ApplicationToken)
	return c, nil
}

// DropEventClaim forgets an event that was looked into.
func (s *Store) DropEventClaim(ctx context.Context, id portal.MemberID, claim int64) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM event_claims WHERE member_id = $1 AND id = $2`, id, claim)
	if err != nil {
		return wrap("forget event", err)
	}
	return nil
}

// DropOldEventClaims forgets events of before a moment, whose work was lost.
func (s *Store) DropOldEventClaims(ctx context.Context, before time.Time) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM event_claims WHERE received_at < $1`, before)
	if err != nil {
		return wrap("forget old events", err)
	}
	return nil
}

func (s *Store) resealEventClaims(ctx context.Context, tx pgx.Tx, at *cursor) (int, error) {
	type row struct {
		MemberID string
		ID       int64
		Sealed   []byte
	}
	rows, _ := tx.Query(ctx, `
		SELECT member_id, id, sealed
		FROM event_claims
		WHERE key_id <> $1 AND (member_id, id) > ($2, $3)
		ORDER BY member_id, id
		LIMIT $4
		FOR UPDATE`, s.sealer.KeyID(), at.memberID, at.userID, resealBatch)
	return resealRows(rows, at, func(r row) error {
		at.memberID, at.userID = r.MemberID, r.ID
		sealed, err := s.anew(r.Sealed, claimPlace(portal.MemberID(r.MemberID)))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE event_claims
			SET sealed = $3, key_id = $4
			WHERE member_id = $1 AND id = $2`, r.MemberID, r.ID, sealed, s.sealer.KeyID())
		return err
	})
}
