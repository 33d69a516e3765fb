package bitrix24

import (
	"fmt"
	"net/netip"
)

// specialPurpose returns the networks that no portal may be in: the registries of special-purpose addresses whole
// (iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry), those that lead to other networks and
// those that are merely reserved alike, and what older standards set apart.
func specialPurpose() []string {
	return []string{
		// IPv4
		"0.0.0.0/8",       // this network (RFC 791)
		"10.0.0.0/8",      // private use (RFC 1918)
		"100.64.0.0/10",   // shared by carriers (RFC 6598)
		"127.0.0.0/8",     // loopback (RFC 1122)
		"169.254.0.0/16",  // link-local, metadata of clouds (RFC 3927)
		"172.16.0.0/12",   // private use (RFC 1918)
		"192.0.0.0/24",    // protocol assignments (RFC 6890)
		"192.0.2.0/24",    // documentation (RFC 5737)
		"192.31.196.0/24", // AS112 (RFC 7535)
		"192.52.193.0/24", // AMT (RFC 7450)
		"192.88.99.0/24",  // 6to4 relays, deprecated (RFC 7526)
		"192.168.0.0/16",  // private use (RFC 1918)
		"192.175.48.0/24", // AS112 (RFC 7534)
		"198.18.0.0/15",   // benchmarks (RFC 2544)
		"198.51.100.0/24", // documentation (RFC 5737)
		"203.0.113.0/24",  // documentation (RFC 5737)
		"224.0.0.0/4",     // multicast (RFC 5771)
		"240.0.0.0/4",     // reserved, and broadcast (RFC 1112)
		// IPv6
		"::/96",             // unspecified, loopback, IPv4-compatible (RFC 4291)
		"::ffff:0:0/96",     // IPv4-mapped (RFC 4291)
		"64:ff9b::/96",      // NAT64, leads to IPv4 (RFC 6052)
		"64:ff9b:1::/48",    // NAT64 of one's own network (RFC 8215)
		"100::/64",          // discard only (RFC 6666)
		"100:0:0:1::/64",    // dummy (RFC 9780)
		"2001::/23",         // protocol assignments, with Teredo, benchmarks, ORCHID (RFC 2928)
		"2001:db8::/32",     // documentation (RFC 3849)
		"2002::/16",         // 6to4, leads to IPv4 (RFC 3056)
		"2620:4f:8000::/48", // AS112 (RFC 7534)
		"3fff::/20",         // documentation (RFC 9637)
		"5f00::/16",         // segment routing (RFC 9602)
		"fc00::/7",          // unique local (RFC 4193)
		"fe80::/10",         // link-local (RFC 4291)
		"fec0::/10",         // site-local, deprecated (RFC 3879)
		"ff00::/8",          // multicast (RFC 4291)
	}
}

// CheckAddress refuses an address and port to connect to, as text, unless the address is a public one. The error wraps
// ErrForbiddenAddress.
func CheckAddress(address string) error {
	parsed, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: not an address", ErrForbiddenAddress)
	}
	ip := parsed.Addr().WithZone("") // a zone would keep the address out of every network
	for _, text := range specialPurpose() {
		network := netip.MustParsePrefix(text)
		if network.Contains(ip) || ip.Is4In6() && network.Contains(ip.Unmap()) {
			return fmt.Errorf("%w: %s is in %s", ErrForbiddenAddress, ip, network)
		}
	}
	if !ip.IsGlobalUnicast() || ip.Is4In6() {
		return fmt.Errorf("%w: %s", ErrForbiddenAddress, ip)
	}
	return nil
}
