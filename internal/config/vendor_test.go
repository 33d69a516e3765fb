package config_test

import (
	"strings"
	"testing"
)

func TestVendorAndSupportAreReadByPeople(t *testing.T) {
	raw := good(t)
	if c, err := raw.Parse(); err != nil || c.Vendor != "" || c.Support != "" {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, support := range []string{" help@acme.example ", "https://acme.example/help?from=lens"} {
		raw.Vendor, raw.Support = " Acme Müller & Söhne GmbH ", support
		if c, err := raw.Parse(); err != nil || c.Vendor != "Acme Müller & Söhne GmbH" || c.Support != strings.TrimSpace(support) {
			t.Errorf("%+v, %v", c, err)
		}
	}
	for _, bad := range []string{"http://acme.example/", "javascript:alert(1)", "acme.example", "Acme <help@acme.example>", "https://me:pw@acme.example/", "https://", "+1 202 555 0100"} {
		raw.Support = bad
		if _, err := raw.Parse(); err == nil || !strings.Contains(err.Error(), "ITEMLENS_SUPPORT ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	raw.Support = ""
	for _, bad := range []string{"Acme\nLtd", "Acme\x00", "\xff", strings.Repeat("я", 201)} {
		raw.Vendor = bad
		if _, err := raw.Parse(); err == nil || !strings.Contains(err.Error(), "ITEMLENS_VENDOR ") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
