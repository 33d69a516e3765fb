package bitrix24

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"itemlens/internal/secret"
)

// Target is a portal (or OAuth server) to call and the access token to call it with.
type Target struct {
	Endpoint string // REST address, ends in "/rest/"
	Access   secret.Text
	Family   string // LICENSE_FAMILY of the portal's plan, which decides how many requests it takes; empty where it is not known
}

// Observation is what the client tells about each request that it made, for metrics and logs.
type Observation struct {
	Method   string
	Code     string // "ok", the platform's error code, or the kind of failure
	Duration time.Duration
}

// Options of a Client. Zero values mean the defaults named here.
type Options struct {
	Timeout      time.Duration // of one request; default 20 s (the platform itself ends a request after 60 s)
	MaxBody      int64         // largest answer read, in bytes; default 8 MiB
	AllowPrivate bool          // allow plain http and private addresses: portals in one's own network, the simulator
	UserAgent    string
	Resolver     *net.Resolver // nil: the system's
	Rate         Rate          // zero: no limit of ours, and no pause after limits that are answered
	Enterprise   Rate          // of portals whose plan is of the family "ent"; zero: Rate holds for them too
	Observe      func(ctx context.Context, o Observation)
	// Refused tells which errors refuse a token for good; those of strangers are remembered for a minute. Default
	// IsInvalidToken.
	Refused func(error) bool
}

// Client calls REST methods. It repeats a request only where the portal says that it did not run (its request limit), and
// never follows a redirect by itself: the caller knows whether a request may run twice and whether an address is to be
// believed.
type Client struct {
	http    *http.Client
	maxBody int64
	agent   string
	observe func(context.Context, Observation)
	buckets *buckets

	refused  func(error) bool
	refusals *Refusals
}

// NewClient makes a client whose connections are guarded (see NewHTTPClient).
func NewClient(o Options) (*Client, error) {
	if o.Timeout == 0 {
		o.Timeout = 20 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 8 << 20
	}
	if o.Observe == nil {
		o.Observe = func(context.Context, Observation) {}
	}
	if o.Refused == nil {
		o.Refused = IsInvalidToken
	}
	buckets, err1 := newBuckets(o.Rate, o.Enterprise)
	refusals, err2 := NewRefusals(20_000)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("make client: %w", err)
	}
	return &Client{
		http:    NewHTTPClient(o.Timeout, o.AllowPrivate, o.Resolver),
		maxBody: o.MaxBody,
		agent:   o.UserAgent,
		observe: o.Observe,
		buckets: buckets,

		refused:  o.Refused,
		refusals: refusals,
	}, nil
}

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Answer is a successful answer of one method.
type Answer struct {
	Result json.RawMessage `json:"result"`
	Total  int             `json:"total"`
	Next   int             `json:"next"`
	// ResetAt is when the method's operating time becomes less, in unix seconds; 0 where the answer does not say.
	ResetAt int64 `json:"-"`
}

// Call runs one method with parameters that marshal to a JSON object; nil means none. The access token goes in the
// body, so that no log on the way keeps it (settings/how-to-call-rest-api/authorization.md).
//
// Errors: *Error for what the platform answered, *AnswerError for an answer that is not the platform's,
// *RedirectError where the portal moved, *BusyError where its request limit is used up, anything else for a request that got no answer (see IsUnreachable).
func (c *Client) Call(ctx context.Context, to Target, method string, params any) (*Answer, error) {
	secret.Note(ctx, to.Access)
	host := EndpointHost(to.Endpoint)
	_, stranger := Stranger(ctx)
	err := c.Refused(ctx, to)
	if err == nil {
		err = c.buckets.blocked(host, method)
	}
	if err == nil {
		err = c.buckets.wait(ctx, to, method)
	}
	if err != nil {
		c.observe(ctx, Observation{Method: method, Code: CodeOf(err)})
		return nil, err
	}
	start := time.Now()
	answer, err := c.call(ctx, to, method, params)
	if IsRateLimit(err) {
		// The request did not run, so it may be sent once more, after everything else that waits for this portal.
		c.buckets.full(to)
		if c.buckets.rate.PerSecond > 0 && c.buckets.wait(ctx, to, method) == nil {
			answer, err = c.call(ctx, to, method, params)
		}
	}
	c.buckets.learn(host, method, err)
	if stranger && c.refused(err) {
		c.refusals.Add(host, to.Access, &Error{Method: method, Status: platformError(err).Status, Code: platformError(err).Code})
	}
	if err == nil {
		c.buckets.reset(host, method, answer.ResetAt)
	}
	c.observe(ctx, Observation{Method: method, Code: CodeOf(err), Duration: time.Since(start)})
	return answer, err
}

// Refused returns the refusal of a stranger's token that is remembered; Call would return the same, without a request.
func (c *Client) Refused(ctx context.Context, to Target) error {
	if _, stranger := Stranger(ctx); !stranger {
		return nil
	}
	return c.refusals.Of(EndpointHost(to.Endpoint), to.Access)
}

func (c *Client) call(ctx context.Context, to Target, method string, params any) (*Answer, error) {
	body, err := encodeBody(params, to.Access)
	if err != nil {
		return nil, fmt.Errorf("encode parameters of %s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.Endpoint+method, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request for %s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)

	res, err := c.http.Do(req)
	if err != nil {
		return nil, &unreachableError{method: method, err: err, access: to.Access}
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		location := res.Header.Get("Location")
		if EndpointOrigin(location) == "" { // to nowhere, or to a page of its own: REST is not there, but nobody moved
			return nil, &AnswerError{Method: method, Status: res.StatusCode, Kind: "redirect"}
		}
		return nil, &RedirectError{Method: method, Status: res.StatusCode, Location: location}
	}
	text, err := readAll(res, c.maxBody)
	switch {
	case err != nil:
		return nil, &AnswerError{Method: method, Status: res.StatusCode, Kind: "truncated", Err: err}
	case int64(len(text)) > c.maxBody:
		return nil, &AnswerError{Method: method, Status: res.StatusCode, Kind: "too_large"}
	}
	answer, err := decodeAnswer(method, res, text)
	if platform := platformError(err); platform != nil {
		platform.clean(to.Access)
	}
	return answer, err
}

// readAll reads an answer, and a byte more than is allowed of one that is larger. An answer that tells its length is read
// into as much memory as it takes, once.
func readAll(res *http.Response, limit int64) ([]byte, error) {
	var out bytes.Buffer
	if res.ContentLength > 0 {
		out.Grow(int(min(res.ContentLength, limit)) + bytes.MinRead)
	}
	_, err := out.ReadFrom(io.LimitReader(res.Body, limit+1))
	return out.Bytes(), err
}

// encodeBody adds the token to the object that params marshal to.
func encodeBody(params any, access secret.Text) ([]byte, error) {
	body := []byte("{}")
	if params != nil {
		var err error
		if body, err = json.Marshal(params); err != nil {
			return nil, err
		}
	}
	if access.IsZero() {
		return body, nil
	}
	if len(body) < 2 || body[len(body)-1] != '}' {
		return nil, errors.New("parameters are no object")
	}
	token, err := json.Marshal(access.Reveal())
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(body)+len(token)+len(`,"auth":`))
	out = append(out, body[:len(body)-1]...)
	if len(body) > len("{}") {
		out = append(out, ',')
	}
	return append(append(append(out, `"auth":`...), token...), '}'), nil
}

func decodeAnswer(method string, res *http.Response, text []byte) (*Answer, error) {
	text = bytes.TrimSpace(text)
	bad := &AnswerError{Method: method, Status: res.StatusCode}
	if len(text) == 0 {
		bad.Kind = "empty"
		return nil, bad
	}
	// It is checked once, as a whole; everything after that walks over valid JSON.
	if !jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) || text[0] != '{' {
		var object map[string]json.RawMessage
		err := json.Unmarshal(text, &object)
		bad.Kind, bad.Err = "not_json", err
		media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
		if media == "text/html" || text[0] == '<' {
			bad.Kind = "html"
		} else if err != nil && isTruncation(err) {
			bad.Kind = "truncated"
		}
		return nil, bad
	}
	answer := &Answer{}
	var failure json.RawMessage
	var description flexText
	EachMember(text, func(name, value []byte) bool {
		switch string(name) {
		case `"result"`:
			answer.Result = value
		case `"total"`:
			answer.Total = wholeNumber(value)
		case `"next"`:
			answer.Next = wholeNumber(value)
		case `"error"`:
			failure = value
		case `"error_description"`:
			_ = description.UnmarshalJSON(value)
		case `"time"`:
			answer.ResetAt = resetAt(value)
		}
		return true
	})
	if code, ok := errorCode(failure, string(description)); ok {
		return nil, &Error{Method: method, Status: res.StatusCode, Code: code, Description: string(description)}
	}
	switch {
	case res.StatusCode >= 400:
		bad.Kind = "status"
		return nil, bad
	case answer.Result == nil:
		bad.Kind = "no_result"
		return nil, bad
	}
	return answer, nil
}

// wholeNumber reads a whole number that may come as text; 0 where there is none.
func wholeNumber(raw []byte) int {
	var n flexInt
	_ = n.UnmarshalJSON(raw)
	return int(n)
}

// resetAt reads what is used of the member "time" of an answer: until when a method is blocked, in Unix time.
func resetAt(raw []byte) int64 {
	at := 0
	EachMember(raw, func(name, value []byte) bool {
		if string(name) == `"operating_reset_at"` {
			at = wholeNumber(value)
		}
		return true
	})
	return int64(at)
}

func isTruncation(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "unexpected end of JSON input")
}

// errorCode reads the member "error" of an envelope: text, a number, an object of the newer API, or "" beside a
// description. It reports whether there is an error at all.
func errorCode(raw json.RawMessage, description string) (string, bool) {
	if raw == nil || bytes.Equal(raw, []byte("null")) {
		return "", false
	}
	var object struct {
		Code flexText `json:"code"`
	}
	if raw[0] == '{' && json.Unmarshal(raw, &object) == nil {
		return string(object.Code), true
	}
	var code flexText
	if json.Unmarshal(raw, &code) != nil {
		return string(raw), true
	}
	if code == "" && description == "" {
		return "", false
	}
	return string(code), true
}
