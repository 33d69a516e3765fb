package server

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOnlyTrustedProxiesNameTheClient: nobody is trusted for being near, and what stands left of the last address that a
// trusted proxy adds is what the client itself claims.
func TestOnlyTrustedProxiesNameTheClient(t *testing.T) {
	_, proxies, err := net.ParseCIDR("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		trusted            bool
		from, claims, want string
	}{
		{true, "10.1.1.1", "203.0.113.9", "203.0.113.9"},
		{true, "10.1.1.1", "203.0.113.9, 10.2.2.2", "203.0.113.9"},
		{true, "10.1.1.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
		{true, "10.1.1.1", "", "10.1.1.1"},
		{true, "203.0.113.7", "198.51.100.1", "203.0.113.7"},
		{true, "127.0.0.1", "198.51.100.1", "127.0.0.1"},
		{true, "192.168.1.1", "198.51.100.1", "192.168.1.1"},
		{true, "169.254.1.1", "198.51.100.1", "169.254.1.1"},
		{true, "[::1]", "198.51.100.1", "::1"},
		{false, "10.1.1.1", "203.0.113.9", "10.1.1.1"},
		{false, "127.0.0.1", "203.0.113.9", "127.0.0.1"},
	} {
		var trusted []*net.IPNet
		if tt.trusted {
			trusted = []*net.IPNet{proxies}
		}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.RemoteAddr = tt.from + ":4711"
		if tt.claims != "" {
			r.Header.Set("X-Forwarded-For", tt.claims)
		}
		r.Header.Set("X-Real-Ip", "198.51.100.77")
		if got := clientAddress(trusted)(r); got != tt.want {
			t.Errorf("from %s, which says %q, trusted %t: %s, want %s", tt.from, tt.claims, tt.trusted, got, tt.want)
		}
	}
}
