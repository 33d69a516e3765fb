// Package migrations embeds the SQL files that golang-migrate runs (see storage.Migrate). They are numbered pairs,
// short, and safe while the app serves.
package migrations

import "embed"

// Files are the migrations.
//
//go:embed *.sql
var Files embed.FS
