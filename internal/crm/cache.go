package crm

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"itemlens/internal/portal"
)

// portalKey names what a portal has in one language, as of the last change that it told by an event. Titles come in the
// language of the user who asks.
type portalKey struct {
	portal  portal.MemberID
	version int64
	lang    string
}

type schemaKey struct {
	portalKey
	entityTypeID int
}

type personKey struct {
	portal portal.MemberID
	user   portal.UserID
}

// titleKey names what a user may read an item's title as; rights differ, so titles are never shared between users.
type titleKey struct {
	viewer personKey
	item   Ref
}

// Person is somebody in a portal.
type Person struct {
	Name  string
	Photo string // address of a picture; empty where there is none
}

// Cache keeps schemas, dictionaries and names; data of items is never kept. Bounded in number and in age.
type Cache struct {
	schemas      *aging[schemaKey, *Schema]
	dictionaries *aging[portalKey, *Dictionaries]
	currencies   *aging[portalKey, map[string]Currency]
	people       *aging[personKey, Person]
	titles       *aging[titleKey, string]
	filling      filling
}

// NewCache makes a cache whose entries live so long.
func NewCache(life time.Duration, now func() time.Time) *Cache {
	return &Cache{
		schemas:      newAging[schemaKey, *Schema](2000, life, now),
		dictionaries: newAging[portalKey, *Dictionaries](2000, life, now),
		currencies:   newAging[portalKey, map[string]Currency](2000, life, now),
		people:       newAging[personKey, Person](50_000, life, now),
		titles:       newAging[titleKey, string](100_000, life, now),
		filling:      filling{keys: map[schemaKey]chan struct{}{}},
	}
}

// aging is an LRU whose entries end by age too. The library's own expiring one runs a goroutine that cannot be stopped.
type aging[K comparable, V any] struct {
	entries *lru.Cache[K, aged[V]]
	life    time.Duration
	now     func() time.Time
}

type aged[V any] struct {
	value V
	until time.Time
}

func newAging[K comparable, V any](size int, life time.Duration, now func() time.Time) *aging[K, V] {
	entries, err := lru.New[K, aged[V]](size)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &aging[K, V]{entries, life, now}
}

func (a *aging[K, V]) get(key K) (V, bool) {
	entry, ok := a.entries.Get(key)
	if !ok || !a.now().Before(entry.until) {
		var none V
		return none, false
	}
	return entry.value, true
}

func (a *aging[K, V]) add(key K, value V) { a.entries.Add(key, aged[V]{value, a.now().Add(a.life)}) }

// filling lets one page at a time ask for what is kept of a type: when a portal's people come in the morning, dozens of
// cards open at once, and none of it is known yet.
type filling struct {
	mu   sync.Mutex
	keys map[schemaKey]chan struct{} // closed when the page that asks is done
}

// fillWait bounds how long a page waits for another one to ask for the same; then it asks itself.
const fillWait = 5 * time.Second

// begin makes the caller the one that asks, or waits for the one that does. Whoever asks calls done when it has.
func (f *filling) begin(ctx context.Context, key schemaKey) (done func(), asks bool) {
	f.mu.Lock()
	other, busy := f.keys[key]
	if !busy {
		mine := make(chan struct{})
		f.keys[key] = mine
		f.mu.Unlock()
		return func() {
			f.mu.Lock()
			delete(f.keys, key)
			f.mu.Unlock()
			close(mine)
		}, true
	}
	f.mu.Unlock()
	timer := time.NewTimer(fillWait)
	defer timer.Stop()
	select {
	case <-other:
	case <-timer.C:
	case <-ctx.Done():
	}
	return func() {}, false
}
