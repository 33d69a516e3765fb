package portalsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Truth chooses where sources differ on what real portals do, or where a portal of the cloud may be ahead of the code that
// can be read: on is what the platform's code and page do, off what its documentation or an older version has. An app has
// to live with both. Everything turns all of them on. docs/simulator.md tells where each was read.
type Truth struct {
	// Statuses: crm.status.list is not paged. Off: 50 a page.
	Statuses bool
	// Refusals: every refusal of a token is 401. Off: the statuses of the documentation.
	Refusals bool
	// Tokens: application_token stays the same after removal and a new installation. Off: each installation has its own.
	Tokens bool
	// Removals: the OAuth server refuses with NOT_INSTALLED once an app was removed. Off: invalid_grant.
	Removals bool
	// Frames: fitWindow never makes a frame smaller, resizeWindow takes pixels alone, openPath refuses what is not on the
	// portal's list, and tabs may not set the title. Off: all of that works.
	Frames bool
	// Readers: lists of items are empty for users without rights, and a type that items cannot have is
	// ENTITY_TYPE_NOT_SUPPORTED. Off: ACCESS_DENIED and NOT_FOUND.
	Readers bool
}

// Everything is the whole truth.
func Everything() Truth {
	var t Truth
	for _, on := range t.switches() {
		*on = true
	}
	return t
}

// ParseTruth reads names of truths with commas between them: "all", "" for none, "statuses,refusals", "all,-frames".
func ParseTruth(text string) (Truth, error) {
	var t Truth
	switches := t.switches()
	for name := range strings.SplitSeq(text, ",") {
		name, off := strings.CutPrefix(strings.TrimSpace(name), "-")
		switch {
		case name == "" || name == "none":
		case name == "all":
			for _, on := range switches {
				*on = !off
			}
		case switches[name] == nil:
			return Truth{}, fmt.Errorf("there is no truth %q, only all, none, %s", name, strings.Join(TruthNames(), ", "))
		default:
			*switches[name] = !off
		}
	}
	return t, nil
}

// TruthNames lists what ParseTruth knows.
func TruthNames() []string {
	var t Truth
	return slices.Sorted(maps.Keys(t.switches()))
}

func (t *Truth) switches() map[string]*bool {
	return map[string]*bool{
		"statuses": &t.Statuses, "refusals": &t.Refusals, "tokens": &t.Tokens, "removals": &t.Removals, "frames": &t.Frames, "readers": &t.Readers,
	}
}
