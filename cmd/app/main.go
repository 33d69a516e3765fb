// Command app is Item Lens: `app serve` is the product, the other commands are its operator's tools.
package main

import (
	_ "time/tzdata" // users are shown their own time zone, also where the machine knows none

	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"itemlens/internal/config"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/server"
	"itemlens/internal/storage"
	"itemlens/internal/tracing"
)

type cli struct {
	config.Raw `embed:""`
	JSON       bool `name:"json" env:"-" help:"Print what the command tells as JSON. Logs always are."`

	Serve   struct{} `cmd:"" default:"1" help:"Serve portals (default)."`
	Migrate struct{} `cmd:"" name:"migrate" help:"Apply migrations to the database."`
	Status  struct{} `cmd:"" help:"Tell how the app stands, all replicas together: schema, portals, tokens, queue, REST log."`
	Keys    struct {
		Generate struct{} `cmd:"" help:"Print a new keyset."`
		Add      struct{} `cmd:"" help:"Print the keyset with a new key added. The app encrypts with it once it has the keyset."`
		Rotate   struct{} `cmd:"" help:"Encrypt everything in the database with the newest key. The app may be running."`
		Prune    struct{} `cmd:"" help:"Print the keyset with the newest key only. Run rotate first."`
	} `cmd:"" help:"Keys that encrypt tokens."`
	Portals struct {
		List   struct{}      `cmd:"" help:"List the portals in the database: member_id, domain, installed or removed."`
		Show   showCommand   `cmd:"" help:"Print what is stored about a portal, without its secrets."`
		Forget forgetCommand `cmd:"" help:"Delete everything stored about a portal, immediately."`
		Rebind rebindCommand `cmd:"" help:"Have the tabs and event handlers of a portal brought in line, by a running replica."`
	} `cmd:"" help:"Portals and what is stored about them."`
	Doctor struct {
		Portal string `required:"" help:"Domain or member_id of a portal in which the app is installed." placeholder:"PORTAL"`
	} `cmd:"" help:"Check what the app assumes about Bitrix24 against a real portal. Reads only; exit 2 if something differs."`
	RESTLog     restLogCommand `cmd:"" name:"restlog" help:"Print the requests to portals and their answers, oldest first."`
	Healthcheck struct{}       `cmd:"" help:"Exit 0 if the app on this machine is ready."`
	Version     struct{}       `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal does not wait
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
	p := printer{out, c.JSON}
	switch command.Command() {
	case "migrate":
		return migrate(ctx, c.Raw, p)
	case "status":
		return status(ctx, c.Raw, p)
	case "keys generate":
		return printKeyset(p, seal.Generate)
	case "keys add", "keys prune":
		keyset, err := c.Raw.KeysetText()
		if err != nil {
			return err
		}
		change := map[string]func(secret.Text) (secret.Text, error){"keys add": seal.Extend, "keys prune": seal.Prune}[command.Command()]
		return printKeyset(p, func() (secret.Text, error) { return change(keyset) })
	case "keys rotate":
		return rotate(ctx, c.Raw, p)
	case "portals list":
		return listPortals(ctx, c.Raw, p)
	case "portals show <portal>":
		return c.Portals.Show.run(ctx, c.Raw, p)
	case "portals forget <member-id>":
		return c.Portals.Forget.run(ctx, c.Raw, p)
	case "portals rebind", "portals rebind <portal>":
		return c.Portals.Rebind.run(ctx, c.Raw, p)
	case "restlog":
		return c.RESTLog.run(ctx, c.Raw, p)
	case "doctor":
		return examine(ctx, c.Raw, c.Doctor.Portal, p)
	case "healthcheck":
		return healthcheck(ctx, c.Raw.OperatorListen, p)
	case "version":
		return printVersion(p)
	default:
		return serve(ctx, c.Raw, logTo)
	}
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
		if err := storage.Migrate(c.DatabaseDirectURL); err != nil {
			return err
		}
	}
	store, err := storage.Open(ctx, storage.Options{URL: c.DatabaseURL, MaxConns: c.DatabaseMaxConns, Sealer: c.Sealer, Now: time.Now, Traces: c.Traces})
	if err != nil {
		return err
	}
	defer store.Close()
	// A database that does not answer, or waits for its migrations, is told at /readyz. One that is too new must not be touched.
	schema, err := store.Schema(ctx)
	if err == nil && errors.Is(schema.Fits(), storage.ErrNewerSchema) {
		return schema.Fits()
	}
	if err == nil && schema.Newer() {
		log.Warn("a newer version of the app has migrated the database; this one works with it until it is replaced",
			"migration", schema.Migration, "known_migration", schema.Known)
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
