// Command app is Item Lens: `app serve` is the product, the other commands are its operator's tools.
package main

import (
	_ "time/tzdata" // users are shown their own time zone, also where the machine knows none

	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"itemlens/internal/config"
	"itemlens/internal/seal"
	"itemlens/internal/server"
	"itemlens/internal/storage"
)

type cli struct {
	config.Raw `embed:""`

	Serve   struct{} `cmd:"" default:"1" help:"Serve portals (default)."`
	Migrate struct{} `cmd:"" name:"migrate" help:"Bring the database up to date."`
	Keys    struct {
		Generate struct{} `cmd:"" help:"Print a new keyset."`
	} `cmd:"" help:"Keys that seal tokens."`
	Healthcheck struct{} `cmd:"" help:"Ask a running app whether it is ready; exit 0 if so."`
	Version     struct{} `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, logTo io.Writer) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("app"), kong.Writers(out, logTo), kong.DefaultEnvars("ITEMLENS"), kong.UsageOnError(),
		kong.Description("Item Lens, an app for Bitrix24. Every flag is also an environment variable, shown in brackets."))
	if err != nil {
		return fmt.Errorf("prepare the command line: %w", err)
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	switch command.Command() {
	case "migrate":
		return migrate(c.Raw, out)
	case "keys generate":
		key, err := seal.Generate()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(out, key.Reveal()) // printing it is what the command is for
		return err
	case "healthcheck":
		return healthcheck(ctx, c.Raw.OperatorListen)
	case "version":
		_, err := fmt.Fprintln(out, version())
		return err
	default:
		return serve(ctx, c.Raw, logTo)
	}
}

func serve(ctx context.Context, raw config.Raw, logTo io.Writer) error {
	c, err := raw.Parse()
	if err != nil {
		return fmt.Errorf("the configuration is not complete:\n%w", err)
	}
	log := slog.New(slog.NewJSONHandler(logTo, &slog.HandlerOptions{Level: c.LogLevel}))
	if c.Migrate {
		if err := storage.Migrate(c.DatabaseURL); err != nil {
			return err
		}
	}
	store, err := storage.Open(ctx, storage.Options{URL: c.DatabaseURL, MaxConns: c.DatabaseMaxConns, Sealer: c.Sealer, Now: time.Now})
	if err != nil {
		return err
	}
	defer store.Close()
	s, err := server.New(c, store, log, version())
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func migrate(raw config.Raw, out io.Writer) error {
	database, err := raw.Database()
	if err != nil {
		return err
	}
	if err := storage.Migrate(database); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the database is up to date")
	return err
}

func healthcheck(ctx context.Context, listen string) error {
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
		return fmt.Errorf("the app does not answer: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return errors.New("not ready: " + string(reason))
	}
	return nil
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
