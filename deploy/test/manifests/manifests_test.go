// Package manifests checks what deploy/ offers: docker-compose.yml as Compose reads it, and the Kubernetes base as Kustomize
// builds it, decoded strictly into Kubernetes' own types. What it sets for the app is given to the app's own configuration.
// `make test-deploy`.
package manifests

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"itemlens/internal/config"
	"itemlens/internal/seal"
)

const root = "../../.."

// configured gives the app what a deployment sets, with secrets in files, and returns the configuration. It fails where a variable is
// none of the app's, or where the app would not start.
func configured(t *testing.T, environment map[string]string) config.Config {
	t.Helper()
	key, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"database_url": "postgres://itemlens@postgres/itemlens", "client_secret": "client-secret", "keyset": key.Reveal()}
	var raw config.Raw
	parser, err := kong.New(&raw, kong.DefaultEnvars("ITEMLENS"))
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for _, flag := range parser.Model.Flags {
		known = append(known, flag.Envs...)
	}
	for name, value := range environment {
		if !strings.HasPrefix(name, "ITEMLENS_") {
			if name != "GOMEMLIMIT" {
				t.Errorf("%s is no variable of the app", name)
			}
			continue
		}
		if !slices.Contains(known, name) {
			t.Errorf("%s is no variable of the app", name)
		}
		if strings.HasSuffix(name, "_FILE") {
			content, ok := secrets[filepath.Base(value)]
			if !ok || !strings.HasPrefix(value, "/run/secrets/") {
				t.Errorf("%s=%s is no secret that is there", name, value)
			}
			value = filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(value, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv(name, value)
	}
	if parser, err = kong.New(&raw, kong.DefaultEnvars("ITEMLENS")); err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(nil); err != nil {
		t.Fatal(err)
	}
	c, err := raw.Parse()
	if err != nil {
		t.Errorf("the app does not start: %v", err)
	}
	return c
}

// longest is how long the app may take to end: the drain delay, and then the longest request (docs/operate.md).
func longest(c config.Config) time.Duration { return c.DrainDelay + 4*c.PortalTimeout + 15*time.Second }
