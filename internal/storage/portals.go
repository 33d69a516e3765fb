package storage

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

const (
	undefinedTable   = "42P01"
	deadlockDetected = "40P01"
)

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

type portalRow struct {
	MemberID         string
	ClientEndpoint   string
	Domain           string
	ServerEndpoint   string
	ApplicationToken []byte
	Scope            []string
	Status           string
	InstallerID      int64
	InstalledAt      time.Time
	UninstalledAt    *time.Time
	SchemaVersion    int64
	BoundAt          *time.Time
	BoundOutcome     string
	BoundSkipped     []string
	LicenseFamily    string
	Settings         portal.Settings
	SettingsVersion  int64
}

// portalColumns are those of a portalRow, from portals and portal_settings.
const portalColumns = `
	portals.member_id, client_endpoint, domain, server_endpoint, application_token, scope, status, installer_id,
	installed_at, uninstalled_at, schema_version, bound_at, bound_outcome, bound_skipped, license_family,
	coalesce(settings, '{}') AS settings, coalesce(version, 0) AS settings_version`

// Portal reads one portal, installed or removed. It returns portal.ErrUnknownPortal where there is no record.
func (s *Store) Portal(ctx context.Context, id portal.MemberID) (portal.Portal, error) {
	rows, _ := s.pool.Query(ctx, `SELECT`+portalColumns+`
		FROM portals
		LEFT JOIN portal_settings USING (member_id)
		WHERE member_id = $1`, id)
	row, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[portalRow])
	if errors.Is(err, pgx.ErrNoRows) {
		return portal.Portal{}, portal.ErrUnknownPortal
	}
	if err != nil {
		return portal.Portal{}, wrap("read portal", err)
	}
	return s.openPortal(row)
}

func (s *Store) openPortal(row portalRow) (portal.Portal, error) {
	token, err := s.sealer.Open(row.ApplicationToken, applicationTokenPlace(portal.MemberID(row.MemberID)))
	if err != nil {
		return portal.Portal{}, wrapSealed("read portal", err)
	}
	p := portal.Portal{
		MemberID:         portal.MemberID(row.MemberID),
		ClientEndpoint:   row.ClientEndpoint,
		Domain:           row.Domain,
		ServerEndpoint:   row.ServerEndpoint,
		ApplicationToken: token,
		Scope:            row.Scope,
		Status:           row.Status,
		InstallerID:      portal.UserID(row.InstallerID),
		InstalledAt:      row.InstalledAt,
		SchemaVersion:    row.SchemaVersion,
		BoundOutcome:     row.BoundOutcome,
		BoundSkipped:     row.BoundSkipped,
		LicenseFamily:    row.LicenseFamily,
		Settings:         row.Settings,
		SettingsVersion:  row.SettingsVersion,
	}
	if row.BoundAt != nil {
		p.BoundAt = *row.BoundAt
	}
	if row.UninstalledAt != nil {
		p.UninstalledAt = *row.UninstalledAt
	}
	return p, nil
}

// lockInstalled locks a portal's record and reports whether the app is installed there.
func lockInstalled(ctx context.Context, tx pgx.Tx, id portal.MemberID, lock string) (installed bool, err error) {
	err = tx.QueryRow(ctx, `
		SELECT uninstalled_at IS NULL
		FROM portals
		WHERE member_id = $1
		`+lock, id).Scan(&installed)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return installed, err
}

// SaveInstallation stores a portal and the token of the user who installed it, both or neither. The OAuth server must
// have told whose the token is. Doing it again replaces both; a missing application_token keeps the one that is stored.
func (s *Store) SaveInstallation(ctx context.Context, p portal.Portal, t portal.Token) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.putPortal(ctx, tx, p); err != nil {
			return err
		}
		_, err := s.putPair(ctx, tx, t, lockPortal)
		return err
	})
	if err != nil {
		return wrap("save installation", err)
	}
	return nil
}

// putPortal stores what an installation tells of a portal. That it was erased once is forgotten.
func (s *Store) putPortal(ctx context.Context, tx pgx.Tx, p portal.Portal) error {
	sealed, err := s.sealer.Seal(p.ApplicationToken, applicationTokenPlace(p.MemberID))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO portals (member_id, client_endpoint, domain, server_endpoint, application_token, key_id, scope, status,
		                     installer_id, installed_at, updated_at)
		VALUES (@member_id, @client_endpoint, @domain, @server_endpoint, @application_token, @key_id, @scope, @status,
		        @installer_id, @now, @now)
		ON CONFLICT (member_id) DO UPDATE
		SET client_endpoint   = excluded.client_endpoint,
		    domain            = excluded.domain,
		    server_endpoint   = excluded.server_endpoint,
		    application_token = coalesce(excluded.application_token, portals.application_token),
		    key_id            = CASE WHEN excluded.application_token IS NULL THEN portals.key_id ELSE excluded.key_id END,
		    scope             = excluded.scope,
		    status            = excluded.status,
		    installer_id      = excluded.installer_id,
		    installer_fit     = true,
		    installed_at      = CASE WHEN portals.uninstalled_at IS NULL THEN portals.installed_at ELSE excluded.installed_at END,
		    schema_version    = CASE WHEN portals.uninstalled_at IS NULL THEN portals.schema_version ELSE excluded.schema_version END,
		    uninstalled_at    = NULL,
		    missing_since     = NULL,
		    updated_at        = excluded.updated_at`,
		pgx.NamedArgs{
			"member_id": p.MemberID, "client_endpoint": p.ClientEndpoint, "domain": p.Domain, "server_endpoint": p.ServerEndpoint,
			"application_token": sealed, "key_id": s.sealer.KeyID(), "scope": p.Scope, "status": p.Status,
			"installer_id": p.InstallerID, "now": s.now(),
		})
	if err != nil {
		return err
	}
	return s.recall(ctx, tx, p.MemberID)
}

// DeleteInstallation forgets the tokens of a portal at once, and the work that is planned for it; with clean it forgets
// everything of it. Without, the portal's record stays, marked as removed, so that what an administrator chose survives a
// new installation.
func (s *Store) DeleteInstallation(ctx context.Context, id portal.MemberID, clean bool) error {
	err := s.removing(ctx, func(tx pgx.Tx) error { return s.deleteInstallation(ctx, tx, id, clean) })
	if err != nil {
		return wrap("delete installation", err)
	}
	return nil
}

// removing runs a removal in a transaction, and again where Postgres ended it because others wait for each other with it:
// a renewal of a token takes its locks in another order, and the queue those on its jobs in any. Events come once.
func (s *Store) removing(ctx context.Context, remove func(tx pgx.Tx) error) error {
	for tries := 1; ; tries++ {
		err := pgx.BeginFunc(ctx, s.pool, remove)
		if sqlState(err) != deadlockDetected || tries == 3 {
			return err
		}
	}
}

func (s *Store) deleteInstallation(ctx context.Context, tx pgx.Tx, id portal.MemberID, clean bool) error {
	// The portal first, and whole: pages that store a token, and whoever plans work, lock it in the same order, each with a
	// lock on its key.
	if _, err := tx.Exec(ctx, `SELECT FROM portals WHERE member_id = $1 FOR UPDATE`, id); err != nil {
		return err
	}
	remove := `
		UPDATE portals
		SET application_token = NULL, uninstalled_at = $2, updated_at = $2, missing_since = NULL,
		    bind_begun = bind_wanted, bind_done = bind_wanted
		WHERE member_id = $1`
	args := []any{id, s.now()}
	if clean {
		remove, args = `DELETE FROM portals WHERE member_id = $1`, args[:1]
	}
	if _, err := tx.Exec(ctx, remove, args...); err != nil {
		return err
	}
	for _, forget := range []string{`DELETE FROM tokens WHERE member_id = $1`, `DELETE FROM event_claims WHERE member_id = $1`} {
		if _, err := tx.Exec(ctx, forget, id); err != nil {
			return err
		}
	}
	// Jobs that are through are kept for days by the queue, with their arguments.
	_, err := tx.Exec(ctx, `
		DELETE FROM river_job
		WHERE args @> jsonb_build_object('member_id', $1::text)`, id)
	return err
}

// MovePortal stores the new addresses of a portal that was renamed.
func (s *Store) MovePortal(ctx context.Context, id portal.MemberID, clientEndpoint, domain string) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET client_endpoint = $2, domain = $3, updated_at = $4
		WHERE member_id = $1`, id, clientEndpoint, domain, s.now())
	if err != nil {
		return wrap("move portal", err)
	}
	return nil
}

// SetStatus stores what the app is to a portal now.
func (s *Store) SetStatus(ctx context.Context, id portal.MemberID, status string, scope []string) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET status = $2, scope = $3, updated_at = $4
		WHERE member_id = $1`, id, status, scope, s.now())
	if err != nil {
		return wrap("set status", err)
	}
	return nil
}

// SetLicense stores the family of a portal's plan; it writes nothing where it is the same.
func (s *Store) SetLicense(ctx context.Context, id portal.MemberID, family string) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET license_family = $2, updated_at = $3
		WHERE member_id = $1 AND license_family <> $2`, id, family, s.now())
	if err != nil {
		return wrap("set license", err)
	}
	return nil
}

// CountSchemaChange notes that fields, dictionaries or types of a portal have changed.
func (s *Store) CountSchemaChange(ctx context.Context, id portal.MemberID) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE portals
		SET schema_version = nextval('portal_schema_versions')
		WHERE member_id = $1`, id)
	if err != nil {
		return wrap("count schema change", err)
	}
	return nil
}

// LearnApplicationToken stores the application_token of an installed portal, in place of the one that is stored.
func (s *Store) LearnApplicationToken(ctx context.Context, id portal.MemberID, token secret.Text) error {
	sealed, err := s.sealer.Seal(token, applicationTokenPlace(id))
	if err != nil {
		return err
	}
	_, err = s.pool.Exec(ctx, `
		UPDATE portals
		SET application_token = $2, key_id = $3, updated_at = $4
		WHERE member_id = $1 AND uninstalled_at IS NULL`,
		id, sealed, s.sealer.KeyID(), s.now())
	if err != nil {
		return wrap("learn application_token", err)
	}
	return nil
}

func applicationTokenPlace(id portal.MemberID) seal.Place {
	return seal.Place{MemberID: string(id), Column: "application_token"}
}

// wrapSealed says what could not be opened; it is one portal's trouble, never the database's.
func wrapSealed(doing string, err error) error {
	return &portal.Error{Problem: portal.Internal, Err: errors.Join(errors.New(doing), err)}
}
