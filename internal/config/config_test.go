package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"itemlens/internal/config"
	"itemlens/internal/seal"
)

func good(t *testing.T) config.Raw {
	t.Helper()
	key, err := seal.Generate()
	if err != nil {
		t.Fatal(err)
	}
	return config.Raw{
		PublicURL: "https://lens.example.com/", Listen: ":8080", OperatorListen: "127.0.0.1:8081", DatabaseURL: "postgres://u:pw@h/db",
		DatabaseMaxConns: "20", Migrate: "false", ClientID: "app.1", ClientSecret: "sec", Keyset: key.Reveal(),
		OAuthServers: "https://oauth.bitrix.info, https://oauth.bitrix24.tech/", JSLibraryURL: "https://api.bitrix24.com/api/v1/",
		AllowPrivate: "false", PortalTimeout: "20s", OAuthTimeout: "10s", PortalRate: "0", PortalBurst: "0", PortalWait: "8s", OAuthRate: "5", MaxConnections: "10000", SchemaLife: "10m", CacheBytes: "67108864", RESTLogDays: "3", DrainDelay: "5s", KeepAliveSpread: "20h", LogLevel: "info",
	}
}

func TestGoodConfiguration(t *testing.T) {
	c, err := good(t).Parse()
	if err != nil || c.PublicURL != "https://lens.example.com" || len(c.OAuthServers) != 2 || c.OAuthServers[1] != "https://oauth.bitrix24.tech" {
		t.Fatalf("%+v, %v", c, err)
	}
}

// TestDirectDatabase is for migrations: what the database URL is not fit for behind a pooler.
func TestDirectDatabase(t *testing.T) {
	raw := good(t)
	for direct, want := range map[string]string{"": "postgres://u:pw@h/db", "postgres://u:pw@direct/db": "postgres://u:pw@direct/db"} {
		raw.DatabaseDirectURL = direct
		c, err := raw.Parse()
		alone, aloneErr := raw.DirectDatabase()
		if err != nil || aloneErr != nil || c.DatabaseDirectURL.Reveal() != want || alone.Reveal() != want || c.DatabaseURL.Reveal() != "postgres://u:pw@h/db" {
			t.Errorf("%q: %v, %v", direct, err, aloneErr)
		}
	}
}

func TestEveryProblemIsToldAtOnceAndNoSecretShows(t *testing.T) {
	raw := good(t)
	raw.PublicURL, raw.DatabaseMaxConns, raw.ClientID, raw.PortalTimeout = "http://lens.example.com", "many", "", "5h"
	raw.Keyset, raw.LogLevel, raw.AllowPrivate = "not-a-keyset-but-a-secret", "loud", "perhaps"
	raw.ClientSecretFile = "/nowhere/secret"
	_, err := raw.Parse()
	if err == nil {
		t.Fatal("want an error")
	}
	for _, name := range []string{"PUBLIC_URL", "DATABASE_MAX_CONNS", "CLIENT_ID", "PORTAL_TIMEOUT", "KEYSET", "LOG_LEVEL", "ALLOW_PRIVATE", "CLIENT_SECRET"} {
		if !strings.Contains(err.Error(), "ITEMLENS_"+name+" ") {
			t.Errorf("%s is not told in\n%v", name, err)
		}
	}
	if strings.Contains(err.Error(), "not-a-keyset") || strings.Contains(err.Error(), "pw@") {
		t.Errorf("a secret shows in\n%v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	raw := good(t)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	raw.ClientSecret, raw.ClientSecretFile = "", file
	c, err := raw.Parse()
	if err != nil || c.ClientSecret.Reveal() != "from-file" {
		t.Fatalf("%q, %v", c.ClientSecret.Reveal(), err)
	}
	raw.ClientSecretFile = file + ".missing"
	if _, err := raw.Parse(); err == nil || !strings.Contains(err.Error(), "CLIENT_SECRET_FILE cannot be read") {
		t.Errorf("%v", err)
	}
}

// TestTheQueuesPagesNeedAPassword that nobody guesses.
func TestTheQueuesPagesNeedAPassword(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("sixteen-letters!\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		mode, password, file string
		want                 config.QueueUI
		problem              string
	}{
		{"", "", "", config.QueueUIOff, ""},
		{"off", "short", "", config.QueueUIOff, ""},
		{"read", "", file, config.QueueUIRead, ""},
		{"write", "sixteen-letters!", "", config.QueueUIWrite, ""},
		{"read", "", "", "", "ITEMLENS_OPERATOR_PASSWORD is missing"},
		{"read", "short-secret", "", "", "ITEMLENS_OPERATOR_PASSWORD must have 16 characters"},
		{"admin", "sixteen-letters!", "", "", "ITEMLENS_QUEUE_UI must be off, read or write"},
	} {
		raw := good(t)
		raw.QueueUI, raw.OperatorPassword, raw.OperatorPasswordFile = c.mode, c.password, c.file
		got, err := raw.Parse()
		if c.problem == "" && (err != nil || got.QueueUI != c.want || (c.want != config.QueueUIOff) != (got.OperatorPassword.Reveal() == "sixteen-letters!")) ||
			c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), "short-secret")) {
			t.Errorf("%+v: %v, %v", c, got.QueueUI, err)
		}
	}
}
