package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// clientID is the app's client_id at the canned OAuth server.
const clientID = "app.bench"

// app is the product's own binary, as operators run it.
type app struct {
	binary, dir string
	env         []string
	*process
	address string // for portals
	host    string // of all portals
}

// newApp prepares an app over a database and a canned platform; start runs it. Limits that protect real portals are set
// as wide as they go, because here few portals stand for many; nothing else is set otherwise than by default.
func newApp(dir, database, platform string) (*app, error) {
	public, operator, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	a := &app{binary: filepath.Join(dir, "app"), dir: dir, address: public, host: strings.TrimPrefix(platform, "http://")}
	keyset, err := exec.Command(a.binary, "keys", "generate").Output()
	if err != nil {
		return nil, fmt.Errorf("make a keyset: %w", err)
	}
	a.env = []string{
		"ITEMLENS_PUBLIC_URL=http://" + public, "ITEMLENS_LISTEN=" + public, "ITEMLENS_OPERATOR_LISTEN=" + operator,
		"ITEMLENS_DATABASE_URL=" + database, "ITEMLENS_MIGRATE=true", "ITEMLENS_KEYSET=" + strings.TrimSpace(string(keyset)),
		"ITEMLENS_CLIENT_ID=" + clientID, "ITEMLENS_CLIENT_SECRET=bench-client-secret", "ITEMLENS_OAUTH_SERVERS=" + platform,
		"ITEMLENS_JS_LIBRARY_URL=" + platform + "/api/v1/", "ITEMLENS_ALLOW_PRIVATE=true",
		"ITEMLENS_PORTAL_RATE=100000", "ITEMLENS_PORTAL_BURST=1000000", "ITEMLENS_SCHEMA_LIFE=24h",
		"ITEMLENS_REST_LOG_DAYS=0", // what it costs on top is told by a run with BENCH_ITEMLENS_REST_LOG_DAYS=3
	}
	// What the caller sets counts more: it is how a limit is tried.
	for _, v := range os.Environ() {
		if set, found := strings.CutPrefix(v, "BENCH_"); found && (strings.HasPrefix(set, "ITEMLENS_") || strings.HasPrefix(set, "OTEL_")) {
			a.env = append(a.env, set)
		}
	}
	return a, nil
}

// start runs the app and tells how long it took from there to ready.
func (a *app) start(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	var err error
	if a.process, err = launch(a.dir, "app", true, a.env, a.binary); err != nil {
		return 0, err
	}
	a.metrics = "http://" + a.operator()
	ready := "http://" + a.operator() + "/readyz"
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for time.Since(begin) < 30*time.Second {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, ready, nil)
		if err != nil {
			return 0, err
		}
		if res, err := client.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(begin), nil
			}
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		time.Sleep(time.Millisecond)
	}
	return 0, a.fail(errors.New("the app does not get ready"))
}

func (a *app) operator() string {
	for _, v := range a.env {
		if address, found := strings.CutPrefix(v, "ITEMLENS_OPERATOR_LISTEN="); found {
			return address
		}
	}
	return ""
}

// install puts the app into so many new portals, whose deals are of a shape, through the front door: what an
// administrator's browser posts to the install page.
func (a *app) install(ctx context.Context, shape string, count int) ([]visitor, error) {
	var visitors []visitor
	for range count {
		id := make([]byte, 16)
		_, _ = rand.Read(id) // never fails
		v := visitor{address: a.address, member: hex.EncodeToString(id), shape: shape, host: a.host}
		query := url.Values{"DOMAIN": {a.host}, "PROTOCOL": {"0"}, "LANG": {"en"}, "APP_SID": {v.member}}.Encode()
		v.path = "/?" + query
		_, _, err := exchange(ctx, a.address, v.request("/install?"+query, installPair, "DEFAULT", ""))
		if err != nil {
			return nil, a.fail(fmt.Errorf("install: %w", err))
		}
		visitors = append(visitors, v)
	}
	return visitors, nil
}

// freeAddresses finds two ports that nobody listens on now.
func freeAddresses() (string, string, error) {
	var found [2]string
	for i := range found {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", fmt.Errorf("find a free port: %w", err)
		}
		defer listener.Close()
		found[i] = listener.Addr().String()
	}
	return found[0], found[1], nil
}
