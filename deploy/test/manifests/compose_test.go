package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what a Caddyfile may name
	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func project(t *testing.T, environment []string, profile string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")}, cli.WithEnv(environment), cli.WithProfiles([]string{profile}), cli.WithName("itemlens"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestComposeForOneMachine: Caddy before the app before Postgres. The app may do nothing but serve, the operator's port is
// nobody's outside, and only Caddy is reached from other machines.
func TestComposeForOneMachine(t *testing.T) {
	p := project(t, []string{"ITEMLENS_PUBLIC_URL=https://lens.example.com", "ITEMLENS_CLIENT_ID=app.1"}, "live")
	if names := p.ServiceNames(); !slices.Equal(names, []string{"app", "caddy", "postgres"}) {
		t.Fatalf("services %v", names)
	}
	app := p.Services["app"]
	c := configured(t, variables(app))
	if !c.Migrate || c.OperatorListen != ":8081" || len(c.TrustedProxies) != 1 || c.TrustedProxies[0].String() != p.Networks["default"].Ipam.Config[0].Subnet {
		t.Errorf("configuration %+v", c)
	}
	if !app.ReadOnly || !slices.Equal(app.CapDrop, []string{"ALL"}) || !slices.Equal(app.SecurityOpt, []string{"no-new-privileges:true"}) || app.Build.Target != "app" {
		t.Errorf("the app may do more than serve: %+v", app)
	}
	if app.StopGracePeriod == nil || time.Duration(*app.StopGracePeriod) < longest(c) {
		t.Errorf("the app gets %v to end, and may take %s", app.StopGracePeriod, longest(c))
	}
	for name, service := range p.Services {
		for _, port := range service.Ports {
			if name != "caddy" && port.HostIP != "127.0.0.1" || port.Target == 8081 {
				t.Errorf("%s is reached from outside: %+v", name, port)
			}
		}
		if service.Image != "" && (!strings.Contains(service.Image, ":") || strings.HasSuffix(service.Image, ":latest")) {
			t.Errorf("%s: %s is no version", name, service.Image)
		}
		for _, secret := range service.Secrets {
			if _, ok := p.Secrets[secret.Source]; !ok {
				t.Errorf("%s: no secret %s", name, secret.Source)
			}
		}
	}
	if file := p.Services["caddy"].Volumes[0].Source; !sameFile(t, file, filepath.Join(root, "deploy/caddy/Caddyfile")) {
		t.Errorf("Caddy reads %s", file)
	}
}

// TestComposeForTheDemo has the simulated portal, and no Caddy.
func TestComposeForTheDemo(t *testing.T) {
	demo, err := os.ReadFile(filepath.Join(root, "demo.env"))
	if err != nil {
		t.Fatal(err)
	}
	var environment []string
	for line := range strings.Lines(string(demo)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			environment = append(environment, line)
		}
	}
	p := project(t, environment, "demo")
	if names := p.ServiceNames(); !slices.Equal(names, []string{"app", "portalsim", "postgres"}) {
		t.Errorf("services %v", names)
	}
	if c := configured(t, variables(p.Services["app"])); !c.AllowPrivate {
		t.Error("the app does not reach the simulator")
	}
}

// TestCaddyfile is read by Caddy itself.
func TestCaddyfile(t *testing.T) {
	t.Setenv("ITEMLENS_SITE", "https://lens.example.com")
	content, err := os.ReadFile(filepath.Join(root, "deploy/caddy/Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt(content, map[string]any{"filename": "Caddyfile"})
	if err != nil || len(warnings) > 0 {
		t.Errorf("%v %v", err, warnings)
	}
	for _, want := range []string{`"key":"DOMAIN"`, `"policy":"query"`, `"dial":"app:8080"`, `"host":["lens.example.com"]`, `"uri":"/readyz"`} {
		if !strings.Contains(string(adapted), want) {
			t.Errorf("Caddy does not read %s:\n%s", want, adapted)
		}
	}
}

func variables(s types.ServiceConfig) map[string]string {
	variables := map[string]string{}
	for name, value := range s.Environment {
		if value != nil {
			variables[name] = *value
		}
	}
	return variables
}

func sameFile(t *testing.T, one, other string) bool {
	t.Helper()
	a, err := os.Stat(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.Stat(other)
	return err == nil && os.SameFile(a, b)
}
