package restlog

import (
	"slices"
	"strings"
	"testing"

	"itemlens/internal/secret"
)

func TestBodiesLoseTheirSecrets(t *testing.T) {
	const access, refresh = "access-token-of-user-one", "refresh-token-of-user-one"
	ctx := secret.WithWatch(t.Context())
	secret.Note(ctx, secret.New(refresh))
	for _, body := range []string{
		`{"result":{"echo":"access-token-of-user-one"}}`,
		`{"result":{"echo":"refresh-token-of-user-one"}}`,
		`{"file":"https:\/\/p.example\/f?auth=4e8fc2d0a1b2&id=5"}`,
		`{"file":"https://p.example/f?id=5\u0026auth\u003d4e8fc2d0a1b2\u0026x=1"}`,
		`cmd=crm.item.get%3Fauth%3D4e8fc2d0a1b2%26id%3D5`,
		`{"file":"https://p.example/f?auth%5Bap%5D=4e8fc2d0a1b2&id=5"}`,
		`{"file":"https://p.example/f?auth[ap]=4e8fc2d0a1b2&id=5"}`,
		`{"access_token":"4e8fc2d0a1b2","id":5}`,
		`{"application_token" : "4e8fc2d0a1b2","id":5}`,
		`{"AUTH_ID":"4e8fc2d0a1b2","id":5}`,
		`{"url":"https://p.example/?sessid=4e8fc2d0a1b2&id=5"}`,
		`{"client_secret":"4e8fc2d0a1b2`,
	} {
		text, cut := cleanBody(ctx, []byte(body), secret.New(access))
		if strings.Contains(text, access) || strings.Contains(text, refresh) || strings.Contains(text, "4e8fc2d0a1b2") || !strings.Contains(text, secret.Redacted) || cut != 0 {
			t.Errorf("%s\nbecame %s", body, text)
		}
		if strings.Contains(body, "id") && strings.HasSuffix(body, "5}") && !strings.HasSuffix(text, "5}") {
			t.Errorf("%s\nlost more than its secret: %s", body, text)
		}
	}
	const plain = `{"result":{"item":{"title":"Authors of the token ring","assignedById":1,"author":"","auth":""}}}`
	if text, _ := cleanBody(ctx, []byte(plain), secret.New(access)); text != plain {
		t.Errorf("a plain body became %s", text)
	}
}

func TestLongBodiesAreCut(t *testing.T) {
	body := []byte(strings.Repeat("ä", longestBody))
	text, cut := cleanBody(t.Context(), body, secret.Text{})
	if len(text) > longestBody || len(text) < longestBody || cut != longestBody || !strings.HasSuffix(text, "ä") {
		t.Errorf("%d bytes are kept, %d left out", len(text), cut)
	}
	// A secret across the end leaves no half behind.
	const access = "access-token-of-user-one"
	text, _ = cleanBody(t.Context(), []byte(strings.Repeat("x", longestBody-10)+access+"y"), secret.New(access))
	if strings.Contains(text, access[:8]) {
		t.Errorf("the kept body ends with %q", text[len(text)-20:])
	}
}

func TestCommandsAreNamed(t *testing.T) {
	for _, c := range []struct {
		method, request string
		want            []string
	}{
		{"batch", `{"halt":0,"cmd":{"profile":"profile","item":"crm.item.get?entityTypeId=2&id=20","fields":"crm.item.fields?entityTypeId=2","u":"user.get?ID[0]=1"}}`,
			[]string{"profile", "crm.item.get 2/20", "crm.item.fields 2", "user.get"}},
		{"crm.item.list", `{"entityTypeId":2,"filter":{"id":5}}`, []string{"crm.item.list 2"}},
		{"crm.item.get", `{"entityTypeId":"4","id":"7"}`, []string{"crm.item.get 4/7"}},
		{"user.get", `{"id":"<script>"}`, []string{"user.get"}},
	} {
		if got := commandsOf(c.method, []byte(c.request)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.request, got, c.want)
		}
	}
}
