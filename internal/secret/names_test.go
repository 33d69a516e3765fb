package secret_test

import (
	"strings"
	"testing"

	"itemlens/internal/secret"
)

func TestNamesThatAuthorize(t *testing.T) {
	for _, name := range []string{
		"auth", "AUTH_ID", "auth[ap]", "a%75th", "a%2575th", "access_token", "application_token", "sessid", "bx_sessid_x", "session", "PHPSESSIONID", "client_secret",
		"password", "passwd", "apikey", "apiKey", "api_key", "X-Api-Key", "authorization", "Authorization", "author_token", "authorAuth", "oauth",
	} {
		if !secret.Authorizes(name) {
			t.Errorf("%s does not authorize", name)
		}
	}
	for _, name := range []string{"", "id", "author", "authorName", "AUTHOR_ID", "coauthor", "authors", "secretary", "SECRETARY_ID", "title", "passport", "key"} {
		if secret.Authorizes(name) {
			t.Errorf("%s authorizes", name)
		}
	}
}

func TestNamedValuesAreRedacted(t *testing.T) {
	const value = "4e8fc2d0a1b2"
	for _, text := range []string{
		`{"file":"https:\/\/p.example\/f?auth=4e8fc2d0a1b2&id=5"}`,
		`{"file":"https://p.example/f?id=5\u0026auth\u003d4e8fc2d0a1b2\u0026id=5"}`,
		`cmd=crm.item.get%3Fauth%3D4e8fc2d0a1b2%26id%3D5`,
		`{"file":"https://p.example/f?auth%5Bap%5D=4e8fc2d0a1b2&id=5"}`,
		`{"file":"https://p.example/f?auth[ap]=4e8fc2d0a1b2&id=5"}`,
		`{"access_token":"4e8fc2d0a1b2","id":5}`,
		`{"application_token" : "4e8fc2d0a1b2","id":5}`,
		`{"url":"https://p.example/?sessid=4e8fc2d0a1b2&id=5"}`,
		`{"session":"4e8fc2d0a1b2","id":5}`, `{"SESSION_ID":"4e8fc2d0a1b2","id":5}`, `https://p.example/?session=4e8fc2d0a1b2&id=5`,
		`{"apikey":"4e8fc2d0a1b2","id":5}`, `{"apiKey":"4e8fc2d0a1b2","id":5}`, `{"api_key":"4e8fc2d0a1b2","id":5}`, `{"X-Api-Key":"4e8fc2d0a1b2","id":5}`,
		`{"options":"{\"token\":\"4e8fc2d0a1b2\",\"id\":5}"}`,
		`{"author_token":"4e8fc2d0a1b2","id":5}`,
		`{"client_secret":"4e8fc2d0a1b2`,
		`{"auth":"4e8fc2d0a1b2","token":"4e8fc2d0a1b2","auth_token":"4e8fc2d0a1b2"}`,
	} {
		clean := secret.RedactNamed(text)
		if strings.Contains(clean, value) || !strings.Contains(clean, secret.Redacted) {
			t.Errorf("%s\nbecame %s", text, clean)
		}
		if want := strings.ReplaceAll(text, value, secret.Redacted); clean != want {
			t.Errorf("%s\nbecame %s\nwant   %s", text, clean, want)
		}
	}
	for _, text := range []string{
		`{"result":{"item":{"title":"Authors of the token ring","assignedById":1,"author":"","auth":""}}}`,
		`{"authorName":"Anna Smirnova","AUTHOR_ID":"12345","coauthor":"Boris Petrov","secretary":"Olga Petrova"}`,
		`{"title":"The session about secrets: token","tokens":12345,"passport":"1234 567890"}`, `auth`, `"auth`, `"auth":`, `auth=`, ``,
	} {
		if clean := secret.RedactNamed(text); clean != text {
			t.Errorf("%s\nbecame %s", text, clean)
		}
	}
}

// BenchmarkRedactNamed reads an answer in which nothing has to go, as nearly all are.
func BenchmarkRedactNamed(b *testing.B) {
	text := `{"result":{` + strings.Repeat(`"ufCrm_1700000000001":"Some text of a usual length","ufCrm_1700000000002":["A-1","B-1"],`, 400) + `"id":20}}`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		secret.RedactNamed(text)
	}
}
