package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
)

// restLogLock is the advisory lock between writers of the REST log, which share it, and erasures: nothing of a portal is
// written once it is gone.
const restLogLock = 0x6974656d6c6f67

// WriteRESTLog writes lines of portals that have a record, and returns how many. Lines of others are left out: a portal
// that was erased must not come back by what was said to it before. The error wraps portal.ErrNoPartition where a line's
// day has no partition.
func (s *Store) WriteRESTLog(ctx context.Context, lines []portal.RESTLine) (written int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, int64(restLogLock)); err != nil {
			return err
		}
		known, err := knownPortals(ctx, tx, lines)
		if err != nil {
			return err
		}
		kept := make([]portal.RESTLine, 0, len(lines))
		for _, line := range lines {
			if known[line.MemberID] {
				kept = append(kept, line)
			}
		}
		written = len(kept)
		packer := restLogPacker{encoder: s.encoder}
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"rest_log"}, []string{
			"member_id", "at", "user_id", "duration", "method", "commands", "status", "code", "request_id", "request_cut", "answer_cut", "body",
		}, pgx.CopyFromSlice(len(kept), func(i int) ([]any, error) {
			l := &kept[i]
			body, err := s.sealer.Seal(secret.New(string(packer.pack(l.Request, l.Answer))), restLogPlace(l.MemberID))
			if err != nil {
				return nil, err
			}
			return []any{
				l.MemberID, l.At, l.UserID, l.Duration, l.Method, l.Commands, int16(l.Status), l.Code, l.RequestID, l.RequestCut, l.AnswerCut, body,
			}, nil
		}))
		return err
	})
	switch {
	case sqlState(err) == checkViolation:
		return 0, fmt.Errorf("write the REST log: %w: %w", portal.ErrNoPartition, err)
	case err != nil:
		return 0, wrap("write the REST log", err)
	}
	return written, nil
}

func restLogPlace(id portal.MemberID) seal.Place {
	return seal.Place{MemberID: string(id), Column: "rest_log"}
}

func knownPortals(ctx context.Context, tx pgx.Tx, lines []portal.RESTLine) (map[portal.MemberID]bool, error) {
	known := map[portal.MemberID]bool{}
	for _, line := range lines {
		known[line.MemberID] = false
	}
	ids := make([]string, 0, len(known))
	for id := range known {
		ids = append(ids, string(id))
	}
	rows, _ := tx.Query(ctx, `SELECT member_id FROM portals WHERE member_id = ANY($1)`, ids)
	found, err := pgx.CollectRows(rows, pgx.RowTo[portal.MemberID])
	for _, id := range found {
		known[id] = true
	}
	return known, err
}

// restLogPacker compresses bodies; both of a line in one piece, as they share their words.
type restLogPacker struct {
	encoder *zstd.Encoder
	plain   []byte
	packed  []byte
}

// pack writes the request's length, the request and the answer, compressed. What it returns is good until the next call.
func (p *restLogPacker) pack(request, answer string) []byte {
	p.plain = binary.AppendUvarint(p.plain[:0], uint64(len(request)))
	p.plain = append(append(p.plain, request...), answer...)
	p.packed = p.encoder.EncodeAll(p.plain, p.packed[:0])
	return p.packed
}

// maxRESTLogBody bounds what a stored body may unpack to.
const maxRESTLogBody = 1 << 20

func unpackRESTLog(packed []byte) (request, answer string, err error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxRESTLogBody), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return "", "", fmt.Errorf("prepare decompression: %w", err)
	}
	defer decoder.Close()
	plain, err := decoder.DecodeAll(packed, nil)
	if err != nil {
		return "", "", fmt.Errorf("unpack a line of the REST log: %w", err)
	}
	length, n := binary.Uvarint(plain)
	if n <= 0 || length > uint64(len(plain)-n) {
		return "", "", errors.New("unpack a line of the REST log: it is cut")
	}
	text := string(plain[n:])
	return text[:length], text[length:], nil
}

// KeepRESTLog makes the partitions of the REST log for today and two days more, and drops those that are older than so
// many days. Replicas may call it at once. It waits for nobody: a table that is busy is left for the next time.
func (s *Store) KeepRESTLog(ctx context.Context, today time.Time, days int) error {
	today = today.UTC().Truncate(24 * time.Hour)
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '3s'`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(restLogLock+1)); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, `
			SELECT child.relname
			FROM pg_inherits
			JOIN pg_class child ON child.oid = inhrelid
			WHERE inhparent = 'rest_log'::regclass`)
		there, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		standing := map[string]bool{}
		for _, name := range there {
			standing[name] = true
			day, err := time.Parse(restLogPartition, name)
			if err == nil && day.Before(today.AddDate(0, 0, -days)) {
				// Names come from the catalogue and parse as dates, so they are plain.
				if _, err := tx.Exec(ctx, `DROP TABLE `+pgx.Identifier{name}.Sanitize()); err != nil {
					return err
				}
			}
		}
		for day := range 3 {
			from := today.AddDate(0, 0, day)
			name := from.Format(restLogPartition)
			if standing[name] {
				continue
			}
			if _, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE %s PARTITION OF rest_log FOR VALUES FROM ('%s') TO ('%s')`,
				pgx.Identifier{name}.Sanitize(), from.Format(time.RFC3339), from.AddDate(0, 0, 1).Format(time.RFC3339))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return wrap("look after the REST log", err)
	}
	return nil
}

// restLogPartition is how partitions are named, in Go's form of a date.
const restLogPartition = "rest_log_20060102"

// restLogRow is a line as it is stored.
type restLogRow struct {
	ID         int64
	MemberID   portal.MemberID
	UserID     portal.UserID
	At         time.Time
	Duration   time.Duration
	Method     string
	Commands   []string
	Status     int16
	Code       string
	RequestID  string
	RequestCut int
	AnswerCut  int
	Body       []byte
}

// RESTLog reads lines, oldest first, at most limit. A line that does not open is returned without bodies, and counted.
func (s *Store) RESTLog(ctx context.Context, f portal.RESTLogFilter, limit int) (lines []portal.RESTLine, unreadable int, err error) {
	var where []string
	var args []any
	add := func(condition string, value any) {
		args = append(args, value)
		where = append(where, strings.ReplaceAll(condition, "?", fmt.Sprintf("$%d", len(args))))
	}
	if f.MemberID != "" {
		add("member_id = ?", f.MemberID)
	}
	if !f.Since.IsZero() {
		add("at >= ?", f.Since)
	}
	if !f.Until.IsZero() {
		add("at < ?", f.Until)
	}
	if f.Method != "" {
		add("(method = ? OR EXISTS (SELECT FROM unnest(commands) command WHERE split_part(command, ' ', 1) = ?))", f.Method)
	}
	if f.Code != "" {
		add("code = ?", f.Code)
	}
	if f.RequestID != "" {
		add("request_id = ?", f.RequestID)
	}
	add("id > ?", f.After)
	args = append(args, limit)
	rows, _ := s.pool.Query(ctx, `
		SELECT id, member_id, user_id, at, duration, method, commands, status, code, request_id, request_cut, answer_cut, body
		FROM rest_log
		WHERE `+strings.Join(where, " AND ")+fmt.Sprintf(`
		ORDER BY id
		LIMIT $%d`, len(args)), args...)
	stored, err := pgx.CollectRows(rows, pgx.RowToStructByName[restLogRow])
	if err != nil {
		return nil, 0, wrap("read the REST log", err)
	}
	for _, row := range stored {
		line := portal.RESTLine{
			ID: row.ID, MemberID: row.MemberID, UserID: row.UserID, At: row.At, Duration: row.Duration, Method: row.Method, Commands: row.Commands,
			Status: int(row.Status), Code: row.Code, RequestID: row.RequestID, RequestCut: row.RequestCut, AnswerCut: row.AnswerCut,
		}
		packed, err := s.sealer.Open(row.Body, restLogPlace(row.MemberID))
		if err == nil {
			line.Request, line.Answer, err = unpackRESTLog([]byte(packed.Reveal()))
		}
		if err != nil {
			unreadable++
		}
		lines = append(lines, line)
	}
	return lines, unreadable, nil
}

// eraseRESTLog forgets what was said to a portal. Writers wait until the portal is gone, and then leave its lines out.
func eraseRESTLog(ctx context.Context, tx pgx.Tx, id portal.MemberID) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(restLogLock)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM rest_log WHERE member_id = $1`, id)
	return err
}
