// Command portalsim runs the simulator alone: an OAuth server and a portal, for any Bitrix24 app in development. It is
// no place for real data, listens on loopback unless told otherwise, and forgets everything at exit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"itemlens/internal/lab/portalsim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "portalsim:", err)
		os.Exit(1)
	}
}

// run starts what the arguments ask for, says on out where it is, and lives until ctx ends.
func run(ctx context.Context, args []string, out, logTo io.Writer) error {
	flags := flag.NewFlagSet("portalsim", flag.ContinueOnError)
	flags.SetOutput(logTo)
	var o portalsim.Options
	var po portalsim.PortalOptions
	var app portalsim.App
	flags.StringVar(&o.Listen, "oauth", "127.0.0.1:8091", "address of the OAuth server and the control page")
	flags.DurationVar(&o.AccessLife, "access-life", time.Hour, "how long access tokens live")
	flags.Int64Var(&o.Seed, "seed", 1, "what made-up items and varied answers are made of")
	flags.BoolVar(&o.Vary, "vary", false, "answer in every way that real portals are known to")
	flags.BoolVar(&o.TLS, "tls", false, "https, with certificates of an authority of its own; see --tls-authority")
	authority := flags.String("tls-authority", "", "file to write the authority's certificate to, for clients to trust; it is new at each start")
	flags.StringVar(&o.Name, "oauth-name", "", "host name of the OAuth server, such as oauth.bitrix24.test, which has to lead to its address")
	flags.StringVar(&po.Host, "portal-name", "", "host name of the first portal, such as acme.bitrix24.test; on port 443 none is shown")
	truth := flags.String("truth", "all", "what the simulator tells the truth about: all, none, or names of "+strings.Join(portalsim.TruthNames(), ", ")+"; all,-statuses for all but one")
	var hooks []string
	flags.Func("webhook", "user/code:scope,scope, such as 1/secret:crm,user: a webhook of the first portal; may be repeated, and the code left out", func(text string) error {
		hooks = append(hooks, text)
		return nil
	})
	flags.StringVar(&po.Address, "portal", "127.0.0.1:8090", "address of the first portal")
	flags.StringVar(&po.Path, "path", "", "path of REST below the root, as an on-premise portal may have, such as /crm")
	flags.BoolVar(&po.OnPrem, "on-premise", false, "no limit on operating time")
	flags.StringVar(&po.Plan, "plan", "std", "std, enterprise (a larger bucket) or free (no REST)")
	flags.IntVar(&po.Items, "items", 0, "how many items to make up, over all types, up to a million and more")
	portals := flags.Int("portals", 1, "how many portals; the further ones take free ports")
	flags.StringVar(&app.ClientID, "client-id", "app.local.1", "client_id of the app")
	flags.StringVar(&app.ClientSecret, "client-secret", "secret", "client_secret of the app")
	secretFile := flags.String("client-secret-file", "", "file with the client_secret, instead")
	flags.StringVar(&app.Name, "app-name", "My app", "name of the app in the marketplace")
	flags.StringVar(&app.URL, "app-url", "", "address of the app's own page")
	flags.StringVar(&app.InstallURL, "install-url", "", "address of the app's install page")
	flags.BoolVar(&app.Headless, "headless", false, "the app has no pages: install-url gets ONAPPINSTALL at once")
	flags.StringVar(&app.RedirectURL, "redirect-url", "", "where /oauth/authorize/ returns to")
	scope := flags.String("scope", "crm,placement,user_brief", "what the app is granted, comma separated")
	data := flags.String("data", "", "JSON file with users, types and items to add to every portal")
	if err := flags.Parse(args); err != nil {
		return err
	}
	app.Scope = strings.Split(*scope, ",")
	var err error
	if o.Truth, err = portalsim.ParseTruth(*truth); err != nil {
		return err
	}
	if *secretFile != "" {
		content, err := os.ReadFile(*secretFile)
		if err != nil {
			return fmt.Errorf("read client_secret: %w", err)
		}
		app.ClientSecret = strings.TrimSpace(string(content))
	}

	o.Log = slog.New(slog.NewTextHandler(logTo, nil))
	sim, err := portalsim.New(o)
	if err != nil {
		return err
	}
	defer sim.Close()
	if *authority != "" {
		if err := os.WriteFile(*authority, sim.AuthorityPEM(), 0o644); err != nil {
			return fmt.Errorf("write the authority's certificate: %w", err)
		}
	}
	fmt.Fprintf(out, "portalsim: a simulated Bitrix24, not a real one\n  OAuth server and control page  %s/\n  JS library                     %s\n",
		sim.OAuthURL(), sim.JSLibraryURL())
	for i := range *portals {
		name := "Acme"
		if i > 0 {
			name, po.Address, po.Host = fmt.Sprint("Acme", i+1), "", ""
		}
		portal, err := sim.AddPortalWith(name, po)
		if err != nil {
			return err
		}
		if err := addData(portal, *data); err != nil {
			return err
		}
		fmt.Fprintf(out, "  portal %-23s %s/  (REST at %s)\n", name, portal.URL(), portal.Endpoint())
		if i == 0 {
			if err := addWebhooks(portal, hooks, out); err != nil {
				return err
			}
		}
	}
	if app.URL != "" || app.Headless {
		if app.InstallURL == "" {
			app.InstallURL = app.URL
		}
		sim.RegisterApp(app)
	}
	<-ctx.Done()
	return nil
}

// addWebhooks makes the webhooks that flags named and prints their addresses.
func addWebhooks(portal *portalsim.Portal, hooks []string, out io.Writer) error {
	for _, text := range hooks {
		who, scope, ok := strings.Cut(text, ":")
		user, code, _ := strings.Cut(who, "/")
		id, err := strconv.Atoi(user)
		if !ok || err != nil {
			return fmt.Errorf("webhook %q: user/code:scope,scope is the form", text)
		}
		address, err := portal.AddWebhookWith(id, code, strings.Split(scope, ",")...)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "  webhook                        %s\n", address)
	}
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
