package crm

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"itemlens/internal/portal"
)

func personKeyOf(id portal.MemberID, person int64) cacheKey {
	return nameKey(Who{Portal: id, Version: Version{1, 1}, User: 1}, Ref{0, person})
}

// held is how many bytes of a portal are in the cache, and how many the ledger counts.
func held(c *Cache, id portal.MemberID) (inCache, counted int64) {
	c.entries.CleanUp()
	for key, entry := range c.entries.All() {
		if key.portal == id {
			inCache += int64(entry.weight)
		}
	}
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	if p := c.ledger.portals[id]; p != nil {
		counted = p.bytes
	}
	return inCache, counted
}

// TestOnePortalTakesAnEighth: one that fills the cache with names of any length pushes its own entries out, and no one's else.
func TestOnePortalTakesAnEighth(t *testing.T) {
	const budget = 1 << 20
	c := NewCache(budget, time.Hour)
	defer c.Close()
	for i := range int64(20) {
		c.put(personKeyOf("quiet", i), Person{Name: "Ann"}, 3)
	}
	for i := range int64(5000) {
		c.put(personKeyOf("hostile", i), Person{Name: "Eve"}, int(i)*7%maxNameLength)
		if i%500 == 0 {
			if inCache, _ := held(c, "hostile"); inCache > budget/8 {
				t.Fatalf("after %d entries one portal holds %d of %d bytes", i, inCache, budget)
			}
		}
	}
	inCache, counted := held(c, "hostile")
	if inCache != counted || inCache > budget/8 || inCache < budget/16 {
		t.Errorf("the hostile portal holds %d bytes, %d are counted, its share is %d", inCache, counted, budget/8)
	}
	if _, ok := get[Person](c, personKeyOf("hostile", 4999)); !ok {
		t.Error("the newest entry of a full share is not there")
	}
	for i := range int64(20) {
		if _, ok := get[Person](c, personKeyOf("quiet", i)); !ok {
			t.Errorf("entry %d of another portal is gone", i)
		}
	}
}

// TestTheWholeCacheKeepsWithinItsBudget, however many portals there are.
func TestTheWholeCacheKeepsWithinItsBudget(t *testing.T) {
	const budget = 1 << 20
	c := NewCache(budget, time.Hour)
	defer c.Close()
	for i := range int64(8000) {
		c.put(personKeyOf(portal.MemberID(fmt.Sprint("portal", i%200)), i), Person{}, 200)
	}
	c.entries.CleanUp()
	stats := c.Stats()
	if stats.Bytes > budget || stats.Bytes < budget/2 || stats.Evictions == 0 {
		t.Errorf("%+v in a cache of %d bytes", stats, budget)
	}
	var inCache, counted int64
	for i := range 200 {
		a, b := held(c, portal.MemberID(fmt.Sprint("portal", i)))
		inCache, counted = inCache+a, counted+b
	}
	if inCache != counted {
		t.Errorf("%d bytes are there, %d are counted", inCache, counted)
	}
}

func TestWhatIsLargerThanAShareIsNotKept(t *testing.T) {
	c := NewCache(1<<20, time.Hour)
	defer c.Close()
	c.put(personKeyOf("acme", 1), Person{}, 1<<17)
	if _, ok := get[Person](c, personKeyOf("acme", 1)); ok {
		t.Error("an entry that is larger than a share is kept")
	}
	c.put(personKeyOf("acme", 2), Person{}, 1<<17-entryOverhead)
	if _, ok := get[Person](c, personKeyOf("acme", 2)); !ok {
		t.Error("an entry as large as a share is not kept")
	}
}

// TestForgettingAPortal leaves nothing of it, and everything of others.
func TestForgettingAPortal(t *testing.T) {
	w := newWorld(t)
	w.say("user.get", reply{result: eve})
	w.say("crm.item.details.configuration.get", reply{result: `[{"title":"A","elements":[{"name":"TITLE"}]}]`})
	rival := &visitor{w: w, who: Who{Portal: "rival", Version: Version{1, 1}, User: 1, Lang: "en"}}
	for _, v := range []*visitor{w.visitor(1), w.visitor(2), rival} {
		v.read(deal)
		v.personOf(7)
	}
	before, _ := held(w.Cache, "rival")
	w.Cache.Forget("acme")
	for key := range w.Cache.entries.All() {
		if key.portal != "rival" {
			t.Errorf("%+v is left", key)
		}
	}
	if inCache, counted := held(w.Cache, "acme"); inCache != 0 || counted != 0 || w.Cache.ledger.portals["acme"] != nil {
		t.Errorf("%d bytes are left, %d are counted", inCache, counted)
	}
	if after, _ := held(w.Cache, "rival"); after != before {
		t.Errorf("of another portal's %d bytes %d are left", before, after)
	}
	w.asked()
	rival.read(deal)
	if name, requests := rival.personOf(7); name != "Eve Park" || requests != 0 {
		t.Errorf("another portal has to ask again: %q, %d requests", name, requests)
	}
}

// TestAPageInFlightKeepsNothingOfAForgottenPortal: it was admitted before, and its answers come after.
func TestAPageInFlightKeepsNothingOfAForgottenPortal(t *testing.T) {
	w := newWorld(t)
	w.say("user.get", reply{result: eve})
	w.say("crm.item.details.configuration.get", reply{result: `[{"title":"A","elements":[{"name":"TITLE"}]}]`})
	w.before = func(context.Context) { w.Cache.Forget("acme") }
	for _, v := range []*visitor{w.visitor(1), w.visitor(2)} {
		v.unknown = true
		if r := v.read(deal); r.Item.Title() != "Scales" || r.Type.Fields == nil || r.Arrangement == nil {
			t.Errorf("the page itself is shown less: %+v", r)
		}
		v.personOf(7)
	}
	for key := range w.Cache.entries.All() {
		t.Errorf("%+v is kept", key)
	}
	w.before = nil
	rival := &visitor{w: w, who: Who{Portal: "rival", Version: Version{1, 1}, User: 1, Lang: "en"}}
	again := w.visitor(1)
	again.who.Version.InstalledAt = time.Now().Add(time.Second).UnixMicro()
	for _, v := range []*visitor{rival, again} {
		v.read(deal)
		v.personOf(7)
		w.asked()
		v.read(deal)
		if _, requests := v.personOf(7); requests != 0 || times(w.asked(), "crm.item.fields") != 0 {
			t.Errorf("%s keeps nothing", v.who.Portal)
		}
	}
}

// TestWhatIsForgottenIsNotRememberedForEver: no page takes so long.
func TestWhatIsForgottenIsNotRememberedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1<<20, time.Minute)
		defer c.Close()
		for range 3 {
			for i := range 100 {
				c.Forget(portal.MemberID(fmt.Sprint("portal", i)))
			}
			if len(c.gone) != 100 {
				t.Errorf("%d portals are remembered", len(c.gone))
			}
			time.Sleep(pageLife + time.Second)
		}
		c.Forget("last")
		if len(c.gone) != 1 {
			t.Errorf("%d portals are remembered after that", len(c.gone))
		}
	})
}

// TestEntriesEndWithTheirLife, are not counted any more, and what takes their place is.
func TestEntriesEndWithTheirLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewCache(1<<20, 10*time.Minute)
		defer c.Close()
		key, unseen := personKeyOf("acme", 1), personKeyOf("acme", 2)
		c.put(key, Person{Name: "Ann"}, 3)
		c.put(unseen, Person{Name: "Bo"}, 2)
		time.Sleep(10*time.Minute - time.Second)
		if _, ok := get[Person](c, key); !ok {
			t.Error("an entry ends before its life is over")
		}
		time.Sleep(time.Second + time.Millisecond)
		if _, ok := get[Person](c, key); ok {
			t.Error("an entry outlives its life")
		}
		// It is asked for anew at once; the one that nobody looked for takes the place of the old one itself.
		c.put(unseen, Person{Name: "Bo"}, 2)
		c.put(key, Person{Name: "Anna"}, 4)
		if inCache, counted := held(c, "acme"); inCache != counted || counted == 0 {
			t.Errorf("%d bytes are there, %d are counted", inCache, counted)
		}
		c.Forget("acme")
		_, left := get[Person](c, unseen)
		if _, ok := get[Person](c, key); ok || left {
			t.Error("an entry that took the place of an older one is not forgotten")
		}
		// Nobody asks again: it goes by itself.
		key.version.InstalledAt = time.Now().Add(time.Second).UnixMicro()
		c.put(key, Person{Name: "Anna"}, 4)
		if c.Stats().Entries != 1 {
			t.Error("what is read after the next installation is not kept")
		}
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		if stats := c.Stats(); stats.Entries != 0 || stats.Bytes != 0 {
			t.Errorf("left in memory: %+v", stats)
		}
		c.ledger.mu.Lock()
		defer c.ledger.mu.Unlock()
		if len(c.ledger.portals) != 0 {
			t.Error("a portal without entries is counted")
		}
	})
}

// TestTheLedgerTellsTheTruth while many write, forget and read at once.
func TestTheLedgerTellsTheTruth(t *testing.T) {
	c := NewCache(200_000, 3*time.Millisecond)
	defer c.Close()
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 1))
			for range 3000 {
				id := portal.MemberID(fmt.Sprint("portal", random.IntN(3)))
				key := personKeyOf(id, random.Int64N(40))
				key.version.InstalledAt = math.MaxInt64 // later than it is forgotten
				switch random.IntN(20) {
				case 0:
					c.Forget(id)
				case 1, 2, 3:
					get[Person](c, key)
				default:
					c.put(key, Person{}, random.IntN(2000))
				}
			}
		})
	}
	wg.Wait()
	for i := range 3 {
		id := portal.MemberID(fmt.Sprint("portal", i))
		if inCache, counted := held(c, id); inCache > c.ledger.share || counted > c.ledger.share || counted < inCache {
			t.Errorf("%s holds %d bytes, %d are counted, its share is %d", id, inCache, counted, c.ledger.share)
		}
		c.Forget(id)
		if inCache, _ := held(c, id); inCache != 0 {
			t.Errorf("%d bytes of %s are left", inCache, id)
		}
	}
}

func TestStatsCount(t *testing.T) {
	w := newWorld(t)
	if stats := w.Cache.Stats(); stats != (CacheStats{}) {
		t.Errorf("a new cache: %+v", stats)
	}
	w.visitor(1).read(deal)
	w.Cache.entries.CleanUp() // weights are counted in the background
	cold := w.Cache.Stats()
	if cold.Misses == 0 || cold.Entries == 0 || cold.Bytes == 0 {
		t.Errorf("after a first card: %+v", cold)
	}
	w.visitor(1).read(deal)
	warm := w.Cache.Stats()
	if warm.Hits < cold.Hits+5 {
		t.Errorf("after the same card again: %+v, before: %+v", warm, cold)
	}
}

// TestFieldsWeighWhatTheyCost: the cache's budget is one of memory, so what it counts must not be far from it.
func TestFieldsWeighWhatTheyCost(t *testing.T) {
	var raw strings.Builder
	raw.WriteString(`{"fields":{`)
	const count = 16_000
	for i := range count {
		if i > 0 {
			raw.WriteByte(',')
		}
		fmt.Fprintf(&raw, `"ufCrm_17000%05d":{"type":"string","title":"Field number %d","upperName":"UF_CRM_17000%05d","settings":{"SIZE":20,"ROWS":1,"REGEXP":""}}`, i, i, i)
	}
	raw.WriteString("}}")
	var before, after runtime.MemStats
	text := json.RawMessage(raw.String())
	runtime.GC()
	runtime.GC() // what the first one found is gone after the second
	runtime.ReadMemStats(&before)
	fields, err := readFields(text)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	cost := int(after.HeapAlloc) - int(before.HeapAlloc)
	t.Logf("%d fields: %d KB in memory, %d KB counted", count, cost>>10, fields.bytes()>>10)
	// Package card works as much again out of them for each language.
	if weight := fields.bytes(); weight < cost || weight > 3*cost {
		t.Errorf("%d bytes are counted for %d", weight, cost)
	}
	runtime.KeepAlive(fields)
	runtime.KeepAlive(text)

	var layout strings.Builder
	layout.WriteString(`[{"name":"main","title":"About","type":"section","elements":[`)
	for i := range count {
		if i > 0 {
			layout.WriteByte(',')
		}
		fmt.Fprintf(&layout, `{"name":"UF_CRM_17000%05d"}`, i)
	}
	layout.WriteString("]}]")
	arranged := ParseArrangement([]byte(layout.String()))
	// They would push each other out, and every page would ask for the fields anew.
	if both := fields.bytes() + arranged.bytes(); both > 64<<20/8 {
		t.Errorf("the fields of a very large type and their arrangement are %d bytes, more than a portal's share", both)
	}
}
