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
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"itemlens/internal/config"
	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/server"
	"itemlens/internal/storage"
	"itemlens/internal/tracing"
)

type cli struct {
	config.Raw `embed:""`

	Serve   struct{} `cmd:"" default:"1" help:"Serve portals (default)."`
	Migrate struct{} `cmd:"" name:"migrate" help:"Apply migrations to the database."`
	Keys    struct {
		Generate struct{} `cmd:"" help:"Print a new keyset."`
		Add      struct{} `cmd:"" help:"Print the keyset with a new key added. The app encrypts with it once it has the keyset."`
		Rotate   struct{} `cmd:"" help:"Encrypt everything in the database with the newest key. The app may be running."`
		Prune    struct{} `cmd:"" help:"Print the keyset with the newest key only. Run rotate first."`
	} `cmd:"" help:"Keys that encrypt tokens."`
	Portals struct {
		List   struct{} `cmd:"" help:"List the portals in the database: member_id, domain, installed or removed."`
		Forget struct {
			MemberID string `arg:"" name:"member-id" help:"member_id of the portal."`
		} `cmd:"" help:"Delete everything stored about a portal, immediately."`
	} `cmd:"" help:"Portals and what is stored about them."`
	Doctor struct {
		Portal string `required:"" help:"Domain or member_id of a portal in which the app is installed." placeholder:"PORTAL"`
		JSON   bool   `name:"json" help:"Print the report as JSON."`
	} `cmd:"" help:"Check what the app assumes about Bitrix24 against a real portal. Reads only; exit 2 if something differs."`
	RESTLog     restLogCommand `cmd:"" name:"restlog" help:"Print the requests to portals and their answers, oldest first."`
	Healthcheck struct{}       `cmd:"" help:"Exit 0 if the app on this machine is ready."`
	Version     struct{}       `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "app:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode is 1 for whatever went wrong, and 2 where a portal differs from what the app believes.
func exitCode(err error) int {
	if errors.Is(err, errDiffers) {
		return 2
	}
	return 1
}

func run(ctx context.Context, args []string, out, logTo io.Writer) error {
	var c cli
	parser, err := kong.New(&c, kong.Name("app"), kong.Writers(out, logTo), kong.DefaultEnvars("ITEMLENS"), kong.UsageOnError(),
		kong.Description("Item Lens, an app for Bitrix24. Every flag is also an environment variable, shown in brackets. "+
			"OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_ENDPOINT, switch traces on (docs/operate.md)."))
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
		return printKeyset(out, seal.Generate)
	case "keys add", "keys prune":
		keyset, err := c.Raw.KeysetText()
		if err != nil {
			return err
		}
		change := map[string]func(secret.Text) (secret.Text, error){"keys add": seal.Extend, "keys prune": seal.Prune}[command.Command()]
		return printKeyset(out, func() (secret.Text, error) { return change(keyset) })
	case "keys rotate":
		return rotate(ctx, c.Raw, out)
	case "portals list":
		return listPortals(ctx, c.Raw, out)
	case "portals forget <member-id>":
		return forget(ctx, c.Raw, portal.MemberID(c.Portals.Forget.MemberID), out)
	case "restlog":
		return c.RESTLog.run(ctx, c.Raw, out)
	case "doctor":
		return examine(ctx, c.Raw, c.Doctor.Portal, c.Doctor.JSON, out)
	case "healthcheck":
		return healthcheck(ctx, c.Raw.OperatorListen)
	case "version":
		_, err := fmt.Fprintln(out, version())
		return err
	default:
		return serve(ctx, c.Raw, logTo)
	}
}

// printKeyset prints a secret: that is what the command is for.
func printKeyset(out io.Writer, make func() (secret.Text, error)) error {
	keyset, err := make()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, keyset.Reveal())
	return err
}

func rotate(ctx context.Context, raw config.Raw, out io.Writer) error {
	store, err := openSealedStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	resealed, unreadable, err := store.Reseal(ctx)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%d rows encrypted with the newest key\n", resealed); err != nil {
		return err
	}
	if unreadable > 0 {
		return fmt.Errorf("%d rows cannot be decrypted with any key of ITEMLENS_KEYSET and were left unchanged", unreadable)
	}
	return nil
}

// openSealedStore opens the database for a command that needs its keys.
func openSealedStore(ctx context.Context, raw config.Raw) (*storage.Store, error) {
	database, err := raw.Database()
	if err != nil {
		return nil, err
	}
	keyset, err := raw.KeysetText()
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(keyset)
	if err != nil {
		return nil, fmt.Errorf("ITEMLENS_KEYSET: %w", err)
	}
	return storage.Open(ctx, storage.Options{URL: database, Sealer: sealer, Now: time.Now})
}

// openStore opens the database for a command that reads no secrets.
func openStore(ctx context.Context, raw config.Raw) (*storage.Store, error) {
	database, err := raw.Database()
	if err != nil {
		return nil, err
	}
	return storage.Open(ctx, storage.Options{URL: database, Now: time.Now})
}

func listPortals(ctx context.Context, raw config.Raw, out io.Writer) error {
	store, err := openStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.Portals(ctx)
	if err != nil {
		return err
	}
	for _, p := range list {
		state := "installed"
		if !p.Installed() {
			state = "removed"
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\n", p.MemberID, p.Domain, state); err != nil {
			return err
		}
	}
	return nil
}

// forget erases a portal. One that has no record is an error: a mistyped member_id must not look like success. That it
// was erased is remembered under a sealed key, so the keyset is needed.
func forget(ctx context.Context, raw config.Raw, id portal.MemberID, out io.Writer) error {
	store, err := openSealedStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.Portals(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(p portal.Portal) bool { return p.MemberID == id }) {
		return fmt.Errorf("no portal %q in the database; `app portals list` shows all of them", id)
	}
	if err := store.ErasePortal(ctx, id); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "deleted everything about %s: authorizations, settings and history\n", id)
	return err
}

// checkKeys finds a wrong keyset before it does harm. A database that does not answer yet is no reason not to start.
func checkKeys(ctx context.Context, store *storage.Store, log *slog.Logger) error {
	sealed, unknown, err := store.UnknownKeys(ctx)
	switch {
	case err != nil:
		log.Warn("could not check the keyset against the database", "error", err.Error())
	case unknown > 0 && unknown == sealed:
		return fmt.Errorf("ITEMLENS_KEYSET cannot decrypt any of the %d rows in the database: it is the wrong keyset", sealed)
	case unknown > 0:
		log.Error("some rows are encrypted with a key that ITEMLENS_KEYSET does not have; their portals have to authorize again", "rows", unknown, "of", sealed)
	}
	return nil
}

// tracesTimeout bounds how long the end of the app waits for the collector of traces.
const tracesTimeout = 5 * time.Second

func serve(ctx context.Context, raw config.Raw, logTo io.Writer) error {
	c, err := raw.Parse()
	if err != nil {
		return fmt.Errorf("the configuration has problems:\n%w", err)
	}
	log := slog.New(slog.NewJSONHandler(logTo, &slog.HandlerOptions{Level: c.LogLevel}))
	if err := tuneMemory(log); err != nil {
		log.Warn("could not set a memory limit", "error", err.Error())
	}
	traces, err := tracing.FromEnvironment(ctx, os.Getenv, version(), log)
	if err != nil {
		return fmt.Errorf("OpenTelemetry's variables have problems:\n%w", err)
	}
	if traces != nil {
		c.Traces = traces
		defer func() { // after everything that makes spans
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracesTimeout)
			defer cancel()
			if traces.Shutdown(stopCtx) != nil {
				log.Warn("the last traces are lost")
			}
		}()
	}
	if c.Migrate {
		if err := storage.Migrate(c.DatabaseURL); err != nil {
			return err
		}
	}
	store, err := storage.Open(ctx, storage.Options{URL: c.DatabaseURL, MaxConns: c.DatabaseMaxConns, Sealer: c.Sealer, Now: time.Now, Traces: c.Traces})
	if err != nil {
		return err
	}
	defer store.Close()
	// A database that does not answer, or waits for its migrations, is told at /readyz; an older app must not touch a newer one.
	if err := store.Ready(ctx); errors.Is(err, storage.ErrNewerSchema) {
		return err
	}
	if err := checkKeys(ctx, store, log); err != nil {
		return err
	}
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
		return fmt.Errorf("the app does not respond: %w", err)
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
