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

	"itemlens/internal/lab/portalsim"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "portalsim:", err)
		os.Exit(1)
	}
}

func run() error {
	var o portalsim.Options
	var po portalsim.PortalOptions
	var app portalsim.App
	flag.StringVar(&o.Listen, "oauth", "127.0.0.1:8091", "address of the OAuth server and the control page")
	flag.DurationVar(&o.AccessLife, "access-life", time.Hour, "how long access tokens live")
	flag.Int64Var(&o.Seed, "seed", 1, "what made-up items and varied answers are made of")
	flag.BoolVar(&o.Vary, "vary", false, "answer in every way that real portals are known to")
	flag.StringVar(&po.Address, "portal", "127.0.0.1:8090", "address of the first portal")
	flag.StringVar(&po.Path, "path", "", "path of REST below the root, as an on-premise portal may have, such as /crm")
	flag.BoolVar(&po.OnPrem, "on-premise", false, "no limit on operating time")
	flag.StringVar(&po.Plan, "plan", "std", "std, enterprise (a larger bucket) or free (no REST)")
	flag.IntVar(&po.Items, "items", 0, "how many items to make up, over all types, up to a million and more")
	portals := flag.Int("portals", 1, "how many portals; the further ones take free ports")
	flag.StringVar(&app.ClientID, "client-id", "app.local.1", "client_id of the app")
	flag.StringVar(&app.ClientSecret, "client-secret", "secret", "client_secret of the app")
	secretFile := flag.String("client-secret-file", "", "file with the client_secret, instead")
	flag.StringVar(&app.Name, "app-name", "My app", "name of the app in the marketplace")
	flag.StringVar(&app.URL, "app-url", "", "address of the app's own page")
	flag.StringVar(&app.InstallURL, "install-url", "", "address of the app's install page")
	flag.StringVar(&app.RedirectURL, "redirect-url", "", "where /oauth/authorize/ returns to")
	scope := flag.String("scope", "crm,placement,user_brief", "what the app is granted, comma separated")
	data := flag.String("data", "", "JSON file with users, types and items to add to every portal")
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
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	sim, err := portalsim.New(o)
	if err != nil {
		return err
	}
	defer sim.Close()
	fmt.Printf("portalsim: a simulated Bitrix24, not a real one\n  OAuth server and control page  %s/\n  JS library                     %s\n",
		sim.OAuthURL(), sim.JSLibraryURL())
	for i := range *portals {
		name := "Acme"
		if i > 0 {
			name, po.Address = fmt.Sprint("Acme", i+1), ""
		}
		portal, err := sim.AddPortalWith(name, po)
		if err != nil {
			return err
		}
		if err := addData(portal, *data); err != nil {
			return err
		}
		fmt.Printf("  portal %-23s %s/  (REST at %s)\n", name, portal.URL(), portal.Endpoint())
	}
	if app.URL != "" {
		if app.InstallURL == "" {
			app.InstallURL = app.URL
		}
		sim.RegisterApp(app)
	}
	<-ctx.Done()
	return nil
}

func addData(portal *portalsim.Portal, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read data: %w", err)
	}
	defer f.Close()
	return portal.Seed(f)
}
