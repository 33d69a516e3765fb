// Command demo runs a private Postgres, the simulator and the app together, so that the whole product can be tried in a
// browser on a machine with nothing set up. Everything is forgotten at exit.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
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
	verbose := flag.Bool("v", false, "log every request of the app, not only what goes wrong")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if err := run(ctx, *portal, os.Stdout, log); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, portalAddress string, out io.Writer, log *slog.Logger) error {
	d, err := start(ctx, portalAddress, log)
	if err != nil {
		return err
	}
	defer d.stop()
	d.Portal.AddNeighbours(40)
	look, try, err := d.prepare(ctx, portalAddress)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, `
  Item Lens is running. See a deal with the app in it:

      %s

  Install it, be refused, remove it: in a portal that does not have the app yet.

      %s

  The bar on top switches users: Nora may not see CRM, and the app says so.
  All data is invented and forgotten at exit. Stop with Ctrl+C.

`, look, try)
	<-ctx.Done()
	return nil
}

type demo struct {
	*stack.Stack
	postgres *localpg.Server
}

func start(ctx context.Context, portalAddress string, log *slog.Logger) (*demo, error) {
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
		Simulator: portalsim.Options{Truth: truth}, Log: log,
	})
	if err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

// prepare installs the app in the portal and adds a second portal without it. It returns where to look: the card of a
// deal with the app's tab open, and the second portal's Market.
func (d *demo) prepare(ctx context.Context, portalAddress string) (look, try string, err error) {
	if err := d.install(ctx); err != nil {
		return "", "", fmt.Errorf("install the app: %w", err)
	}
	host, _, err := net.SplitHostPort(portalAddress)
	if err != nil {
		return "", "", fmt.Errorf("address of the portal: %w", err)
	}
	fresh, err := d.Sim.AddPortal("Fresh", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", "", err
	}
	return d.Portal.URL() + "/crm/deal/details/20/#app", fresh.URL() + "/market/", nil
}

// install does what an administrator's browser does: it opens the install page, which binds the tabs, and finishes.
func (d *demo) install(ctx context.Context) error {
	const administrator = 1
	if err := d.Portal.Install(stack.ClientID, administrator); err != nil {
		return err
	}
	page, err := d.Portal.Open(stack.ClientID, administrator, "DEFAULT", "")
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, page.URL, strings.NewReader(page.Form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the install page answers %s", res.Status)
	}
	d.Portal.FinishInstall(stack.ClientID)
	return nil
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
