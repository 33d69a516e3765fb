package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"itemlens/internal/secret"
)

const plain = "s3cr3t-value-that-must-not-show"

func TestSecretNeverShows(t *testing.T) {
	type inner struct{ hidden secret.Text }
	type outer struct {
		Shown secret.Text
		inner inner
		Ptr   *secret.Text
	}
	s := secret.New(plain)
	all := outer{Shown: s, inner: inner{s}, Ptr: &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", all)
	}
	encoded, err := json.Marshal(map[string]any{"s": s, "all": all})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "s", s, "all", all)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "all", all)
	fmt.Fprint(&out, fmt.Errorf("wrapped %v", s))
	hexed := fmt.Sprintf("%x", plain)
	if strings.Contains(out.String(), plain) || strings.Contains(out.String(), hexed) {
		t.Fatalf("the secret shows in:\n%s", out.String())
	}
	if !strings.Contains(out.String(), secret.Redacted) {
		t.Fatal("a present secret should say that it was redacted")
	}
}

func TestMissingSecretsAreNeverEqual(t *testing.T) {
	if (secret.Text{}).Equal(secret.New("")) {
		t.Error("two missing secrets must not be equal")
	}
	if secret.New("a").Equal(secret.Text{}) || secret.New("a").Equal(secret.New("b")) {
		t.Error("different secrets must not be equal")
	}
	if !secret.New("a").Equal(secret.New("a")) {
		t.Error("equal secrets must be equal")
	}
}
