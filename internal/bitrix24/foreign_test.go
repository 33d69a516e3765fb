package bitrix24_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// TestRefusalsAreToldApartByCodeAndText: the status says nothing. Portals of today refuse tokens with 401 whatever the
// reason, the documentation has other statuses for some, and older ones yet others.
func TestRefusalsAreToldApartByCodeAndText(t *testing.T) {
	client := newClient(t, bitrix24.Options{})
	is := map[string]func(error) bool{
		"expired": bitrix24.IsExpiredToken, "invalid": bitrix24.IsInvalidToken, "overload": bitrix24.IsOverload, "denied": bitrix24.IsAccessDenied,
		"plan": bitrix24.IsPlanWithoutREST, "payment": bitrix24.IsPaymentRequired, "deleted": bitrix24.IsPortalDeleted,
		"scope": bitrix24.IsInsufficientScope, "user": bitrix24.IsUserWithoutAccess, "removed": bitrix24.IsNotInstalled,
		"passing": bitrix24.IsUnreachable, "notfound": bitrix24.IsNotFound,
	}
	for _, tt := range []struct{ code, text, want string }{
		{"ACCESS_DENIED", "REST is available only on commercial plans.", "plan"},
		{"ACCESS_DENIED", "REST API is available only on commercial plans", "plan"},
		{"ACCESS_DENIED", "Available only on extended plans", "plan"},
		{"ACCESS_DENIED", "Access denied!", "denied"},
		{"ACCESS_DENIED", "", "denied"},
		{"ACCESS_DENIED", "Current user can't be authorized in this context", "denied"},
		{"", "Access denied.", "denied"},
		{"", "Access denied", "denied"},
		{"", "Parameter 'entityTypeId' is not defined", ""},
		{"ERROR_OAUTH", "Subscription has been ended", "payment"},
		{"ERROR_OAUTH", "Application not installed", "removed"},
		{"ERROR_OAUTH", "", "removed"},
		{"APPLICATION_NOT_FOUND", "Application not found", "removed"},
		{"NOT_INSTALLED", "Application was removed from the portal", "removed"},
		{"CONNECTION_ERROR", "Error connecting to authorization server", "passing"},
		{"insufficient_scope", "x", "scope"},
		{"user_access_error", "x", "user"},
		{"OVERLOAD_LIMIT", "REST API is blocked due to overload.", "overload"},
		{"authorization_error", "Unable to authorize user", "invalid"},
		{"PAYMENT_REQUIRED", "x", "payment"},
		{"PORTAL_DELETED", "x", "deleted"},
		{"NOT_FOUND", "x", "notfound"},
	} {
		for _, status := range []int{200, 400, 401, 402, 403, 404, 500} {
			for _, code := range []string{tt.code, strings.ToLower(tt.code)} {
				body := fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, tt.text)
				_, err := client.Call(t.Context(), serve(t, status, "application/json", body), "x", nil)
				for name, check := range is {
					if check(err) != (name == tt.want) {
						t.Errorf("%d %s: %s is %v", status, body, name, check(err))
					}
				}
			}
		}
	}
}

// TestCodesOfPortalsAreShortAndPlain has a portal answer what it likes as the code of an error, the very token among it.
func TestCodesOfPortalsAreShortAndPlain(t *testing.T) {
	token := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef012345"
	client := newClient(t, bitrix24.Options{})
	for code, want := range map[string]string{
		"EXPIRED_TOKEN":                "EXPIRED_TOKEN",
		"SOME_NEW_CODE":                "SOME_NEW_CODE",
		"a b\\n<c>\u202e":              "a_b_n_c__",
		strings.Repeat("x", 1<<20):     strings.Repeat("x", 40),
		token:                          "redacted",
		token[:20]:                     "redacted",
		token + strings.Repeat("x", 9): "redacted",
		"prefix " + token:              "redacted",
	} {
		text := fmt.Sprintf("%q", code)
		for _, body := range []string{`{"error":` + text + `}`, `{"error":{"code":` + text + `}}`,
			`{"result":{"result":[],"result_error":{"a":{"error":` + text + `,"error_description":` + text + `}}}}`} {
			target := serve(t, 400, "application/json", body)
			if strings.HasPrefix(body, `{"result"`) {
				target = serve(t, 200, "application/json", body)
			}
			target.Access = secret.New(token)
			result, err := client.Batch(t.Context(), target, []bitrix24.Command{{Key: "a", Method: "profile"}})
			if err == nil {
				err = result.Err("a")
			}
			var platform *bitrix24.Error
			if !errors.As(err, &platform) || platform.Code != want {
				t.Errorf("%.40q: %.100v, want %q", code, err, want)
				continue
			}
			if len(err.Error()) > 120 || strings.Contains(err.Error(), token[:20]) || len(platform.Description) > 510 {
				t.Errorf("%.40q: %q", code, err.Error())
			}
		}
	}
}

// TestAnswersThatAreNoHTTPAreNotRepeated: net/http quotes the first line of such an answer.
func TestAnswersThatAreNoHTTPAreNotRepeated(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			_, _ = fmt.Fprintf(conn, "acc3ss-token %s\r\n\r\n", strings.Repeat("x", 3000))
			_ = conn.Close()
		}
	}()
	target := bitrix24.Target{Endpoint: "http://" + listener.Addr().String() + "/rest/", Access: secret.New("acc3ss-token")}
	_, err = newClient(t, bitrix24.Options{}).Call(t.Context(), target, "x", nil)
	if !bitrix24.IsUnreachable(err) || strings.Contains(err.Error(), "acc3ss-token") || len(err.Error()) > 400 {
		t.Errorf("got %v", err)
	}
}

// TestRedirectsToNowhereAreNoMove: whoever moved names an address; a portal that answers otherwise just does not answer.
func TestRedirectsToNowhereAreNoMove(t *testing.T) {
	for _, location := range []string{"", "/auth/?backurl=x", "auth", "//", "https://"} {
		target := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(http.StatusFound)
		})
		_, err := newClient(t, bitrix24.Options{}).Call(context.Background(), target, "x", nil)
		var redirect *bitrix24.RedirectError
		if errors.As(err, &redirect) || !bitrix24.IsUnreachable(err) || bitrix24.CodeOf(err) != "answer_redirect" {
			t.Errorf("%q: %v", location, err)
		}
	}
}

// TestNoBlockLastsLongerThanPortalsCount has a portal tell operating_reset_at in milliseconds.
func TestNoBlockLastsLongerThanPortalsCount(t *testing.T) {
	n := 0
	target := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			fmt.Fprintf(w, `{"result":true,"time":{"operating_reset_at":%d}}`, time.Now().Add(time.Minute).UnixMilli())
			return
		}
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"error":"OPERATION_TIME_LIMIT"}`)
	})
	client := newClient(t, bitrix24.Options{Rate: bitrix24.Rate{PerSecond: 100, Burst: 100}})
	for range 2 {
		_, _ = client.Call(t.Context(), target, "x", nil)
	}
	_, err := client.Call(t.Context(), target, "x", nil)
	var busy *bitrix24.BusyError
	if !errors.As(err, &busy) || busy.RetryAfter > 10*time.Minute || busy.RetryAfter < 9*time.Minute || n != 2 {
		t.Errorf("got %v after %d requests", err, n)
	}
}

func TestOneHostWrittenInManyWays(t *testing.T) {
	for _, text := range []string{"acme.bitrix24.com", "ACME.bitrix24.com", "acme.bitrix24.com.", "acme.bitrix24.com:443", "acme.bitrix24.com.:443", " acme.bitrix24.com.:80 "} {
		if got := bitrix24.CanonicalHost(text); got != "acme.bitrix24.com" {
			t.Errorf("%q: %q", text, got)
		}
	}
	for text, want := range map[string]string{"acme.example.:8080": "acme.example:8080", "acme.example:8443": "acme.example:8443", "127.0.0.1:80": "127.0.0.1"} {
		if got := bitrix24.CanonicalHost(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestHostsOfTheCloud(t *testing.T) {
	for host, want := range map[string]bool{
		"acme.bitrix24.com": true, "ACME.Bitrix24.DE": true, "b24-x1.bitrix24.com.br": true, "acme.bitrix24.com.tr": true, "acme.bitrix24.ru.": true,
		"bitrix24.com": false, "www.bitrix24.com": false, "evil.acme.bitrix24.com": false, "acme.bitrix24.com.evil.example": false,
		"acme.bitrix24.site": false, "acme.bitrix24.com:8443": false, "evilbitrix24.com": false, ".bitrix24.com": false, "acme.bitrix24.xyz": false, "": false,
	} {
		if bitrix24.IsCloudHost(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

func TestEventNamesArePlain(t *testing.T) {
	form := "auth[member_id]=" + strings.Repeat("a", 32) + "&event="
	for name, ok := range map[string]bool{
		"OnAppInstall": true, "ONCRMTYPEUSERFIELDSETENUMVALUES": true, "X_9": true, strings.Repeat("A", 64): true,
		strings.Repeat("A", 65): false, "a%20b": false, "a%0Ab": false, "": false, "%3Cscript%3E": false,
	} {
		if _, err := bitrix24.ParseEvent(post("", form+name)); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
}
