package crm

import (
	"fmt"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

const eve = `[{"ID":"7","NAME":"Eve","LAST_NAME":"Park","PERSONAL_PHOTO":"https://acme.example/eve.png"}]`

// personOf asks what somebody is called, and returns how many requests that took.
func (v *visitor) personOf(id int64) (name string, requests int) {
	v.w.t.Helper()
	v.w.asked()
	found, err := v.w.Names(v.w.t.Context(), v, NamesRequest{People: []int64{id}}, nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	person, _ := found.Names.Person(id)
	return person.Name, len(v.w.asked())
}

func (v *visitor) titleOf(ref Ref) (title string, requests int) {
	v.w.t.Helper()
	v.w.asked()
	found, err := v.w.Names(v.w.t.Context(), v, NamesRequest{Items: map[int][]int64{ref.EntityTypeID: {ref.ID}}}, nil)
	if err != nil {
		v.w.t.Fatal(err)
	}
	title, _ = found.Names.Title(ref)
	return title, len(v.w.asked())
}

// TestNamesAreTheViewersOwn: who is shown nobody, or is refused, is told no name that somebody else was told, and makes
// nobody nameless for others.
func TestNamesAreTheViewersOwn(t *testing.T) {
	company := Ref{bitrix24.Company, 40}
	for name, refused := range map[string]reply{"shown nobody": {result: `[]`}, "refused": {code: "ACCESS_DENIED"}, "not found": {code: "NOT_FOUND"}} {
		for _, order := range [][]portal.UserID{{1, 2}, {2, 1}} {
			w := newWorld(t)
			w.say("user.get", reply{result: eve})
			w.say("crm.item.list", reply{result: `{"items":[{"id":40,"title":"Nordlicht"}]}`})
			w.limit(2, "user.get", refused)
			w.limit(2, "crm.item.list", refused)
			for round, wantRequests := range []int{1, 0} { // what was told is kept, what was not told too
				for _, user := range order {
					wantName, wantTitle := "Eve Park", "Nordlicht"
					if user == 2 {
						wantName, wantTitle = "", ""
					}
					if got, requests := w.visitor(user).personOf(7); got != wantName || requests != wantRequests {
						t.Errorf("%s, round %d: user %d is told %q by %d requests, want %q by %d", name, round, user, got, requests, wantName, wantRequests)
					}
					if got, requests := w.visitor(user).titleOf(company); got != wantTitle || requests != wantRequests {
						t.Errorf("%s, round %d: user %d is told %q by %d requests, want %q by %d", name, round, user, got, requests, wantTitle, wantRequests)
					}
				}
			}
			if _, known := w.visitor(3).read(deal).Names.Person(7); known {
				t.Error("a card knows a name that its reader never asked for")
			}
		}
	}
}

// TestAViewerWhoIsNotKnownYetIsToldNothing: nobody is user 0.
func TestAViewerWhoIsNotKnownYetIsToldNothing(t *testing.T) {
	w := newWorld(t)
	w.say("user.get", reply{result: eve})
	who := Who{Portal: "acme", Version: Version{1, 1}, Lang: "en"}
	w.Cache.keepName(who, Ref{0, 7}, Person{Name: "Eve"})
	if _, known := w.names(who).Person(7); known || w.Cache.entries.EstimatedSize() != 0 {
		t.Error("a name was kept for nobody")
	}
	w.visitor(0).read(deal)
	if w.Cache.typeOf(who, bitrix24.Deal).Fields != nil {
		t.Error("the fields were kept for nobody")
	}
}

// part is something that is told of a type, how a viewer of few rights is told less of it, and what a card sees of it.
type part struct {
	name, method string
	all, less    string
	seen         func(*Type) string
	want, wants  string // with all of it, and with less
}

var parts = []part{
	{
		"types", "crm.enum.ownertype", `[{"ID":1222,"NAME":"Secret project","SYMBOL_CODE":"DYNAMIC_1222"}]`, `[]`,
		func(t *Type) string { return fmt.Sprint(t.Types.Name(1222), t.Types.Dynamic) }, "Secret project[1222]", "[]",
	},
	{
		"pipelines", "crm.category.list", `{"categories":[{"id":0,"name":"General"},{"id":9,"name":"Secret"}]}`, `{"categories":[{"id":0,"name":"General"}]}`,
		func(t *Type) string { return fmt.Sprint(t.Pipelines.IDs, t.Pipelines.Names["9"]) }, "[0 9]Secret", "[0]",
	},
	{
		"dictionaries", "crm.status.list", `[{"ENTITY_ID":"SOURCE","STATUS_ID":"X","NAME":"Secret source"}]`, `[{"ENTITY_ID":"SOURCE","STATUS_ID":"CALL","NAME":"Call"}]`,
		func(t *Type) string { s, _ := t.Statuses.Status("SOURCE", "X"); return s.Name }, "Secret source", "",
	},
	{
		"currencies", "crm.currency.list", `[{"CURRENCY":"XAU","FULL_NAME":"Secret gold"}]`, `[]`,
		func(t *Type) string { c, _ := t.Currencies.Currency("XAU"); return c.Name }, "Secret gold", "",
	},
	{
		"fields", "crm.item.fields", `{"fields":{"ufCrm_1":{"type":"string","title":"Secret margin"}}}`, `{"fields":{"id":{"type":"integer","title":"ID"}}}`,
		func(t *Type) string {
			if f := t.Fields.Field("ufCrm_1"); f != nil {
				return f.Title
			}
			return ""
		}, "Secret margin", "",
	},
}

// TestWhatATypeIsEachViewerIsToldAnew: whoever asked first, nobody sees more, or less, than the portal told themselves.
func TestWhatATypeIsEachViewerIsToldAnew(t *testing.T) {
	for _, p := range parts {
		for _, order := range [][]portal.UserID{{1, 2}, {2, 1}} {
			w := newWorld(t)
			w.say(p.method, reply{result: p.all})
			w.limit(2, p.method, reply{result: p.less})
			for range 2 {
				for _, user := range order {
					want := p.want
					if user == 2 {
						want = p.wants
					}
					if got := p.seen(w.visitor(user).read(deal).Type); got != want {
						t.Errorf("%s, in order %v: user %d sees %q, want %q", p.name, order, user, got, want)
					}
				}
			}
		}
	}
}

// TestRefusalsThatLastAreKeptForThatViewer, who then sees none of it; somebody else asks.
func TestRefusalsThatLastAreKeptForThatViewer(t *testing.T) {
	for _, p := range parts[:4] { // without fields there is no card
		for _, code := range []string{"ACCESS_DENIED", "NOT_FOUND", "ENTITY_TYPE_NOT_SUPPORTED"} {
			w := newWorld(t)
			w.say(p.method, reply{result: p.all})
			w.limit(2, p.method, reply{code: code})
			for round, want := range []int{1, 0} {
				w.asked()
				got := p.seen(w.visitor(2).read(deal).Type)
				if strings.Contains(got, "Secret") {
					t.Errorf("%s after %s: %q", p.name, code, got)
				}
				if asked := times(w.asked(), p.method); asked != want {
					t.Errorf("%s after %s, round %d: asked %d times, want %d", p.name, code, round, asked, want)
				}
			}
			if got := p.seen(w.visitor(1).read(deal).Type); got != p.want {
				t.Errorf("%s: what user 2 was refused, user 1 sees as %q", p.name, got)
			}
		}
	}
}

// TestErrorsThatPassAreNeverKept: the next card asks again, and shows what it is told.
func TestErrorsThatPassAreNeverKept(t *testing.T) {
	for _, code := range []string{"INTERNAL_SERVER_ERROR", "QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "insufficient_scope", ""} {
		for _, p := range parts[:4] {
			w := newWorld(t)
			w.say(p.method, reply{code: code}) // an empty code: no answer at all
			if got := p.seen(w.visitor(1).read(deal).Type); strings.Contains(got, "Secret") {
				t.Fatal(got)
			}
			w.say(p.method, reply{result: p.all})
			if got := p.seen(w.visitor(1).read(deal).Type); got != p.want {
				t.Errorf("%s after %q: %q, want %q", p.name, code, got, p.want)
			}
		}
		w := newWorld(t)
		w.say("crm.item.fields", reply{code: code})
		if _, err := w.Item(t.Context(), w.visitor(1), deal); err == nil {
			t.Errorf("a card without fields, after %q", code)
		}
		w.say("crm.item.fields", reply{result: parts[4].all})
		if got := parts[4].seen(w.visitor(1).read(deal).Type); got != "Secret margin" {
			t.Errorf("fields after %q: %q", code, got)
		}
		w.say("user.get", reply{code: code})
		w.say("crm.item.list", reply{code: code})
		if name, _ := w.visitor(1).personOf(7); name != "" {
			t.Fatal(name)
		}
		_, _ = w.visitor(1).titleOf(Ref{4, 40})
		w.say("user.get", reply{result: eve})
		w.say("crm.item.list", reply{result: `{"items":[{"id":40,"title":"Nordlicht"}]}`})
		if name, _ := w.visitor(1).personOf(7); name != "Eve Park" {
			t.Errorf("after %q of user.get somebody stays nameless", code)
		}
		if title, _ := w.visitor(1).titleOf(Ref{4, 40}); title != "Nordlicht" {
			t.Errorf("after %q of crm.item.list something stays nameless", code)
		}
	}
}

// TestEqualAnswersAreKeptOnce: a thousand viewers with the same rights cost one content and short grants.
func TestEqualAnswersAreKeptOnce(t *testing.T) {
	w := newWorld(t)
	var fields strings.Builder
	for i := range 500 {
		fmt.Fprintf(&fields, `,"ufCrm_%d":{"type":"string","title":"Field number %d","settings":{"SIZE":20,"ROWS":1}}`, i, i)
	}
	w.say("crm.item.fields", reply{result: `{"fields":{"id":{"type":"integer"}` + fields.String() + `}}`})
	first := w.visitor(1).read(deal).Type
	w.Cache.entries.CleanUp()
	one := w.Cache.Stats().Bytes
	const viewers = 1000
	for user := portal.UserID(2); user <= viewers; user++ {
		if own := w.visitor(user).read(deal).Type; own.Fields != first.Fields || own.Statuses != first.Statuses {
			t.Fatalf("user %d was given the same answer and has another content", user)
		}
	}
	w.Cache.entries.CleanUp()
	grown := (w.Cache.Stats().Bytes - one) / (viewers - 1)
	if grown > 3000 || one < 100_000 {
		t.Errorf("the first viewer takes %d bytes, each further one %d", one, grown)
	}
	// Each of them asked the portal, and none asks again.
	w.asked()
	w.visitor(viewers).read(deal)
	if asked := times(w.asked(), "crm.item.fields"); asked != 0 {
		t.Error("what was granted is asked for again")
	}
}

// TestKeysOfWhatIsKept: nothing is read that another portal, an earlier installation, an older state of the fields, or
// another language was answered.
func TestKeysOfWhatIsKept(t *testing.T) {
	for name, other := range map[string]Who{
		"portal":       {Portal: "rival", Version: Version{1, 1}, User: 1, Lang: "en"},
		"installation": {Portal: "acme", Version: Version{2, 1}, User: 1, Lang: "en"},
		"schema":       {Portal: "acme", Version: Version{1, 2}, User: 1, Lang: "en"},
		"language":     {Portal: "acme", Version: Version{1, 1}, User: 1, Lang: "de"},
		"user":         {Portal: "acme", Version: Version{1, 1}, User: 2, Lang: "en"},
	} {
		w := newWorld(t)
		w.say("user.get", reply{result: eve})
		w.visitor(1).read(deal)
		w.visitor(1).personOf(7)
		w.asked()
		for _, p := range parts {
			w.say(p.method, reply{result: p.all})
		}
		if met := w.Cache.met(scopeOf(other, bitrix24.Deal)); met != (name == "user") {
			t.Errorf("another %s: the type was read before: %v", name, met)
		}
		v := &visitor{w: w, who: other}
		got := v.read(deal).Type
		for _, p := range parts {
			if p.seen(got) != p.want {
				t.Errorf("another %s sees the %s of the first", name, p.name)
			}
		}
		if _, known := w.names(other).Person(7); known != (name == "schema" || name == "language") { // names have neither
			t.Errorf("another %s: a name is known: %v", name, known)
		}
	}
}

// TestPortalsShareNoContent, though their answers be the same: what one forgets the other keeps.
func TestPortalsShareNoContent(t *testing.T) {
	w := newWorld(t)
	rival := &visitor{w: w, who: Who{Portal: "rival", Version: Version{1, 1}, User: 1, Lang: "en"}}
	if w.visitor(1).read(deal).Type.Fields == rival.read(deal).Type.Fields {
		t.Error("two portals share the content of their fields")
	}
	if w.visitor(1).read(deal).Type.Fields == w.visitor(1).read(project).Type.Fields {
		t.Error("two types share the content of their fields")
	}
}
