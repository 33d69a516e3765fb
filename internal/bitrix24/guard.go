package bitrix24

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrForbiddenAddress is returned for an address that no portal may have: plain http, private, loopback, link-local.
var ErrForbiddenAddress = errors.New("address not allowed for portals")

// NewHTTPClient makes the client for every outgoing request: bounded in time, following no redirect, through no proxy
// (the guard would see only the proxy), and connecting to public addresses alone unless private ones are allowed. The
// check runs on the address that is dialled, after DNS, so a name that changes its answer gains nothing. A nil resolver
// is the system's.
func NewHTTPClient(timeout time.Duration, allowPrivate bool, resolver *net.Resolver) *http.Client {
	dialer := &net.Dialer{Timeout: min(timeout, 5*time.Second), Resolver: resolver}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return CheckAddress(address) }
	}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        60 * time.Second,
			TLSHandshakeTimeout:    5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ParseEndpoint checks a REST address and writes it in one form: lower-case host, no default port, "/" at the end.
func ParseEndpoint(text string, allowPrivate bool) (string, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "":
		return "", fmt.Errorf("%w: not a REST address", ErrForbiddenAddress)
	case u.Scheme != "https" && (u.Scheme != "http" || !allowPrivate):
		return "", fmt.Errorf("%w: https is required", ErrForbiddenAddress)
	}
	if !ValidHost(u.Host) {
		return "", fmt.Errorf("%w: malformed host", ErrForbiddenAddress)
	}
	return u.Scheme + "://" + CanonicalHost(u.Host) + "/" + strings.TrimLeft(strings.TrimRight(u.Path, "/")+"/", "/"), nil
}

// PortalOrigin is the origin of the portal that a person names: a host, or an address whose path does not matter.
func PortalOrigin(text string, allowPrivate bool) (string, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	endpoint, err := ParseEndpoint(text, allowPrivate)
	return EndpointOrigin(endpoint), err
}

// EndpointHost is the host of a REST address, with its port unless that is the default one.
func EndpointHost(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	return CanonicalHost(u.Host)
}

// EndpointOrigin is the origin of the portal's pages: scheme and host of its REST address.
func EndpointOrigin(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + CanonicalHost(u.Host)
}

// PageOrigins are the origins that a portal's pages may have: that of its REST address, and its domain by the same
// scheme where it differs.
func PageOrigins(endpoint, domain string) string {
	origin := EndpointOrigin(endpoint)
	if domain == "" || domain == EndpointHost(endpoint) {
		return origin
	}
	scheme, _, _ := strings.Cut(origin, "://")
	return origin + " " + scheme + "://" + domain
}

// CanonicalHost lowers a host and drops a default port, and the dot that may end a name, so that two
// ways to write one portal compare equal.
func CanonicalHost(host string) string {
	name, port, hasPort := strings.Cut(strings.ToLower(strings.TrimSpace(host)), ":")
	name = strings.TrimSuffix(name, ".")
	if !hasPort || port == "443" || port == "80" {
		return name
	}
	return name + ":" + port
}

// ValidHost reports whether a text is nothing but a host name with an optional port, fit to stand in a header.
func ValidHost(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort && (port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "") {
		return false
	}
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_' {
			return false
		}
	}
	return name != "" && name[0] != '.' && name[0] != '-'
}
