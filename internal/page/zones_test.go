package page

import "testing"

func TestZonesOfReaders(t *testing.T) {
	zones := NewZones()
	if zone := zones.find("America/New_York"); zone == nil || zone != zones.find("America/New_York") {
		t.Errorf("a zone that exists: %v", zone)
	}
	for _, name := range []string{"", "Local", "Nowhere/At_All", "../../etc/passwd"} {
		if zone := zones.find(name); zone != nil {
			t.Errorf("%q is %v", name, zone)
		}
	}
	if len(zones.zones) != 1 {
		t.Errorf("%d zones are kept", len(zones.zones))
	}
}
