// Command demo runs a private Postgres, the simulator and the app together, so that the whole product can be tried in a
// browser on a machine with nothing set up. Everything is forgotten at exit.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/lab/localpg"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/lab/stack"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

func main() {
	portal := flag.String("portal", "127.0.0.1:8090", "address of the simulated portal; port 0 takes a free one")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *portal, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, portalAddress string, out, logTo io.Writer) error {
	d, err := start(ctx, portalAddress, logTo)
	if err != nil {
		return err
	}
	defer d.stop()
	fmt.Fprintf(out, `
  Item Lens demo. Open this in a browser:

      %s/

  Pick the administrator, open Market, install Item Lens, then open lead 250 and its tab "Item Lens".
  Switch to the user without CRM rights to see what is refused. Remove the app in Market.
  Counters of the simulator: %s/control/counters     Stop with Ctrl+C.

`, d.Portal.URL(), d.Sim.OAuthURL())
	<-ctx.Done()
	return nil
}

type demo struct {
	*stack.Stack
	postgres *localpg.Server
}

func start(ctx context.Context, portalAddress string, logTo io.Writer) (*demo, error) {
	truth, err := stack.Truth()
	if err != nil {
		return nil, err
	}
	postgres, err := localpg.Start(ctx)
	if err != nil {
		return nil, err
	}
	d := &demo{postgres: postgres}
	if err := createDatabase(ctx, postgres); err != nil {
		d.stop()
		return nil, err
	}
	d.Stack, err = stack.Start(ctx, stack.Options{
		DatabaseURL: postgres.URL("itemlens"), PortalName: "Acme", PortalAddress: portalAddress,
		Simulator: portalsim.Options{Truth: truth}, Log: slog.New(slog.NewTextHandler(logTo, nil)),
	})
	if err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func createDatabase(ctx context.Context, postgres *localpg.Server) error {
	conn, err := pgx.Connect(ctx, postgres.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the private Postgres: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CREATE DATABASE itemlens"); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return storage.Migrate(secret.New(postgres.URL("itemlens")))
}

func (d *demo) stop() {
	if d.Stack != nil {
		d.Stack.Stop()
	}
	d.postgres.Stop()
}
