package portalsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Truth switches on what real portals do where an app that was made against the simulator's older habits breaks. Each is
// one behaviour, off by default; Everything has all of them. docs/simulator.md tells where each was read.
type Truth struct {
	// References: a $result[…] of a batch that leads nowhere becomes the deepest thing found, an array, and
	// crm.item.details.configuration.get with an array for a pipeline takes the whole batch down. Off: it stays as text.
	References bool
	// Multifields: crm.item.fields describes fm and neither phone nor email. Off: the other way round.
	Multifields bool
	// Fields: items have every field that the documentation's examples have, and the ones that only the platform's code
	// shows, such as lastCommunicationTime; arranged cards name all elements of default cards. Off: the usual fields.
	Fields bool
	// WallClock: a custom datetime may say USE_TIMEZONE N, and then holds wall-clock time with the server's offset. Off: no
	// custom field has settings.
	WallClock bool
	// TimeZones: users whose zone is found out by the browser have an empty TIME_ZONE. Off: most have one.
	TimeZones bool
	// Statuses: crm.status.list is not paged. Off: 50 a page.
	Statuses bool
	// Refusals: every refusal of a token is 401. Off: the statuses of the documentation.
	Refusals bool
	// Invoices: the arrangement of an invoice's card is found by extras[CATEGORY_ID]. Off: by extras[categoryId].
	Invoices bool
	// Updates: an update sets an app to "not installed", hides its tabs and handlers, and tells nobody until the installer
	// has run. Off: ONAPPUPDATE with a new application_token, and bindings are erased.
	Updates bool
	// Expired: an app whose time is over hears of nothing, not even of its removal. Off: of everything.
	Expired bool
	// Tokens: application_token stays the same after removal and a new installation. Off: each installation has its own.
	Tokens bool
	// Removals: the OAuth server refuses with NOT_INSTALLED once an app was removed. Off: invalid_client.
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

// ParseTruth reads names of truths with commas between them: "all", "" for none, "references,updates", "all,-frames".
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
		"references": &t.References, "multifields": &t.Multifields, "fields": &t.Fields, "wallclock": &t.WallClock, "timezones": &t.TimeZones,
		"statuses": &t.Statuses, "refusals": &t.Refusals, "invoices": &t.Invoices, "updates": &t.Updates, "expired": &t.Expired,
		"tokens": &t.Tokens, "removals": &t.Removals, "frames": &t.Frames, "readers": &t.Readers,
	}
}
