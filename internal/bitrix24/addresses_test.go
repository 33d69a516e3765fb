package bitrix24_test

import (
	"errors"
	"net/netip"
	"testing"

	"itemlens/internal/bitrix24"
)

// TestAddressesOfSpecialPurposeAreRefused asks the guard for the first and the last address of each network of IANA's
// registries, which the table here repeats on purpose. Nothing is dialled.
func TestAddressesOfSpecialPurposeAreRefused(t *testing.T) {
	for _, network := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
		"::1/128", "::/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32",
		"2001:1::1/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28", "2001:30::/28", "2001:db8::/32",
		"2002::/16", "2620:4f:8000::/48", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		prefix := netip.MustParsePrefix(network)
		for _, ip := range []netip.Addr{prefix.Addr(), last(prefix)} {
			if err := bitrix24.CheckAddress(netip.AddrPortFrom(ip, 443).String()); !errors.Is(err, bitrix24.ErrForbiddenAddress) {
				t.Errorf("%s of %s passes: %v", ip, network, err)
			}
		}
	}
	for _, address := range []string{"[fe80::1%eth0]:443", "[2001:db8::1%x]:443", "[::127.0.0.1]:443", "[::ffff:8.8.8.8]:443", "portal.example:443", "", "8.8.8.8"} {
		if err := bitrix24.CheckAddress(address); !errors.Is(err, bitrix24.ErrForbiddenAddress) {
			t.Errorf("%q passes: %v", address, err)
		}
	}
}

// TestPublicAddressesPass looks beside each network, so that none is larger than it should be.
func TestPublicAddressesPass(t *testing.T) {
	for _, address := range []string{
		"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255", "172.32.0.0",
		"191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
		"223.255.255.255", "2001:200::", "2001:4860:4860::8888", "2003::", "2620:4f:8001::", "2a00:1450:4001::1", "3ffe::1",
	} {
		if err := bitrix24.CheckAddress(netip.AddrPortFrom(netip.MustParseAddr(address), 443).String()); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func last(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	ip, _ := netip.AddrFromSlice(bytes)
	return ip
}
