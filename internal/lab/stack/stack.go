// Package stack runs the app and the simulator together in one process, for the demo and for tests. It is not part of
// the product.
package stack

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/lab/portalsim"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/server"
	"itemlens/internal/storage"
)

// ClientID is the app's client_id in the simulator.
const ClientID = "app.item-lens.demo"

// Options of a stack. Addresses default to free ports on loopback.
type Options struct {
	DatabaseURL   string // a database that is up to date
	Simulator     portalsim.Options
	PortalName    string
	PortalAddress string
	AppAddress    string
	Log           *slog.Logger
	Adjust        func(*config.Config) // changes the app's configuration before it starts
}

// Stack is the running whole.
type Stack struct {
	Sim         *portalsim.Sim
	Portal      *portalsim.Portal
	AppURL      string
	OperatorURL string
	Store       *storage.Store
	App         portalsim.App
	Config      config.Config
	Keyset      secret.Text

	stop   context.CancelFunc
	served chan error
}

// Start starts everything; Stop ends it.
func Start(ctx context.Context, o Options) (*Stack, error) {
	sim, err := portalsim.New(o.Simulator)
	if err != nil {
		return nil, err
	}
	s := &Stack{Sim: sim, served: make(chan error, 1)}
	if err := s.start(ctx, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, o Options) error {
	var err error
	if s.Portal, err = s.Sim.AddPortal(o.PortalName, o.PortalAddress); err != nil {
		return err
	}
	if o.AppAddress == "" {
		o.AppAddress = "127.0.0.1:0"
	}
	public, err := net.Listen("tcp", o.AppAddress)
	if err != nil {
		return fmt.Errorf("listen for the app: %w", err)
	}
	operator, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for operators: %w", err)
	}
	s.AppURL = "http://" + public.Addr().String()
	s.OperatorURL = "http://" + operator.Addr().String()
	s.App = portalsim.App{
		ClientID: ClientID, ClientSecret: "demo-client-secret-that-nobody-may-see", Name: "Item Lens",
		URL: s.AppURL + "/", InstallURL: s.AppURL + "/install", RedirectURL: s.AppURL + "/oauth/callback", Scope: []string{"crm", "placement", "user_brief"},
	}
	s.Sim.RegisterApp(s.App)

	key, err := seal.Generate()
	if err != nil {
		return err
	}
	sealer, err := seal.New(key)
	if err != nil {
		return err
	}
	s.Keyset = key
	s.Config = config.Config{
		PublicURL: s.AppURL, DatabaseURL: secret.New(o.DatabaseURL), DatabaseMaxConns: 20, ClientID: s.App.ClientID,
		ClientSecret: secret.New(s.App.ClientSecret), Sealer: sealer, OAuthServers: []string{s.Sim.OAuthURL(), s.Sim.RegionalOAuthURL()},
		JSLibraryURL: s.Sim.JSLibraryURL(), AllowPrivate: true, PortalTimeout: 20 * time.Second, OAuthTimeout: 10 * time.Second,
		PortalWait: 8 * time.Second, OAuthRate: 5, MaxConnections: 10_000, SchemaLife: 10 * time.Minute, CacheBytes: 64 << 20,
		RESTLogDays: 3,
	}
	if o.Adjust != nil {
		o.Adjust(&s.Config)
	}
	s.Store, err = storage.Open(ctx, storage.Options{URL: s.Config.DatabaseURL, MaxConns: s.Config.DatabaseMaxConns, Sealer: sealer, Now: time.Now, Traces: s.Config.Traces})
	if err != nil {
		return err
	}
	app, err := server.New(s.Config, s.Store, o.Log, "demo")
	if err != nil {
		return err
	}
	var runCtx context.Context
	runCtx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	go func() { s.served <- app.Serve(runCtx, public, operator) }()
	return waitReady(ctx, s.OperatorURL)
}

func waitReady(ctx context.Context, operatorURL string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, operatorURL+"/readyz", nil)
		if err != nil {
			return err
		}
		req.Close = true
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the app does not get ready: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends everything and waits for it.
func (s *Stack) Stop() {
	s.Sim.Close()
	if s.stop != nil {
		s.stop()
		<-s.served
	}
	if s.Store != nil {
		s.Store.Close()
	}
}
