package storage

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/portal"
)

// The history of one portal's settings: the newest changes, and no more text than this. The last change is kept in any
// case, so that it can be taken back.
const (
	HistoryEntries = 100
	HistoryBytes   = 1 << 20
	maxUserName    = 200 // characters
)

// SaveSettings replaces the settings of an installed portal and keeps the change in their history, both or neither. The
// version is the one that the change was made from: portal.ErrSettingsConflict where another change came first. It
// returns the new version.
func (s *Store) SaveSettings(ctx context.Context, id portal.MemberID, version int64, c portal.SettingsChange) (int64, error) {
	return s.changeSettings(ctx, id, version, func(context.Context, pgx.Tx, portal.Settings) (portal.SettingsChange, error) { return c, nil })
}

// UndoSettings takes back the newest change that no undo has taken back yet: doing it again goes one change further back.
// It returns the new version and the change that was taken back. Errors are those of SaveSettings, and
// portal.ErrNothingToUndo.
func (s *Store) UndoSettings(ctx context.Context, id portal.MemberID, version int64, by portal.User) (int64, portal.SettingsChange, error) {
	// After an undo the settings are those from before the change that it took back: the walk goes on there.
	return s.takeBack(ctx, id, version, portal.SettingsChange{UserID: by.ID, UserName: by.Name, Action: "undo"}, `
		WITH RECURSIVE walk AS (
			SELECT *
			FROM settings_changes
			WHERE member_id = $1 AND version = $2
			UNION ALL
			SELECT older.*
			FROM walk
			JOIN settings_changes AS older ON older.member_id = $1 AND older.version = walk.undid - 1
		)
		SELECT `+changeColumns+`
		FROM walk
		WHERE undid IS NULL`, version)
}

// RestoreSettings puts the settings back to what they were before a change. That is a change like any other, and can be
// undone. It returns the new version and the change that was named. Errors are those of UndoSettings.
func (s *Store) RestoreSettings(ctx context.Context, id portal.MemberID, version, before int64, by portal.User) (int64, portal.SettingsChange, error) {
	return s.takeBack(ctx, id, version, portal.SettingsChange{UserID: by.ID, UserName: by.Name, Action: "restore"}, `
		SELECT `+changeColumns+`
		FROM settings_changes
		WHERE member_id = $1 AND version = $2`, before)
}

// takeBack makes the change c that puts settings back to what they were before the change that a query finds.
func (s *Store) takeBack(
	ctx context.Context, id portal.MemberID, version int64, c portal.SettingsChange, query string, at int64,
) (int64, portal.SettingsChange, error) {
	var found portal.SettingsChange
	next, err := s.changeSettings(ctx, id, version, func(ctx context.Context, tx pgx.Tx, _ portal.Settings) (portal.SettingsChange, error) {
		rows, _ := tx.Query(ctx, query, id, at)
		var err error
		found, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[portal.SettingsChange])
		if errors.Is(err, pgx.ErrNoRows) {
			return c, portal.ErrNothingToUndo
		}
		c.After = found.Before
		if c.Action == "undo" {
			c.Undid = found.Version
		}
		return c, err
	})
	return next, found, err
}

// changeColumns are those of a portal.SettingsChange.
const changeColumns = `version, at, user_id, user_name, action, coalesce(undid, 0) AS undid, before, after`

func (s *Store) changeSettings(
	ctx context.Context, id portal.MemberID, version int64,
	change func(ctx context.Context, tx pgx.Tx, before portal.Settings) (portal.SettingsChange, error),
) (int64, error) {
	next := version + 1
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// The portal's row is the lock: changes come one after the other, and none comes after a removal.
		installed, err := lockInstalled(ctx, tx, id, "FOR UPDATE")
		if err != nil {
			return err
		}
		if !installed {
			return portal.ErrUnknownPortal
		}
		var before portal.Settings
		var current int64
		err = tx.QueryRow(ctx, `
			SELECT version, settings
			FROM portal_settings
			WHERE member_id = $1`, id).Scan(&current, &before)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if current != version {
			return portal.ErrSettingsConflict
		}
		c, err := change(ctx, tx, before)
		if err != nil {
			return err
		}
		now := s.now()
		_, err = tx.Exec(ctx, `
			INSERT INTO portal_settings (member_id, version, settings, updated_at)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (member_id) DO UPDATE
			SET version = excluded.version, settings = excluded.settings, updated_at = excluded.updated_at`,
			id, next, c.After, now)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO settings_changes (member_id, version, at, user_id, user_name, action, undid, before, after)
			VALUES (@member_id, @version, @at, @user_id, @user_name, @action, nullif(@undid::bigint, 0), @before, @after)`,
			pgx.NamedArgs{
				"member_id": id, "version": next, "at": now, "user_id": c.UserID, "user_name": plainName(c.UserName), "action": c.Action,
				"undid": c.Undid, "before": before, "after": c.After,
			})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			DELETE FROM settings_changes AS old
			USING (SELECT version,
			              row_number() OVER newest AS place,
			              sum(octet_length(before::text) + octet_length(after::text)) OVER newest AS bytes
			       FROM settings_changes
			       WHERE member_id = $1
			       WINDOW newest AS (ORDER BY version DESC)) AS counted
			WHERE old.member_id = $1 AND old.version = counted.version
			  AND counted.place > 1 AND (counted.place > $2 OR counted.bytes > $3)`, id, HistoryEntries, HistoryBytes)
		return err
	})
	switch {
	case errors.Is(err, portal.ErrSettingsConflict), errors.Is(err, portal.ErrNothingToUndo), errors.Is(err, portal.ErrUnknownPortal):
		return 0, err
	case err != nil:
		return 0, wrap("change settings", err)
	}
	return next, nil
}

// SettingsChanges reads the newest changes of a portal's settings.
func (s *Store) SettingsChanges(ctx context.Context, id portal.MemberID, limit int) ([]portal.SettingsChange, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT `+changeColumns+`
		FROM settings_changes
		WHERE member_id = $1
		ORDER BY version DESC
		LIMIT $2`, id, limit)
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByName[portal.SettingsChange])
	if err != nil {
		return nil, wrap("read changes of settings", err)
	}
	return changes, nil
}

// RecordBinding keeps what came of the last binding of a portal's placements and events: "ok", or the problem; and which
// placements the portal does not have.
func (s *Store) RecordBinding(ctx context.Context, id portal.MemberID, outcome string, skipped []string) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET bound_at = $2, bound_outcome = $3, bound_skipped = coalesce($4::text[], '{}')
		WHERE member_id = $1`, id, s.now(), outcome, skipped)
	if err != nil {
		return wrap("record binding", err)
	}
	return nil
}

// Holdings counts what is stored about a portal, by kind.
func (s *Store) Holdings(ctx context.Context, id portal.MemberID) (portal.Holdings, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT (SELECT count(*) FROM tokens WHERE member_id = $1)           AS tokens,
		       (SELECT count(*) FROM settings_changes WHERE member_id = $1) AS changes`, id)
	h, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[portal.Holdings])
	if err != nil {
		return h, wrap("count what is stored", err)
	}
	return h, nil
}

// Portals lists the portals with a record, installed or not: member_id, domain, and when they were installed and removed.
func (s *Store) Portals(ctx context.Context) ([]portal.Portal, error) {
	rows, _ := s.pool.Query(ctx, `
		SELECT member_id, domain, installed_at, uninstalled_at
		FROM portals
		ORDER BY member_id`)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (portal.Portal, error) {
		var p portal.Portal
		var removed *time.Time
		err := row.Scan(&p.MemberID, &p.Domain, &p.InstalledAt, &removed)
		if removed != nil {
			p.UninstalledAt = *removed
		}
		return p, err
	})
	if err != nil {
		return nil, wrap("list portals", err)
	}
	return list, nil
}

// plainName makes a name that a portal told fit to be kept: a line of text of a sane length, without characters that no
// name has and Postgres refuses.
func plainName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, "�"))
	if runes := []rune(name); len(runes) > maxUserName {
		name = string(runes[:maxUserName])
	}
	return strings.TrimSpace(name)
}
