package bitrix24

import (
	"slices"
	"strings"
)

// cloudZones returns the domains under which Bitrix24's own cloud gives portals their addresses (helpdesk article 10252860
// on zones, and the platform's list of legal entities by zone). bitrix24.site and bitrix24.shop are not among them: what
// stands there is made by customers.
func cloudZones() []string {
	return []string{
		"bitrix24.by", "bitrix24.cn", "bitrix24.co", "bitrix24.com", "bitrix24.com.br", "bitrix24.com.tr", "bitrix24.de", "bitrix24.es", "bitrix24.eu",
		"bitrix24.fr", "bitrix24.id", "bitrix24.in", "bitrix24.it", "bitrix24.jp", "bitrix24.kz", "bitrix24.mx", "bitrix24.pl", "bitrix24.ru", "bitrix24.ua",
		"bitrix24.uk", "bitrix24.uz", "bitrix24.vn",
	}
}

// IsCloudHost reports whether a host is a portal's in Bitrix24's own cloud: one name before a zone, at the usual port.
func IsCloudHost(host string) bool {
	name, zone, ok := strings.Cut(CanonicalHost(host), ".")
	return ok && name != "" && name != "www" && slices.Contains(cloudZones(), zone)
}
