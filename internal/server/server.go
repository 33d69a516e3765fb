// Package server is the HTTP side that all features share: Echo with its middleware, security headers, error pages,
// health and metrics, and the graceful stop. Features register their own routes.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
	"golang.org/x/net/netutil"
	"riverqueue.com/riverui"

	"itemlens/docs"
	"itemlens/internal/bitrix24"
	"itemlens/internal/config"
	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/inpage"
	"itemlens/internal/install"
	"itemlens/internal/jobs"
	"itemlens/internal/oauth"
	"itemlens/internal/page"
	"itemlens/internal/portal"
	"itemlens/internal/restlog"
	"itemlens/internal/session"
	"itemlens/internal/settings"
	"itemlens/internal/storage"
	"itemlens/web"
	"itemlens/web/locales"
)

// maxBody bounds what portals may post. A page's form is about 2 KB, an event's as well.
const maxBody = 256 << 10

// sessionLife is how long a page may ask for more after it was opened or has asked last: as long as the access tokens of
// the platform live.
const sessionLife = time.Hour

// Server serves portals on one address and operators on another.
type Server struct {
	config   config.Config
	log      *slog.Logger
	store    *storage.Store
	public   *http.Server
	operator *http.Server
	closers  []func()
	jobs     *jobs.Runner
	restLog  *restlog.Log     // nil where none is kept
	queueUI  *riverui.Handler // nil where operators are shown none
	draining atomic.Bool      // the process is about to stop
}

// New wires the app. It connects to nothing yet.
func New(c config.Config, store *storage.Store, log *slog.Logger, version string) (*Server, error) {
	now := c.Now
	if now == nil {
		now = time.Now
	}
	catalog, err := i18n.Load(locales.Files)
	if err != nil {
		return nil, err
	}
	static, err := web.NewStatic()
	if err != nil {
		return nil, err
	}
	renderer, err := web.NewRenderer()
	if err != nil {
		return nil, err
	}
	log = guardLog(log, c.ClientSecret, c.DatabaseURL, c.DatabaseDirectURL, c.OperatorPassword)
	m := newMetrics(version)
	m.watchDatabase(store)
	var restLog *restlog.Log
	var record func(context.Context, bitrix24.Exchange)
	if c.RESTLogDays > 0 {
		restLog = restlog.New(store, c.RESTLogDays, log, now)
		record = restLog.Record
		m.watchRESTLog(restLog)
	}
	agent := "ItemLens/" + version
	rest, err := bitrix24.NewClient(bitrix24.Options{
		Timeout: c.PortalTimeout, AllowPrivate: c.AllowPrivate, UserAgent: agent, Observe: m.requestSent, Record: record,
		Rate: portalRate(c, 2, 45), Enterprise: portalRate(c, 5, 225),
	})
	if err != nil {
		return nil, err
	}
	authority, err := oauth.NewServer(oauth.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Servers: c.OAuthServers, Timeout: c.OAuthTimeout, AllowPrivate: c.AllowPrivate,
		Rate: c.OAuthRate, Observe: m.requestSent, Now: now,
	})
	if err != nil {
		return nil, err
	}
	tokens := oauth.NewTokens(authority, store, oauth.Limits{
		Renewals: max(1, int64(c.DatabaseMaxConns)/3), PerPortal: 2, Wait: c.OAuthTimeout + 5*time.Second,
	}, log)
	tokens.Tell(oauth.Watch{Exchanged: record, Renewed: m.renewed, Died: m.died})
	titles := map[string]string{}
	for _, lang := range catalog.Languages() {
		titles[i18n.PlatformCode(lang)] = catalog.For(lang).T("app.tab")
	}
	cache, views, events := crm.NewCache(c.CacheBytes, c.SchemaLife), page.NewViews(), install.NewEventRate(now)
	forget := func(id portal.MemberID) {
		cache.Forget(id)
		views.Forget(id)
		events.Forget(id)
	}
	installer := &install.Service{
		Store: store, Server: authority, Tokens: tokens, REST: rest, PublicURL: c.PublicURL, Titles: titles, Log: log, Now: now,
		Events: events, Forget: forget,
	}
	s := &Server{config: c, log: log, store: store, restLog: restLog, closers: []func(){rest.Close, authority.Close}}
	s.jobs, err = jobs.New(jobs.Options{
		Portals: installer, Pool: store.Pool(), Store: store, Tokens: tokens, Spread: c.KeepAliveSpread, Log: log, Now: now,
		Done: m.jobDone, Traces: c.Traces,
	})
	if err != nil {
		return nil, err
	}
	installer.Planner = s.jobs
	site := web.Site{Catalog: catalog, LibraryJS: c.JSLibraryURL, Static: static, Renderer: renderer, Framed: framed}
	e := s.newEcho(site, m)
	(&install.Handler{Site: site, Service: installer, AllowPrivate: c.AllowPrivate}).Register(e)
	door, err := gate.NewDoor(int64(c.DatabaseMaxConns) / 3)
	if err != nil {
		return nil, fmt.Errorf("make the door for strangers: %w", err)
	}
	door.Passed = m.doorPassed
	admission := &gate.Gate{
		Door:  door,
		Store: store, Registrar: installer, Tokens: tokens, Server: authority, REST: rest, Now: now,
		Sessions: session.NewKeeper(c.Sealer, sessionLife, now), Planner: s.jobs, Log: log,
	}
	s.closers = append(s.closers, cache.Close, views.Close)
	m.watchCache(cache)
	cards := &page.Cards{Source: &crm.Source{Cache: cache}, Turns: page.NewTurns(), Zones: page.NewZones(), Views: views, Now: now}
	pages := inpage.Site{Site: site, Gate: admission}
	(&page.Handler{Site: pages, Cards: cards}).Register(e)
	(&settings.Handler{Site: pages, Store: store, Tabs: installer, Planner: s.jobs, Cards: cards, Forget: forget, Now: now}).Register(e)
	legal, err := web.NewLegal(docs.Legal(), c.Vendor, c.Support)
	if err != nil {
		return nil, err
	}
	legal.Register(e, site)
	s.public = newHTTPServer(traced(headAsGet(e), c.Traces), c.PortalTimeout)
	operator, err := s.operatorRoutes(m)
	if err != nil {
		return nil, err
	}
	s.operator = newHTTPServer(operator, c.PortalTimeout)
	return s, nil
}

// portalRate is how much is asked of a portal whose plan allows so much, unless the operator says otherwise. Of what limits.md
// allows at once, 50 and 250, a tenth is left: background work of a portal may run in another process, which counts for itself,
// and a request arrives later than it was counted.
func portalRate(c config.Config, perSecond, burst int) bitrix24.Rate {
	if c.PortalRate > 0 {
		perSecond = c.PortalRate
	}
	if c.PortalBurst > 0 {
		burst = c.PortalBurst
	}
	return bitrix24.Rate{PerSecond: perSecond, Burst: burst, Wait: c.PortalWait}
}

func (s *Server) newEcho(site web.Site, m *metrics) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	problems := &problemPages{Site: site, log: s.log}
	e.HTTPErrorHandler = problems.handle
	e.IPExtractor = clientAddress(s.config.TrustedProxies)
	library, _ := url.Parse(s.config.JSLibraryURL)
	e.Use(
		lastOnItsConnection(&s.draining),
		claims(),
		middleware.RequestIDWithConfig(middleware.RequestIDConfig{Generator: requestID}),
		named,
		requestLog(s.log, m),
		securityHeaders(library.Scheme+"://"+library.Host, strings.HasPrefix(s.config.PublicURL, "https://")),
		middleware.RecoverWithConfig(middleware.RecoverConfig{DisableErrorHandler: false, LogErrorFunc: func(_ echo.Context, err error, stack []byte) error {
			return &panicError{err, stack}
		}}),
		limitBody(maxBody),
		deadline(s.config.PortalTimeout+s.config.PortalWait+s.config.OAuthTimeout+5*time.Second, longest(s.config)),
	)
	e.GET("/static/*", site.Static.Serve)
	return e
}

// longest is how long any request may take: an installation makes several requests to the portal.
func longest(c config.Config) time.Duration { return 4*c.PortalTimeout + 15*time.Second }

func newHTTPServer(h http.Handler, work time.Duration) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      4*work + 30*time.Second, // an installation makes several requests to the portal
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}

// Run serves until the context ends. Then it says at /readyz that it stops, begins no more jobs, goes on serving for the
// drain delay, in which a balancer turns to other replicas, and lets requests and jobs that are under way finish.
func (s *Server) Run(ctx context.Context) error {
	public, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen for portals: %w", err)
	}
	operator, err := net.Listen("tcp", s.config.OperatorListen)
	if err != nil {
		_ = public.Close()
		return fmt.Errorf("listen for operators: %w", err)
	}
	return s.Serve(ctx, public, operator)
}

// Serve is Run on listeners that exist already.
func (s *Server) Serve(ctx context.Context, public, operator net.Listener) error {
	public = netutil.LimitListener(public, s.config.MaxConnections)
	failed := make(chan error, 2)
	go func() { failed <- s.public.Serve(public) }()
	go func() { failed <- s.operator.Serve(operator) }()
	jobsCtx, stopJobs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopJobs()
	jobsDone := make(chan struct{})
	go func() { s.jobs.Run(jobsCtx); close(jobsDone) }()
	logCtx, stopLog := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLog()
	logDone := make(chan struct{})
	go func() {
		if s.restLog != nil {
			s.restLog.Run(logCtx)
		}
		close(logDone)
	}()
	if s.queueUI != nil {
		if err := s.queueUI.Start(jobsCtx); err != nil {
			s.log.Warn("the queue's pages count nothing", "error", err.Error())
		}
	}
	s.log.Info("serving", "listen", public.Addr().String(), "operator_listen", operator.Addr().String(), "public_url", s.config.PublicURL)

	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		s.draining.Store(true)
		s.log.Info("stopping", "drain_delay", s.config.DrainDelay.String())
		stopJobs()
		select {
		case err = <-failed:
		case <-time.After(s.config.DrainDelay):
		}
	}
	stopJobs()
	stopCtx, cancel := context.WithTimeout(context.Background(), longest(s.config))
	defer cancel()
	err = errors.Join(err, s.public.Shutdown(stopCtx), s.operator.Shutdown(stopCtx))
	<-jobsDone
	stopLog() // after everything that asks portals
	<-logDone
	for _, closer := range s.closers {
		closer()
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	s.log.Info("stopped")
	return nil
}
