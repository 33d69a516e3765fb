package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/storage"
)

// migrate brings the database up to date.
func migrate(ctx context.Context, raw config.Raw, p printer) error {
	database, err := raw.DirectDatabase()
	if err != nil {
		return err
	}
	if err := storage.Migrate(database); err != nil {
		return err
	}
	store, err := storage.Open(ctx, storage.Options{URL: database, Now: time.Now})
	if err != nil {
		return err
	}
	defer store.Close()
	schema, err := store.Schema(ctx)
	if err != nil {
		return err
	}
	if schema.Newer() {
		return p.print(schema, "the database is at migration %d, newer than %d of this version, which works with it", schema.Migration, schema.Known)
	}
	return p.print(schema, "the database is up to date")
}

// status tells how the app stands. It fails where the database does not fit, after saying so.
func status(ctx context.Context, raw config.Raw, p printer) error {
	store, err := openStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	schema, err := store.Schema(ctx)
	if err != nil {
		return err
	}
	told := struct {
		Version string         `json:"version"`
		Schema  storage.Schema `json:"schema"`
		*storage.Status
	}{Version: version(), Schema: schema}
	unfit := schema.Fits()
	if unfit == nil {
		s, err := store.Status(ctx)
		if err != nil {
			return err
		}
		told.Status = &s
	}
	if p.json {
		err = p.object(told)
	} else if told.Status != nil {
		err = writeStatus(p.out, schema, *told.Status)
	}
	return errors.Join(err, unfit)
}

func writeStatus(out io.Writer, schema storage.Schema, s storage.Status) error {
	dead := make([]string, 0, len(s.DeadTokens))
	for _, reason := range slices.Sorted(maps.Keys(s.DeadTokens)) {
		dead = append(dead, fmt.Sprintf("%d %s", s.DeadTokens[reason], reason))
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	lines := []string{
		fmt.Sprintf("schema\tmigration %d, this version knows %d", schema.Migration, schema.Known),
		fmt.Sprintf("portals\t%d installed, %d removed", s.Installed, s.Removed),
		fmt.Sprintf("bindings\t%d wait, %d ended with a problem", s.BindWaiting, s.BindFailed),
		fmt.Sprintf("tokens\t%d alive, dead: %s", s.Tokens, cmp.Or(strings.Join(dead, ", "), "none")),
		fmt.Sprintf("events\t%d wait to be verified", s.EventClaims),
		fmt.Sprintf("REST log\t%d days, %d MB", s.RESTLogDays, s.RESTLogBytes>>20),
		fmt.Sprintf("database\t%d MB, %d connections", s.DatabaseBytes>>20, s.DatabaseClient),
		"jobs planned by\t" + cmp.Or(s.JobsLeader, "nobody: is a replica running?"),
	}
	for _, q := range s.Queues {
		lines = append(lines, fmt.Sprintf("queue %s\t%d %s, the oldest due for %s", q.Queue, q.Jobs, q.State,
			(time.Duration(q.Oldest)*time.Second).String()))
	}
	_, err := io.WriteString(table, strings.Join(lines, "\n")+"\n")
	return errors.Join(err, table.Flush())
}

func healthcheck(ctx context.Context, listen string, p printer) error {
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		return fmt.Errorf("ITEMLENS_OPERATOR_LISTEN: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort("127.0.0.1", port)+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the app does not respond: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return errors.New("not ready: " + strings.TrimSpace(string(reason)))
	}
	if p.json {
		return p.object(map[string]bool{"ready": true})
	}
	return nil
}

// built is what the binary knows of itself.
type built struct {
	Version string `json:"version"` // tag of the release, or what Go makes of the commit
	Commit  string `json:"commit"`  // empty where it was built outside of the repository
	Changed bool   `json:"changed"` // built from files that are not committed
	Go      string `json:"go"`
}

// release is set by the linker where the build sees no repository, such as in an image: -X main.release=v1.2.3.
var release string

func build() built {
	b := built{Version: cmp.Or(release, "unknown"), Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if release == "" && info.Main.Version != "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Changed = s.Value == "true"
		}
	}
	return b
}

func printVersion(p printer) error {
	b := build()
	text := b.Version
	if b.Commit != "" && !strings.Contains(text, b.Commit[:min(12, len(b.Commit))]) {
		text += " (" + b.Commit[:min(12, len(b.Commit))] + ")"
	}
	return p.print(b, "%s", text)
}

// version names the build in one word.
func version() string { return build().Version }
