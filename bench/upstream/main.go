// Command upstream stands for the platform while the app is measured: the REST of any number of portals and their OAuth
// server, on loopback, with answers that are put together once and repeated from then on, so that next to nothing of what
// is measured is its own time. It checks nothing that it is told; the simulator is for that.
//
// A token is text that says whose it is: kind.shape.member.user.number. So it answers for as many portals as anybody
// names, and keeps nothing of them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on, of loopback")
	clientID := flag.String("client-id", "app.bench", "client_id of the app that asks")
	flag.Parse()
	if err := run(*listen, *clientID, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "upstream:", err)
		os.Exit(1)
	}
}

func run(listen, clientID string, out io.Writer) error {
	address, err := netip.ParseAddrPort(listen)
	if err != nil || !address.Addr().IsLoopback() {
		return fmt.Errorf("%q is no address of loopback: whoever reaches this gets any answer", listen)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	origin := "http://" + listener.Addr().String()
	if _, err := fmt.Fprintln(out, origin); err != nil {
		return err
	}
	return http.Serve(listener, newUpstream(origin, clientID, time.Now()))
}

// upstream answers for every portal and for the OAuth server.
type upstream struct {
	origin, clientID string
	time             string

	made    sync.Map // whole answers, by shape, method and parameters
	entries atomic.Int64
	tokens  atomic.Int64
}

// maxEntries bounds the answers that are kept; a run asks for a few dozen.
const maxEntries = 2000

func newUpstream(origin, clientID string, now time.Time) *upstream {
	return &upstream{origin: origin, clientID: clientID, time: timing(now)}
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/oauth/token"):
		u.serveToken(w, r)
	case r.URL.Path == "/rest/app.info" || r.URL.Path == "/rest/app.info.json":
		u.serveAppInfo(w, r)
	default:
		u.serveREST(w, r)
	}
}

// serveREST answers /{shape}/rest/{method}.
func (u *upstream) serveREST(w http.ResponseWriter, r *http.Request) {
	parts := strings.SplitN(strings.Trim(r.URL.Path, "/"), "/", 3)
	if len(parts) != 3 || parts[1] != "rest" {
		http.NotFound(w, r)
		return
	}
	shape, err := ParseShape(parts[0])
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text, status, err := u.rest(shape, strings.TrimSuffix(strings.TrimPrefix(parts[2], "/"), ".json"), body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	write(w, status, text)
}

func (u *upstream) rest(shape Shape, method string, body []byte) (text []byte, status int, err error) {
	var asked struct {
		Cmd json.RawMessage `json:"cmd"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil, 0, fmt.Errorf("the body is no JSON: %w", err)
		}
	}
	if method != "batch" {
		a := shape.call(method, nil)
		if a.failed != nil {
			return a.failed, http.StatusNotFound, nil
		}
		return fmt.Appendf(nil, `{"result":%s,"time":%s}`, a.result, u.time), http.StatusOK, nil
	}
	key := shape.String() + string(asked.Cmd)
	if known, ok := u.made.Load(key); ok {
		return known.([]byte), http.StatusOK, nil
	}
	commands, isList, err := parseCommands(asked.Cmd)
	if err != nil {
		return nil, 0, err
	}
	text = shape.batch(commands, isList, u.time)
	if u.entries.Add(1) < maxEntries {
		u.made.Store(key, text)
	}
	return text, http.StatusOK, nil
}

// token is what the text of a token says.
type token struct {
	shape, member, user string
}

func parseToken(text string) (token, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 5 {
		return token{}, false
	}
	if _, err := ParseShape(parts[1]); err != nil {
		return token{}, false
	}
	return token{parts[1], parts[2], parts[3]}, true
}

// serveToken exchanges any refresh token for a pair that was never given before (settings/oauth/auto-renewal.md).
func (u *upstream) serveToken(w http.ResponseWriter, r *http.Request) {
	t, ok := parseToken(r.FormValue("refresh_token"))
	if !ok {
		write(w, http.StatusBadRequest, []byte(`{"error":"invalid_grant","error_description":"Invalid grant"}`))
		return
	}
	name := fmt.Sprintf("%s.%s.%s.given%d", t.shape, t.member, t.user, u.tokens.Add(1))
	write(w, http.StatusOK, fmt.Appendf(nil, `{"access_token":"access.%s","expires":%d,"expires_in":3600,"scope":"crm,placement,user_brief","domain":%q,`+
		`"server_endpoint":"%s/rest/","status":"L","client_endpoint":"%[4]s/%s/rest/","member_id":%q,"user_id":%s,"refresh_token":"refresh.%[1]s"}`,
		name, time.Now().Add(time.Hour).Unix(), u.host(), u.origin, t.shape, t.member, t.user))
}

// serveAppInfo tells whose an access token is, in the shape of the official SDKs.
func (u *upstream) serveAppInfo(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Auth string `json:"auth"`
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&asked); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	} else {
		asked.Auth = r.FormValue("auth")
	}
	t, ok := parseToken(asked.Auth)
	if !ok {
		write(w, http.StatusUnauthorized, []byte(`{"error":"invalid_token","error_description":"Unable to get application by token"}`))
		return
	}
	write(w, http.StatusOK, fmt.Appendf(nil, `{"result":{"client_id":%q,"scope":"crm,placement,user_brief","expires":%q,"install":{"installed":true,"version":1,"status":"L",`+
		`"scope":"crm,placement,user_brief","domain":%q,"uri":%q,"client_endpoint":"%[4]s/%s/rest/","member_id":%q,"member_type":"COM_BITRIX24_NET"},"user_id":%s},"time":%s}`,
		u.clientID, time.Now().Add(time.Hour).Format(time.RFC3339), u.host(), u.origin, t.shape, t.member, t.user, u.time))
}

func (u *upstream) host() string {
	parsed, err := url.Parse(u.origin)
	if err != nil {
		return ""
	}
	return parsed.Host
}

func write(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text)
}
