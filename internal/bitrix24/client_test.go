package bitrix24_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/secret"
)

// serve answers every request with one status, content type and body.
func serve(t *testing.T, status int, contentType, body string) bitrix24.Target {
	t.Helper()
	return serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func serveFunc(t *testing.T, h http.HandlerFunc) bitrix24.Target {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return bitrix24.Target{Endpoint: server.URL + "/rest/", Access: secret.New("acc3ss-token")}
}

func newClient(t *testing.T, o bitrix24.Options) *bitrix24.Client {
	t.Helper()
	o.AllowPrivate = true
	c, err := bitrix24.NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestCallSendsTokenInBodyOnly(t *testing.T) {
	target := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var got map[string]any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Errorf("body %q: %v", body, err)
		}
		if got["auth"] != "acc3ss-token" || got["id"] != 250.0 || r.URL.RawQuery != "" || r.URL.Path != "/rest/crm.item.get" {
			t.Errorf("got %v at %s", got, r.URL)
		}
		fmt.Fprint(w, `{"result":{"item":{}},"total":"7"}`)
	})
	answer, err := newClient(t, bitrix24.Options{}).Call(context.Background(), target, "crm.item.get", map[string]any{"id": 250})
	if err != nil || answer.Total != 7 {
		t.Fatalf("answer %+v, error %v", answer, err)
	}
}

func TestErrorEnvelopes(t *testing.T) {
	type check struct {
		name string
		is   func(error) bool
	}
	all := []check{
		{"expired", bitrix24.IsExpiredToken}, {"invalid", bitrix24.IsInvalidToken}, {"rate", bitrix24.IsRateLimit},
		{"operation", bitrix24.IsOperationTimeLimit}, {"overload", bitrix24.IsOverload}, {"notfound", bitrix24.IsNotFound},
		{"denied", bitrix24.IsAccessDenied}, {"plan", bitrix24.IsPlanWithoutREST}, {"payment", bitrix24.IsPaymentRequired},
		{"deleted", bitrix24.IsPortalDeleted}, {"scope", bitrix24.IsInsufficientScope}, {"user", bitrix24.IsUserWithoutAccess},
		{"extranet", bitrix24.IsExtranetUser}, {"placement", bitrix24.IsPlacementNotFound}, {"removed", bitrix24.IsNotInstalled}, {"unreachable", bitrix24.IsUnreachable},
	}
	tests := []struct {
		status int
		body   string
		want   string
	}{
		{401, `{"error":"expired_token","error_description":"x"}`, "expired"},
		{401, `{"error":"EXPIRED_TOKEN"}`, "expired"},
		{401, `{"error":"invalid_token"}`, "invalid"},
		{401, `{"error":"NO_AUTH_FOUND"}`, "invalid"},
		{503, `{"error":"QUERY_LIMIT_EXCEEDED"}`, "rate"},
		{429, `{"error":"OPERATION_TIME_LIMIT"}`, "operation"},
		{503, `{"error":"OVERLOAD_LIMIT"}`, "overload"},
		{400, `{"error":"NOT_FOUND"}`, "notfound"},
		{200, `{"error":"NOT_FOUND"}`, "notfound"},
		{400, `{"error":"ACCESS_DENIED"}`, "denied"},
		{403, `{"error":"ACCESS_DENIED","error_description":"REST API is available only on commercial plans"}`, "plan"},
		{402, `{"error":"PAYMENT_REQUIRED"}`, "payment"},
		{500, `{"error":"PORTAL_DELETED"}`, "deleted"},
		{403, `{"error":"insufficient_scope"}`, "scope"},
		{403, `{"error":"user_access_error"}`, "user"},
		{403, `{"error":"allowed_only_intranet_user"}`, "extranet"},
		{200, `{"error":"ERROR_PLACEMENT_NOT_FOUND"}`, "placement"},
		{401, `{"error":"APPLICATION_NOT_FOUND"}`, "removed"},
		{401, `{"error":"ERROR_OAUTH","error_description":"Application not installed"}`, "removed"},
		{400, `{"error":{"code":"not_found","message":"x"}}`, "notfound"},
		{200, ``, "unreachable"},
		{200, "  \n", "unreachable"},
		{200, `<html>maintenance</html>`, "unreachable"},
		{200, `{"result":{"item":{"id":2`, "unreachable"},
		{200, `{}`, "unreachable"},
		{502, `{"result":{}}`, "unreachable"},
		{200, `null`, "unreachable"},
	}
	client := newClient(t, bitrix24.Options{})
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.body), func(t *testing.T) {
			_, err := client.Call(context.Background(), serve(t, tt.status, "application/json", tt.body), "x.y", nil)
			if err == nil {
				t.Fatal("want an error")
			}
			for _, c := range all {
				if c.is(err) != (c.name == tt.want) {
					t.Errorf("%s: %v for %v", c.name, c.is(err), err)
				}
			}
			if strings.Contains(err.Error(), "acc3ss-token") {
				t.Error("the token shows in the error")
			}
		})
	}
}

func TestErrorCodesThatAreEmptyOrNumbers(t *testing.T) {
	client := newClient(t, bitrix24.Options{})
	for body, code := range map[string]string{
		`{"error":"","error_description":"Parameter 'entityTypeId' is not defined"}`: "",
		`{"error":0,"error_description":"x"}`:                                        "0",
		`{"error":100}`:                                                              "100",
	} {
		_, err := client.Call(context.Background(), serve(t, 400, "application/json", body), "x.y", nil)
		var platform *bitrix24.Error
		if !errors.As(err, &platform) || platform.Code != code || platform.Status != 400 || platform.Method != "x.y" {
			t.Errorf("%s: %#v", body, err)
		}
	}
}

func TestAnswerIsBounded(t *testing.T) {
	client := newClient(t, bitrix24.Options{MaxBody: 1000})
	target := serve(t, 200, "application/json", `{"result":"`+strings.Repeat("x", 2000)+`"}`)
	_, err := client.Call(context.Background(), target, "x", nil)
	var unusable *bitrix24.AnswerError
	if !errors.As(err, &unusable) || unusable.Kind != "too_large" {
		t.Fatalf("got %v", err)
	}
}

func TestRedirectIsReportedNotFollowed(t *testing.T) {
	followed := false
	other := serveFunc(t, func(http.ResponseWriter, *http.Request) { followed = true })
	target := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.Endpoint+"x", http.StatusFound)
	})
	_, err := newClient(t, bitrix24.Options{}).Call(context.Background(), target, "x", nil)
	var redirect *bitrix24.RedirectError
	if !errors.As(err, &redirect) || redirect.Location != other.Endpoint+"x" || followed {
		t.Fatalf("got %v, followed %v", err, followed)
	}
}

func TestCallTimesOut(t *testing.T) {
	target := serveFunc(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
		<-r.Context().Done()
	})
	_, err := newClient(t, bitrix24.Options{Timeout: 50 * time.Millisecond}).Call(context.Background(), target, "x", nil)
	if !bitrix24.IsUnreachable(err) || bitrix24.CodeOf(err) != "timeout" {
		t.Fatalf("got %v (%s)", err, bitrix24.CodeOf(err))
	}
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	called := false
	target := serveFunc(t, func(http.ResponseWriter, *http.Request) { called = true })
	guarded, err := bitrix24.NewClient(bitrix24.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guarded.Close)
	_, err = guarded.Call(context.Background(), target, "x", nil)
	if !errors.Is(err, bitrix24.ErrForbiddenAddress) || called {
		t.Fatalf("got %v, called %v", err, called)
	}
	for _, bad := range []string{"10.0.0.1", "169.254.169.254", "[::1]", "[fd00::1]", "100.64.0.1", "0.0.0.0", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"} {
		target.Endpoint = "https://" + bad + ":9/rest/"
		if _, err := guarded.Call(context.Background(), target, "x", nil); !errors.Is(err, bitrix24.ErrForbiddenAddress) {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

func TestBatch(t *testing.T) {
	target := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := `"cmd":{"z":"profile","item":"crm.item.get?entityTypeId=1\u0026id=250","users":"user.get?FILTER%5BID%5D%5B0%5D=%24result%5Bitem%5D%5Bitem%5D%5BcreatedBy%5D"}`
		want = strings.ReplaceAll(want, "%5B", "[") // names may keep their brackets
		want = strings.ReplaceAll(want, "%5D", "]")
		got := strings.NewReplacer("%5B", "[", "%5D", "]").Replace(string(body))
		if !strings.Contains(got, want) {
			t.Errorf("body\n%s\nlacks\n%s", got, want)
		}
		fmt.Fprint(w, `{"result":{"result":{"z":{"ID":"1"},"item":{"item":{"id":250}}},"result_error":{"users":{"error":"insufficient_scope","error_description":"x"}},"result_total":[],"result_next":[]}}`)
	})
	result, err := newClient(t, bitrix24.Options{}).Batch(context.Background(), target, []bitrix24.Command{
		{Key: "z", Method: "profile"},
		{Key: "item", Method: "crm.item.get", Params: bitrix24.Params{"id": 250, "entityTypeId": 1}},
		{Key: "users", Method: "user.get", Params: bitrix24.Params{"FILTER": bitrix24.Params{"ID": []string{bitrix24.Ref("item", "item", "createdBy")}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var profile struct{ ID bitrix24.ID }
	if err := result.Decode("z", &profile); err != nil || profile.ID != 1 {
		t.Errorf("profile %+v, %v", profile, err)
	}
	if err := result.Decode("users", &profile); !bitrix24.IsInsufficientScope(err) {
		t.Errorf("users: %v", err)
	}
	if err := result.Decode("absent", &profile); !bitrix24.IsUnreachable(err) {
		t.Errorf("absent: %v", err)
	}
}

func TestBatchWithEmptyListsForObjects(t *testing.T) {
	target := serve(t, 200, "application/json", `{"result":{"result":[],"result_error":[],"result_total":[],"result_next":[]}}`)
	result, err := newClient(t, bitrix24.Options{}).Batch(context.Background(), target, []bitrix24.Command{{Key: "a", Method: "b"}})
	if err != nil || len(result.Result) != 0 || len(result.Errors) != 0 {
		t.Fatalf("%+v, %v", result, err)
	}
	if _, err := newClient(t, bitrix24.Options{}).Batch(context.Background(), target, make([]bitrix24.Command, 51)); err == nil {
		t.Error("51 commands must be refused before they are sent")
	}
}
