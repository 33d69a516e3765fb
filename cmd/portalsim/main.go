// Command portalsim runs the simulator alone: an OAuth server and a portal, for any Bitrix24 app in development. It is
// no place for real data, listens on loopback unless told otherwise, and forgets everything at exit.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"itemlens/internal/portalsim"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "portalsim:", err)
		os.Exit(1)
	}
}

func run() error {
	oauthAddress := flag.String("oauth", "127.0.0.1:8091", "address of the OAuth server and the control API")
	portalAddress := flag.String("portal", "127.0.0.1:8090", "address of the portal")
	accessLife := flag.Duration("access-life", time.Hour, "how long access tokens live")
	var app portalsim.App
	flag.StringVar(&app.ClientID, "client-id", "app.local.1", "client_id of the app")
	flag.StringVar(&app.ClientSecret, "client-secret", "secret", "client_secret of the app")
	secretFile := flag.String("client-secret-file", "", "file with the client_secret, instead")
	flag.StringVar(&app.Name, "app-name", "My app", "name of the app in the marketplace")
	flag.StringVar(&app.URL, "app-url", "", "address of the app's own page")
	flag.StringVar(&app.InstallURL, "install-url", "", "address of the app's install page")
	flag.StringVar(&app.RedirectURL, "redirect-url", "", "where /oauth/authorize/ returns to")
	scope := flag.String("scope", "crm,placement,user_brief", "what the app is granted, comma separated")
	flag.Parse()
	app.Scope = strings.Split(*scope, ",")
	if *secretFile != "" {
		content, err := os.ReadFile(*secretFile)
		if err != nil {
			return fmt.Errorf("read client_secret: %w", err)
		}
		app.ClientSecret = strings.TrimSpace(string(content))
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	sim, err := portalsim.New(portalsim.Options{
		Listen: *oauthAddress, AccessLife: *accessLife, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	defer sim.Close()
	portal, err := sim.AddPortal("Acme", *portalAddress)
	if err != nil {
		return err
	}
	if app.URL != "" {
		if app.InstallURL == "" {
			app.InstallURL = app.URL
		}
		sim.RegisterApp(app)
	}
	fmt.Printf("portalsim: a simulated Bitrix24, not a real one\n  portal       %s/\n  OAuth server %s\n  JS library   %s\n",
		portal.URL(), sim.OAuthURL(), sim.JSLibraryURL())
	<-ctx.Done()
	return nil
}
