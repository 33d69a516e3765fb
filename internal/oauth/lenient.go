package oauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
)

// lenientTransport makes answers of the OAuth server readable for golang.org/x/oauth2, which gives up a whole answer for
// one member in another form than it expects ("expires_in": 3600.5). The refresh token that was asked with is used up by
// then, so the new pair would be lost over a member that nobody needs.
type lenientTransport struct{ http.RoundTripper }

// maxGrant bounds an answer, in bytes.
const maxGrant = 1 << 20

// RoundTrip sends the request and mends the answer.
func (t lenientTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxGrant))
	_ = res.Body.Close()
	if err != nil {
		return nil, fmt.Errorf("read answer of the OAuth server: %w", err)
	}
	if mended, ok := mendGrant(text); ok {
		text = mended
		res.Header.Set("Content-Type", "application/json")
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	res.Header.Del("Content-Length")
	return res, nil
}

// CloseIdleConnections lets go of idle connections.
func (t lenientTransport) CloseIdleConnections() {
	if closer, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// mendGrant drops members that are not of their type, and rounds expires_in. It reports false for what is no JSON object.
func mendGrant(text []byte) ([]byte, bool) {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(text, &members) // what is no object leaves them nil
	if members == nil {
		return nil, false
	}
	for _, name := range []string{"access_token", "refresh_token", "token_type", "error", "error_description", "error_uri"} {
		var s string
		if json.Unmarshal(members[name], &s) != nil {
			delete(members, name)
		}
	}
	seconds, ok := looseSeconds(members["expires_in"])
	delete(members, "expires_in")
	if ok {
		members["expires_in"] = strconv.AppendInt(nil, seconds, 10)
	}
	mended, err := json.Marshal(members)
	return mended, err == nil
}

// looseSeconds reads a number or a text with a number; only what can be a lifetime.
func looseSeconds(raw json.RawMessage) (int64, bool) {
	var value any
	_ = json.Unmarshal(raw, &value) // what cannot be read is no number
	number, _ := value.(float64)
	if text, isText := value.(string); isText {
		number, _ = strconv.ParseFloat(text, 64) // 0, or infinite, where it is none
	}
	if !(number >= 1 && number <= math.MaxInt32) {
		return 0, false
	}
	return int64(number), true
}
