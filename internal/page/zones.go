package page

import (
	"sync"
	"time"
)

// Zones are the time zones of readers.
type Zones struct {
	mu    sync.Mutex
	zones map[string]*time.Location
}

// NewZones makes Zones.
func NewZones() *Zones { return &Zones{zones: map[string]*time.Location{}} }

// maxZones is how many time zones are kept: more than there are.
const maxZones = 1000

// find gives a time zone by its IANA name; nil where there is none of that name. Reading one from disk costs more than a
// card, so those that exist are kept.
func (z *Zones) find(name string) *time.Location {
	if name == "" || name == "Local" { // Local is this machine's
		return nil
	}
	z.mu.Lock()
	zone, ok := z.zones[name]
	z.mu.Unlock()
	if ok {
		return zone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(z.zones) < maxZones {
		z.zones[name] = zone
	}
	return zone
}
