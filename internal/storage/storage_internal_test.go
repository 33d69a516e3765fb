package storage

import (
	"embed"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"itemlens/internal/portal"
)

// TestADatabaseThatDoesNotAnswerIsToldFromAMistake of ours in a statement.
func TestADatabaseThatDoesNotAnswerIsToldFromAMistake(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want portal.Problem
	}{
		"a duplicate":          {&pgconn.PgError{Code: "23505"}, portal.Internal},
		"a syntax error":       {&pgconn.PgError{Code: "42601"}, portal.Internal},
		"an operator ends it":  {&pgconn.PgError{Code: "57P01"}, portal.StorageDown},
		"too many connections": {&pgconn.PgError{Code: "53300"}, portal.StorageDown},
		"no connection":        {errors.New("connection refused"), portal.StorageDown},
		"what is a problem":    {portal.Problemf(portal.Unverified, "not yours"), portal.Unverified},
	} {
		err := wrap("do it", tt.err)
		if portal.ProblemOf(err) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}

func TestABinaryHoldsMigrations(t *testing.T) {
	if version, err := latestMigration(embed.FS{}); err == nil {
		t.Errorf("without any: version %d", version)
	}
}
