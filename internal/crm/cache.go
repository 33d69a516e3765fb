package crm

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"itemlens/internal/portal"
)

// schemaKey names a schema: titles come in the language of the user who asks.
type schemaKey struct {
	portal       portal.MemberID
	lang         string
	entityTypeID int
}

type personKey struct {
	portal portal.MemberID
	user   int64
}

// Cache keeps schemas and names of people; data of items is never kept. Bounded in number and in age.
type Cache struct {
	schemas *aging[schemaKey, *Schema]
	people  *aging[personKey, string]
}

// NewCache makes a cache whose entries live so long.
func NewCache(life time.Duration, now func() time.Time) (*Cache, error) {
	schemas, err := newAging[schemaKey, *Schema](2000, life, now)
	if err != nil {
		return nil, err
	}
	people, err := newAging[personKey, string](50_000, life, now)
	return &Cache{schemas, people}, err
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

func newAging[K comparable, V any](size int, life time.Duration, now func() time.Time) (*aging[K, V], error) {
	entries, err := lru.New[K, aged[V]](size)
	return &aging[K, V]{entries, life, now}, err
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
