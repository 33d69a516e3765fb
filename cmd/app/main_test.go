package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"itemlens/internal/config"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/lab/collector"
	"itemlens/internal/portal"
	"itemlens/internal/seal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }

func call(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(context.Background(), args, &out, &out)
	return strings.TrimSpace(out.String()), err
}

// database is one that is up to date, with a keyset of its own, and the store that an app with both has.
func database(t *testing.T) (url, keyset string, store *storage.Store) {
	t.Helper()
	url = cluster.Database(t)
	keyset, err := call(t, "keys", "generate")
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := seal.New(secret.New(keyset))
	if err != nil {
		t.Fatal(err)
	}
	if store, err = storage.Open(t.Context(), storage.Options{URL: secret.New(url), Sealer: sealer, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return url, keyset, store
}

func TestKeysAreNew(t *testing.T) {
	first, err1 := call(t, "keys", "generate")
	second, err2 := call(t, "keys", "generate")
	if err1 != nil || err2 != nil || first == second || len(first) < 60 {
		t.Errorf("%v %v", err1, err2)
	}
}

func TestServeTellsEverythingThatIsMissing(t *testing.T) {
	_, err := call(t, "serve")
	for _, name := range []string{"ITEMLENS_PUBLIC_URL", "ITEMLENS_DATABASE_URL", "ITEMLENS_CLIENT_ID", "ITEMLENS_CLIENT_SECRET", "ITEMLENS_KEYSET"} {
		if err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("%s is not told: %v", name, err)
		}
	}
}

func TestMigrateCommand(t *testing.T) {
	url := cluster.Empty(t)
	for range 2 {
		if out, err := call(t, "migrate", "--database-url", url); err != nil || out != "the database is up to date" {
			t.Errorf("%q, %v", out, err)
		}
	}
}

// TestForgettingAPortal erases one portal and no other.
func TestForgettingAPortal(t *testing.T) {
	url, keyset, store := database(t)
	for _, id := range []portal.MemberID{"portal-one", "portal-two"} {
		p := portal.Portal{MemberID: id, ClientEndpoint: "https://" + string(id) + ".example/rest/", Domain: string(id) + ".example", Scope: []string{"crm"}, InstallerID: 1}
		if err := store.SaveInstallation(t.Context(), p, portal.Token{MemberID: id, UserID: 1, Access: secret.New("a-" + string(id)), Refresh: secret.New("r-" + string(id))}); err != nil {
			t.Fatal(err)
		}
		if _, err := store.SaveSettings(t.Context(), id, 0, portal.SettingsChange{UserID: 1, UserName: "Ann", Action: "save", After: portal.Settings{ShowEmpty: true}}); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := call(t, "portals", "list", "--database-url", url); err != nil || out != "portal-one\tportal-one.example\tinstalled\nportal-two\tportal-two.example\tinstalled" {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := call(t, "portals", "forget", "portal-one", "--database-url", url); err == nil || !strings.Contains(err.Error(), "ITEMLENS_KEYSET") {
		t.Errorf("without a keyset: %v", err)
	}
	if _, err := call(t, "portals", "forget", "portal-three", "--database-url", url, "--keyset", keyset); err == nil || !strings.Contains(err.Error(), "no portal") {
		t.Errorf("a portal that is unknown: %v", err)
	}
	if out, err := call(t, "portals", "forget", "portal-one", "--database-url", url, "--keyset", keyset); err != nil || !strings.Contains(out, "deleted everything about portal-one") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := store.Portal(t.Context(), "portal-one"); !errors.Is(err, portal.ErrUnknownPortal) {
		t.Errorf("the portal is still there: %v", err)
	}
	if erased, err := store.WasErased(t.Context(), "portal-one"); !erased || err != nil {
		t.Errorf("a plain user could bring it back: %t, %v", erased, err)
	}
	if p, err := store.Portal(t.Context(), "portal-two"); err != nil || !p.Settings.ShowEmpty || p.SettingsVersion != 1 {
		t.Errorf("another portal: %+v, %v", p.Settings, err)
	}
}

// TestRotatingKeys goes through a rotation as docs/operate.md tells it.
func TestRotatingKeys(t *testing.T) {
	url := cluster.Database(t)
	old, err := call(t, "keys", "generate")
	if err != nil {
		t.Fatal(err)
	}
	both, err := call(t, "keys", "add", "--keyset", old)
	if err != nil {
		t.Fatal(err)
	}
	only, err := call(t, "keys", "prune", "--keyset", both)
	if err != nil {
		t.Fatal(err)
	}
	open := func(keyset string) *storage.Store {
		sealer, err := seal.New(secret.New(keyset))
		if err != nil {
			t.Fatal(err)
		}
		s, err := storage.Open(t.Context(), storage.Options{URL: secret.New(url), Sealer: sealer, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	store := open(old)
	const portals = 450 // more than two batches
	for i := range portals {
		id := portal.MemberID(fmt.Sprintf("member-%04d", i))
		err := store.SaveInstallation(t.Context(),
			portal.Portal{MemberID: id, ClientEndpoint: "https://p/rest/", Domain: "p", ServerEndpoint: "https://o/rest/", ApplicationToken: secret.New("app"), Scope: []string{"crm"}, InstallerID: 1},
			portal.Token{MemberID: id, UserID: 1, Access: secret.New("a"), Refresh: secret.New(fmt.Sprint("r", i)), ExpiresAt: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
	}
	check := func(keyset string, want error) {
		t.Helper()
		_, err := open(keyset).Token(t.Context(), "member-0007", 1)
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	check(both, nil)
	check(only, seal.ErrUnreadable)
	if out, err := call(t, "serve", "--database-url", url, "--keyset", only, "--public-url", "https://x", "--client-id", "x", "--client-secret", "x"); err == nil || !strings.Contains(err.Error(), "it is the wrong keyset") {
		t.Errorf("a wrong keyset at the start: %v %s", err, out)
	}
	out, err := call(t, "keys", "rotate", "--database-url", url, "--keyset", both)
	if err != nil || out != fmt.Sprintf("%d rows encrypted with the newest key", 2*portals) {
		t.Errorf("%q, %v", out, err)
	}
	check(only, nil)
	check(old, seal.ErrUnreadable)
	if out, err := call(t, "keys", "rotate", "--database-url", url, "--keyset", only); err != nil || !strings.HasPrefix(out, "0 rows") {
		t.Errorf("again: %q, %v", out, err)
	}
}

// TestTheBinary builds the product and runs it as an operator does: start, health check, stop by SIGTERM.
func TestTheBinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "app")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	symbols, err := exec.Command("go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{"itemlens/internal/lab/portalsim", "itemlens/internal/lab/localpg", "itemlens/internal/lab/stack", "itemlens/internal/lab/apptest"} {
		if bytes.Contains(symbols, []byte(foreign)) {
			t.Errorf("the production binary holds %s", foreign)
		}
	}

	key, err := call(t, "keys", "generate")
	if err != nil {
		t.Fatal(err)
	}
	listen, operator, traces := freeAddress(t), freeAddress(t), collector.Start(t)
	env := append(os.Environ(), "ITEMLENS_PUBLIC_URL=https://lens.example.com", "ITEMLENS_LISTEN="+listen, "ITEMLENS_OPERATOR_LISTEN="+operator,
		"ITEMLENS_DATABASE_URL="+cluster.Empty(t), "ITEMLENS_CLIENT_ID=app.1", "ITEMLENS_CLIENT_SECRET=very-secret-indeed", "ITEMLENS_KEYSET="+key, "ITEMLENS_MIGRATE=true",
		"ITEMLENS_DRAIN_DELAY=1s", "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.URL, "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test")
	var log apptest.Log
	cmd := exec.Command(binary)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	healthy := false
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && !healthy; time.Sleep(100 * time.Millisecond) {
		check := exec.Command(binary, "healthcheck")
		check.Env = env
		healthy = check.Run() == nil
	}
	if !healthy {
		t.Fatalf("never healthy:\n%s", &log)
	}
	res, err := http.Get("http://" + listen + "/")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("the public page: %v", err)
	}
	if res != nil {
		_ = res.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	checkDraining(t, listen, operator)
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if text := log.String(); strings.Contains(text, "very-secret-indeed") || strings.Contains(text, key) || !strings.Contains(text, `"msg":"stopped"`) {
		t.Errorf("log:\n%s", text)
	}
	if !slices.ContainsFunc(traces.Spans(), func(s collector.Span) bool { return s.Name == "GET /" }) || traces.Resource("service.name") != "itemlens" ||
		traces.Resource("deployment.environment.name") != "test" {
		t.Errorf("the collector of traces was told: %s", traces.Text())
	}
	check := exec.Command(binary, "healthcheck")
	check.Env = env
	if check.Run() == nil {
		t.Error("healthy after the stop")
	}
	wrong := exec.Command(binary)
	wrong.Env = append(env, "OTEL_EXPORTER_OTLP_ENDPOINT=nowhere")
	if out, err := wrong.CombinedOutput(); err == nil || !bytes.Contains(out, []byte("OTEL_EXPORTER_OTLP_ENDPOINT must be an address")) {
		t.Errorf("a wrong address of the collector: %v, %s", err, out)
	}
}

// TestTheREADMEListsEverySetting that --help does.
func TestTheREADMEListsEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	raw := reflect.TypeFor[config.Raw]()
	model, err := kong.New(&cli{}, kong.DefaultEnvars("ITEMLENS"))
	if err != nil {
		t.Fatal(err)
	}
	settings := 0
	for _, flag := range model.Model.Flags {
		for _, name := range flag.Envs {
			settings++
			shown := strings.Contains(string(readme), "`"+name+"`") || strings.Contains(string(readme), "`"+strings.TrimSuffix(name, "_FILE")+"` *")
			if !shown {
				t.Errorf("%s is missing", name)
			}
		}
	}
	if settings < raw.NumField() {
		t.Errorf("%d settings of %d", settings, raw.NumField())
	}
}

// checkDraining sees an app that was told to stop: not ready, alive, and serving, each connection for the last time.
func checkDraining(t *testing.T, listen, operator string) {
	t.Helper()
	said := ""
	for deadline := time.Now().Add(900 * time.Millisecond); said == "" && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		res, err := http.Get("http://" + operator + "/readyz")
		if err != nil {
			break
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode == http.StatusServiceUnavailable {
			said = string(body)
		}
	}
	if said != "the app is stopping\n" {
		t.Errorf("/readyz after SIGTERM: %q", said)
	}
	res, err := http.Get("http://" + listen + "/")
	if err != nil {
		t.Errorf("a page while the balancer turns away: %v", err)
		return
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK || !res.Close {
		t.Errorf("a page while the balancer turns away: status %d, the connection is to end: %t", res.StatusCode, res.Close)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
