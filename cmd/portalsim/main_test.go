package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestWebhooksAndTLSByFlags starts the command as a developer does who has nothing but a webhook's address.
func TestWebhooksAndTLSByFlags(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	authority := filepath.Join(t.TempDir(), "ca.pem")
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"--oauth", "127.0.0.1:0", "--portal", "127.0.0.1:0", "--tls", "--tls-authority", authority, "--webhook", "2/secret:crm,user", "--webhook", "1:crm",
		}, writer, io.Discard)
		_ = writer.Close()
	}()
	var hooks []string
	lines := bufio.NewScanner(reader)
	for len(hooks) < 2 && lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "webhook "); ok {
			hooks = append(hooks, strings.TrimSpace(address))
		}
	}
	if len(hooks) != 2 || !strings.HasPrefix(hooks[0], "https://127.0.0.1:") || !strings.HasSuffix(hooks[0], "/rest/2/secret/") {
		t.Fatalf("webhooks %q", hooks)
	}
	certificate, err := os.ReadFile(authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	res, err := client.Get(hooks[0] + "user.current")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	if !strings.Contains(string(text), `"NAME":"Marco"`) {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestFlagsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{{"--truth", "nonsense"}, {"--webhook", "1"}, {"--webhook", "77/x:crm"}, {"--client-secret-file", "/nowhere"}, {"--no-such-flag"}} {
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		err := run(ctx, append(args, "--oauth", "127.0.0.1:0", "--portal", "127.0.0.1:0"), io.Discard, io.Discard)
		if err == nil {
			t.Errorf("%q: no error", args)
		}
		stop()
	}
}
