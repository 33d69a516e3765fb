package config_test

import (
	"strings"
	"testing"
)

func TestTrustedProxiesAreNetworks(t *testing.T) {
	raw := good(t)
	if c, err := raw.Parse(); err != nil || len(c.TrustedProxies) != 0 || c.OAuthRate != 5 || c.MaxConnections != 10_000 {
		t.Fatalf("%+v, %v", c, err)
	}
	raw.TrustedProxies = "10.0.0.0/8, 2001:db8::/32,"
	if c, err := raw.Parse(); err != nil || len(c.TrustedProxies) != 2 || c.TrustedProxies[1].String() != "2001:db8::/32" {
		t.Errorf("%v, %v", c.TrustedProxies, err)
	}
	for _, bad := range []string{"10.0.0.1", "everybody", "10.0.0.0/8 192.168.0.0/16", "10.0.0.0/33"} {
		raw.TrustedProxies = bad
		if _, err := raw.Parse(); err == nil || !strings.Contains(err.Error(), "ITEMLENS_TRUSTED_PROXIES ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
