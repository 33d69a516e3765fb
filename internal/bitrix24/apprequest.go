package bitrix24

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"itemlens/internal/secret"
)

// FormError says which field of a posted form cannot be used and why. It never repeats the field's content.
type FormError struct {
	Field  string
	Reason string
}

// Error names the field and the reason.
func (e *FormError) Error() string { return fmt.Sprintf("field %s: %s", e.Field, e.Reason) }

// AppRequest is the form that a portal posts to open a page of the app in its iframe: the app's own page, the install
// page or a placement (settings/oauth/simple-way.md). Nothing in it is proven; whoever reads it decides what to believe.
type AppRequest struct {
	Domain           string // host of the portal's pages, with port if it has one
	Lang             string // the user's language, in the platform's codes
	Access           secret.Text
	Refresh          secret.Text
	ExpiresIn        time.Duration
	MemberID         string
	ServerEndpoint   string      // older portals leave it out
	ApplicationToken secret.Text // older portals leave it out
	Placement        string      // DefaultPlacement where none is named
	itemID           int64
	itemErr          error
}

// ItemID is the id of the item whose card is open, from PLACEMENT_OPTIONS. The error is a *FormError.
func (r *AppRequest) ItemID() (int64, error) { return r.itemID, r.itemErr }

// ParseAppRequest reads the query string and the posted body. Tokens are taken from the body alone. Errors are
// *FormError, or *http.MaxBytesError where the server bounds the body.
func ParseAppRequest(r *http.Request) (*AppRequest, error) {
	form, err := postedForm(r)
	if err != nil {
		return nil, err
	}
	query := r.URL.Query()
	either := func(name string) string {
		if v := query.Get(name); v != "" {
			return v
		}
		return form.Get(name)
	}
	req := &AppRequest{
		Domain:           CanonicalHost(either("DOMAIN")),
		Lang:             either("LANG"),
		Access:           secret.New(form.Get("AUTH_ID")),
		Refresh:          secret.New(form.Get("REFRESH_ID")),
		MemberID:         form.Get("member_id"),
		ServerEndpoint:   form.Get("SERVER_ENDPOINT"),
		ApplicationToken: secret.New(form.Get("APPLICATION_TOKEN")),
		Placement:        form.Get("PLACEMENT"),
	}
	secret.Note(r.Context(), req.Access, req.Refresh, req.ApplicationToken)
	if req.Placement == "" {
		req.Placement = DefaultPlacement
	}
	if seconds, err := strconv.Atoi(form.Get("AUTH_EXPIRES")); err == nil && seconds > 0 && seconds <= 24*3600 {
		req.ExpiresIn = time.Duration(seconds) * time.Second
	}
	req.itemID, req.itemErr = parseItemID(form.Get("PLACEMENT_OPTIONS"))
	switch {
	case req.Access.IsZero():
		return req, &FormError{"AUTH_ID", "is missing"}
	case !validMemberID(req.MemberID):
		return req, &FormError{"member_id", "is missing or malformed"}
	case !ValidHost(req.Domain):
		return req, &FormError{"DOMAIN", "is missing or malformed"}
	case len(req.Access.Reveal()) > 1024 || len(req.Refresh.Reveal()) > 1024 || len(req.ApplicationToken.Reveal()) > 1024:
		return req, &FormError{"AUTH_ID", "is too long"}
	}
	return req, nil
}

// postedForm reads a body that must be a form.
func postedForm(r *http.Request) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, &FormError{"Content-Type", "must be application/x-www-form-urlencoded"}
	}
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, tooLarge
		}
		return nil, &FormError{"body", "is not a form"}
	}
	return r.PostForm, nil
}

// parseItemID reads {"ID":"8061",...}; the id comes as text or as a number.
func parseItemID(options string) (int64, error) {
	if strings.TrimSpace(options) == "" {
		return 0, &FormError{"PLACEMENT_OPTIONS", "is missing"}
	}
	var parsed struct {
		ID json.RawMessage `json:"ID"`
	}
	if err := json.Unmarshal([]byte(options), &parsed); err != nil {
		return 0, &FormError{"PLACEMENT_OPTIONS", "is no JSON object"}
	}
	if parsed.ID == nil {
		return 0, &FormError{"PLACEMENT_OPTIONS", "has no ID"}
	}
	id, err := strconv.ParseInt(strings.Trim(string(parsed.ID), `"`), 10, 64)
	if err != nil || id <= 0 {
		return 0, &FormError{"PLACEMENT_OPTIONS", "has an ID that is no positive whole number"}
	}
	return id, nil
}

// validMemberID bounds what may name a portal: the platform writes 32 hexadecimal digits, and nobody promises that it
// always will.
func validMemberID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}
