package crm

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"hash/maphash"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// Cache keeps what portals said of their types and what people and items are called; data of items is never kept. It is
// bounded by one budget in bytes, of which no portal gets more than an eighth, and by age.
//
// What a portal answers may differ by the rights of who asks, so two kinds of entries work together: a grant says what a
// viewer was answered, by the fingerprint of the answer; the content under that fingerprint is shared by all viewers of
// the portal whose own answer was the same. A thousand colleagues with the same rights cost one content and a thousand
// short grants, and nobody sees what the portal did not answer to themselves.
type Cache struct {
	entries *otter.Cache[cacheKey, cacheEntry]
	counter *stats.Counter
	ledger  *ledger
	flights flights

	writing sync.Mutex // the ledger and the entries see writes in one order, and what is forgotten before them or after
	seed    maphash.Seed
	gone    map[uint64]time.Time // when portals were forgotten lately, by a hash of their ids
}

// pageLife is how long no page takes from reading its portal's record to keeping what it was answered.
const pageLife = 10 * time.Minute

// class is what a key stands for.
type class uint8

const (
	fieldsClass class = iota + 1
	pipelinesClass
	statusesClass
	typesClass
	currenciesClass
	arrangementClass
	nameClass
	scopeClass
	relationsClass
)

// cacheKey names an entry. Every part of it is known to the app: languages are those of the catalog, never a posted text.
type cacheKey struct {
	portal       portal.MemberID
	version      Version
	class        class
	user         portal.UserID // whose grant or name it is; 0 for contents
	lang         string
	entityTypeID int
	id           int64
	content      fingerprint // zero for grants and names
}

// fingerprint is that of an answer as it came.
type fingerprint [16]byte

func fingerprintOf(raw []byte) fingerprint {
	sum := sha256.Sum256(raw)
	return fingerprint(sum[:16])
}

type cacheEntry struct {
	value  any
	weight uint32 // bytes, with what keeping it costs
	serial uint64 // by which the ledger tells it from the one before it under the same key
}

// entryOverhead is about what an entry costs beside its value: keys in two maps, and the cache's own node.
const entryOverhead = 500

// NewCache makes a cache of at most budget bytes whose entries live so long. Close ends it.
func NewCache(budget int64, life time.Duration) *Cache {
	counter := stats.NewCounter()
	c := &Cache{
		counter: counter, flights: flights{running: map[cacheKey]chan struct{}{}}, seed: maphash.MakeSeed(), gone: map[uint64]time.Time{},
	}
	c.ledger = &ledger{share: budget / 8, portals: map[portal.MemberID]*portalLedger{}}
	c.entries = otter.Must(&otter.Options[cacheKey, cacheEntry]{
		MaximumWeight:    uint64(max(budget, 1)),
		Weigher:          func(_ cacheKey, e cacheEntry) uint32 { return e.weight },
		ExpiryCalculator: otter.ExpiryWriting[cacheKey, cacheEntry](life),
		StatsRecorder:    counter,
		OnAtomicDeletion: func(e otter.DeletionEvent[cacheKey, cacheEntry]) {
			c.ledger.remove(e.Key, e.Value.serial)
		},
	})
	return c
}

// Close ends what the cache does in the background.
func (c *Cache) Close() { c.entries.StopAllGoroutines() }

// Forget drops everything of a portal, and has nothing more of it kept: a page that was admitted before may get its answer
// only now. What is read in a later installation is kept as ever.
func (c *Cache) Forget(id portal.MemberID) {
	now := time.Now()
	c.writing.Lock()
	maps.DeleteFunc(c.gone, func(_ uint64, at time.Time) bool { return now.Sub(at) > pageLife })
	c.gone[maphash.Comparable(c.seed, id)] = now
	keys := c.ledger.keys(id)
	c.writing.Unlock()
	for _, key := range keys {
		c.entries.Invalidate(key)
	}
}

// isGone reports whether an entry is of an installation that was forgotten.
func (c *Cache) isGone(key cacheKey) bool {
	at, ok := c.gone[maphash.Comparable(c.seed, key.portal)]
	return ok && key.version.InstalledAt <= at.UnixMicro()
}

// CacheStats tells how a cache fares.
type CacheStats struct {
	Hits, Misses, Evictions uint64
	Entries                 int
	Bytes                   uint64 // weight of all entries
}

// Stats tells how the cache fares.
func (c *Cache) Stats() CacheStats {
	s := c.counter.Snapshot()
	return CacheStats{s.Hits, s.Misses, s.Evictions, c.entries.EstimatedSize(), c.entries.WeightedSize()}
}

// put keeps a value, unless it is larger than a portal's share. Where the share is used up, other entries of the same
// portal make room.
func (c *Cache) put(key cacheKey, value any, bytes int) {
	weight := int64(bytes) + entryOverhead
	if weight > c.ledger.share || weight > math.MaxUint32 {
		return
	}
	c.writing.Lock()
	if c.isGone(key) {
		c.writing.Unlock()
		return
	}
	serial, victims := c.ledger.add(key, weight)
	c.entries.Set(key, cacheEntry{value, uint32(weight), serial})
	c.writing.Unlock()
	for _, victim := range victims {
		c.entries.Invalidate(victim)
	}
}

func get[T any](c *Cache, key cacheKey) (T, bool) {
	entry, ok := c.entries.GetIfPresent(key)
	if !ok {
		var none T
		return none, false
	}
	return entry.value.(T), true
}

// grantKey is the key under which it is kept what a viewer was answered.
func grantKey(who Who, entityTypeID int, class class) cacheKey {
	return cacheKey{portal: who.Portal, version: who.Version, class: class, user: who.User, lang: who.Lang, entityTypeID: entityTypeID}
}

// contentKey is the key of a content, whoever of the portal was answered it.
func contentKey(who Who, entityTypeID int, class class, content fingerprint) cacheKey {
	return cacheKey{portal: who.Portal, version: who.Version.installation(), class: class, entityTypeID: entityTypeID, content: content}
}

// granted finds what a viewer was answered.
func granted[T any](c *Cache, who Who, entityTypeID int, class class) *T {
	if who.User == 0 {
		return nil
	}
	content, ok := get[fingerprint](c, grantKey(who, entityTypeID, class))
	if !ok {
		return nil
	}
	value, _ := get[*T](c, contentKey(who, entityTypeID, class, content))
	return value
}

// parsedFactor is about how much larger an answer is once it is read, with what is worked out of it.
const parsedFactor = 6

// keep reads an answer, or finds the same answer read already, and keeps that this viewer was given it.
func keep[T any](c *Cache, who Who, entityTypeID int, class class, raw json.RawMessage, read func(json.RawMessage) (*T, error)) (*T, error) {
	content := fingerprintOf(raw)
	key := contentKey(who, entityTypeID, class, content)
	value, ok := get[*T](c, key)
	if !ok {
		var err error
		if value, err = read(raw); err != nil {
			return nil, err
		}
	}
	size := parsedFactor * len(raw)
	if fields, ok := any(value).(*Fields); ok {
		size = fields.bytes()
	}
	c.put(key, value, size) // an entry that is there begins its life anew
	if who.User != 0 {
		c.put(grantKey(who, entityTypeID, class), content, len(content))
	}
	return value, nil
}

// typeOf is what a viewer was answered of a type.
func (c *Cache) typeOf(who Who, entityTypeID int) *Type {
	return &Type{
		Fields:     granted[Fields](c, who, entityTypeID, fieldsClass),
		Pipelines:  granted[Pipelines](c, who, entityTypeID, pipelinesClass),
		Statuses:   granted[Statuses](c, who, 0, statusesClass),
		Types:      granted[Types](c, who, 0, typesClass),
		Currencies: granted[Currencies](c, who, 0, currenciesClass),
	}
}

// arrangement reads an arrangement, or finds the same one read already. It is not kept for a viewer: each page asks anew.
func (s *Source) arrangement(who Who, raw json.RawMessage) *Arrangement {
	if raw == nil {
		return nil
	}
	key := contentKey(who, 0, arrangementClass, fingerprintOf(raw))
	if found, ok := get[*Arrangement](s.Cache, key); ok {
		return found
	}
	found := ParseArrangement(raw)
	s.Cache.put(key, found, found.bytes())
	return found
}

func nameKey(who Who, ref Ref) cacheKey {
	return cacheKey{portal: who.Portal, version: who.Version.installation(), class: nameClass, user: who.User, entityTypeID: ref.EntityTypeID, id: ref.ID}
}

// name is what a viewer was told that a person (type 0) or an item is called.
func (c *Cache) name(who Who, ref Ref) (Person, bool) {
	if who.User == 0 {
		return Person{}, false
	}
	return get[Person](c, nameKey(who, ref))
}

func (c *Cache) keepName(who Who, ref Ref, p Person) {
	if who.User != 0 {
		c.put(nameKey(who, ref), p, len(p.Name)+len(p.Photo))
	}
}

// scopeOf names a type of a portal in one language, whoever reads it.
func scopeOf(who Who, entityTypeID int) cacheKey {
	return cacheKey{portal: who.Portal, version: who.Version, class: scopeClass, lang: who.Lang, entityTypeID: entityTypeID}
}

// met reports whether anybody read a type lately.
func (c *Cache) met(scope cacheKey) bool {
	_, ok := get[[]string](c, scope)
	return ok
}

// meet remembers that a type was read, and the numbers of its pipelines: the next page asks for their arrangements at
// once. Which of them a user may see the portal decides each time; nobody is shown these numbers.
func (c *Cache) meet(scope cacheKey, known *Type) {
	var ids []string
	if known.Pipelines != nil {
		ids = known.Pipelines.IDs
	}
	if before, ok := get[[]string](c, scope); ok {
		merged := slices.Clone(before)
		for _, id := range ids {
			if !slices.Contains(merged, id) && len(merged) <= maxAskedPipelines {
				merged = append(merged, id)
			}
		}
		if len(merged) == len(before) {
			return
		}
		ids = merged
	}
	c.put(scope, ids, 16*len(ids))
}

// pipelinesOf are the numbers of pipelines that are known of a type; every portal has the default one of deals.
func (c *Cache) pipelinesOf(scope cacheKey) (ids []string, met bool) {
	ids, met = get[[]string](c, scope)
	if len(ids) == 0 && scope.entityTypeID == bitrix24.Deal {
		return []string{"0"}, met
	}
	return ids, met
}

// ledger counts what each portal has in the cache.
type ledger struct {
	share   int64
	mu      sync.Mutex
	serial  uint64
	portals map[portal.MemberID]*portalLedger
}

type portalLedger struct {
	bytes   int64
	entries map[cacheKey]ledgerEntry
}

type ledgerEntry struct {
	weight int64
	serial uint64
}

// add counts an entry and returns those that have to go so that the portal keeps within its share.
func (l *ledger) add(key cacheKey, weight int64) (serial uint64, victims []cacheKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.portals[key.portal]
	if p == nil {
		p = &portalLedger{entries: map[cacheKey]ledgerEntry{}}
		l.portals[key.portal] = p
	}
	l.serial++
	p.bytes += weight - p.entries[key].weight
	p.entries[key] = ledgerEntry{weight, l.serial}
	for other, entry := range p.entries {
		if p.bytes <= l.share {
			break
		}
		if other == key {
			continue
		}
		p.bytes -= entry.weight
		delete(p.entries, other)
		victims = append(victims, other)
	}
	return l.serial, victims
}

// remove forgets an entry that left the cache, unless its key holds a newer one: an entry whose life was over leaves when
// the next one is put in its place.
func (l *ledger) remove(key cacheKey, serial uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.portals[key.portal]
	if p == nil || p.entries[key].serial != serial {
		return
	}
	p.bytes -= p.entries[key].weight
	delete(p.entries, key)
	if len(p.entries) == 0 {
		delete(l.portals, key.portal)
	}
}

func (l *ledger) keys(id portal.MemberID) []cacheKey {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.portals[id]
	if p == nil {
		return nil
	}
	keys := make([]cacheKey, 0, len(p.entries))
	for key := range p.entries {
		keys = append(keys, key)
	}
	return keys
}

// flights let one page at a time ask for what is kept of a type: when a portal's people come in the morning, dozens of
// cards open at once, and none of it is known yet.
type flights struct {
	mu      sync.Mutex
	running map[cacheKey]chan struct{} // closed when the page that asks is done
}

// flightWait bounds how long a page waits for another one to ask for the same; then it asks itself.
const flightWait = 5 * time.Second

// begin makes the caller the one that asks, or waits for the one that does. Whoever asks calls done when it has.
func (f *flights) begin(ctx context.Context, key cacheKey) (done func()) {
	f.mu.Lock()
	other, busy := f.running[key]
	if !busy {
		mine := make(chan struct{})
		f.running[key] = mine
		f.mu.Unlock()
		return func() {
			f.mu.Lock()
			delete(f.running, key)
			f.mu.Unlock()
			close(mine)
		}
	}
	f.mu.Unlock()
	timer := time.NewTimer(flightWait)
	defer timer.Stop()
	select {
	case <-other:
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() {}
}
