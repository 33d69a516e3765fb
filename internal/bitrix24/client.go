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
	"itemlens/internal/tracing"
)

// Target is a portal (or OAuth server) to call and the access token to call it with.
type Target struct {
	Endpoint string // REST address, ends in "/rest/"
	Access   secret.Text
	MemberID string // of the portal; empty of an OAuth server
	UserID   int64  // whose token it is; 0 while nobody has said
	Family   string // LICENSE_FAMILY of the portal's plan, which decides how many requests it takes; empty where it is not known
}

// Observation is what the client tells about each request that it made, for metrics and logs.
type Observation struct {
	Method   string
	Code     string // "ok", the platform's error code, or the kind of failure; empty where a wait alone is told
	Duration time.Duration
	Waited   time.Duration // for room in the request limit, before Duration
	Stranger bool          // made for a client whose tokens nobody has vouched for
	Sent     bool          // false where it was refused here, and nothing was sent
}

// Exchange is one request that was sent to a portal, and what came of it. Its bodies may be kept: nobody writes to them
// afterwards.
type Exchange struct {
	Target   Target
	Method   string
	At       time.Time // when it was sent
	Duration time.Duration
	Status   int    // of HTTP; 0 where no answer came
	Code     string // as in Observation
	Request  []byte // the parameters in JSON, without the token
	Answer   []byte // as it came, a byte more than is allowed of one that is too large
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
	Record       func(ctx context.Context, e Exchange) // nil: nobody keeps what is said
	// Refused tells which errors refuse a token for good; those of strangers are remembered for a minute. Default
	// IsInvalidToken.
	Refused func(error) bool
	// Service stands before the names of methods in what is observed and traced, such as "oauth/".
	Service string
}

// Client calls REST methods. It repeats a request only where the portal says that it did not run (its request limit), and
// never follows a redirect by itself: the caller knows whether a request may run twice and whether an address is to be
// believed.
type Client struct {
	http    *http.Client
	maxBody int64
	agent   string
	observe func(context.Context, Observation)
	record  func(context.Context, Exchange)
	service string
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
	if o.Record == nil {
		o.Record = func(context.Context, Exchange) {}
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
		record:  o.Record,
		service: o.Service,
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
	ctx, span := c.begin(ctx, to, method)
	defer span.End()
	return c.run(ctx, span, to, method, params)
}

// begin begins the span of a request.
func (c *Client) begin(ctx context.Context, to Target, method string) (context.Context, tracing.Span) {
	ctx, span := tracing.BeginRequest(ctx, "REST")
	if span.Recording() {
		span.Name(c.service + CleanText(method, longestMethod))
		span.Text(tracing.Portal, to.MemberID)
		span.Number(tracing.User, to.UserID)
	}
	return ctx, span
}

// longestMethod bounds the name of a span; no method's is half as long.
const longestMethod = 80

// run is Call within a span.
func (c *Client) run(ctx context.Context, span tracing.Span, to Target, method string, params any) (*Answer, error) {
	secret.Note(ctx, to.Access)
	host := EndpointHost(to.Endpoint)
	_, stranger := Stranger(ctx)
	seen := Observation{Method: c.service + method, Stranger: stranger}
	err := c.Refused(ctx, to)
	if err == nil {
		err = c.buckets.blocked(host, method)
	}
	if err == nil {
		seen.Waited, err = c.buckets.wait(ctx, to, method)
	}
	if err != nil {
		seen.Code = CodeOf(err)
		c.tell(ctx, span, seen)
		return nil, err
	}
	start := time.Now()
	answer, err := c.call(ctx, to, method, params)
	if IsRateLimit(err) {
		// The request did not run, so it may be sent once more, after everything else that waits for this portal.
		c.buckets.full(to)
		if c.buckets.rate.PerSecond > 0 {
			waited, tooLong := c.buckets.wait(ctx, to, method)
			seen.Waited += waited
			if tooLong == nil {
				answer, err = c.call(ctx, to, method, params)
			}
		}
	}
	c.buckets.learn(host, method, err)
	if stranger && c.refused(err) {
		c.refusals.Add(host, to.Access, &Error{Method: method, Status: platformError(err).Status, Code: platformError(err).Code})
	}
	if err == nil {
		c.buckets.reset(host, method, answer.ResetAt)
	}
	seen.Code, seen.Duration, seen.Sent = CodeOf(err), time.Since(start), true
	c.tell(ctx, span, seen)
	return answer, err
}

// tell tells whoever watches what came of a request.
func (c *Client) tell(ctx context.Context, span tracing.Span, seen Observation) {
	c.observe(ctx, seen)
	span.Number(tracing.WaitedMS, seen.Waited.Milliseconds())
	span.Outcome(seen.Code)
}

// Refused returns the refusal of a stranger's token that is remembered; Call would return the same, without a request.
func (c *Client) Refused(ctx context.Context, to Target) error {
	if _, stranger := Stranger(ctx); !stranger {
		return nil
	}
	return c.refusals.Of(EndpointHost(to.Endpoint), to.Access)
}

func (c *Client) call(ctx context.Context, to Target, method string, params any) (*Answer, error) {
	parameters, err := encodeParams(params)
	if err != nil {
		return nil, fmt.Errorf("encode parameters of %s: %w", method, err)
	}
	e := Exchange{Target: to, Method: method, At: time.Now(), Request: parameters}
	answer, err := c.exchange(ctx, to, method, &e)
	e.Duration, e.Code = time.Since(e.At), CodeOf(err)
	c.record(ctx, e)
	return answer, err
}

// exchange sends a request and reads the answer; it tells e what came.
func (c *Client) exchange(ctx context.Context, to Target, method string, e *Exchange) (*Answer, error) {
	body, err := withToken(e.Request, to.Access)
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
	e.Status = res.StatusCode
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		location := res.Header.Get("Location")
		if EndpointOrigin(location) == "" { // to nowhere, or to a page of its own: REST is not there, but nobody moved
			return nil, &AnswerError{Method: method, Status: res.StatusCode, Kind: "redirect"}
		}
		return nil, &RedirectError{Method: method, Status: res.StatusCode, Location: location}
	}
	text, err := readAll(res, c.maxBody)
	e.Answer = text
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

// encodeParams writes parameters as a JSON object.
func encodeParams(params any) ([]byte, error) {
	if params == nil {
		return []byte("{}"), nil
	}
	body, err := json.Marshal(params)
	if err == nil && (len(body) < 2 || body[len(body)-1] != '}') {
		err = errors.New("parameters are no object")
	}
	return body, err
}

// withToken adds the token to an object of parameters.
func withToken(body []byte, access secret.Text) ([]byte, error) {
	if access.IsZero() {
		return body, nil
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
