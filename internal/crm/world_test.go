package crm

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a portal that answers from memory, and a source that reads it.
type world struct {
	*Source
	t testing.TB

	mu       sync.Mutex
	said     map[string]reply                   // by method
	rights   map[portal.UserID]map[string]reply // what single users are answered in place of that
	reply    func(user portal.UserID, c bitrix24.Command) (reply, bool)
	before   func(ctx context.Context)
	requests [][]bitrix24.Command
}

// reply is what a command is answered: a result, or an error's code; nothing at all where both are empty.
type reply struct {
	result string
	code   string
	total  int
}

func newWorld(t testing.TB) *world {
	t.Helper()
	cache := NewCache(64<<20, time.Minute)
	t.Cleanup(cache.Close)
	return &world{Source: &Source{Cache: cache}, t: t, rights: map[portal.UserID]map[string]reply{}, said: map[string]reply{
		"crm.item.get":                       {result: `{"item":{"id":5,"title":"Scales","categoryId":0,"stageId":"NEW"}}`},
		"crm.item.fields":                    {result: `{"fields":{"id":{"type":"integer","title":"ID"},"title":{"type":"string","title":"Name"}}}`},
		"crm.category.list":                  {result: `{"categories":[{"id":0,"name":"General"}]}`},
		"crm.status.list":                    {result: `[{"ENTITY_ID":"SOURCE","STATUS_ID":"CALL","NAME":"Call"}]`},
		"crm.enum.ownertype":                 {result: `[{"ID":2,"NAME":"Deal","SYMBOL_CODE":"DEAL"}]`},
		"crm.currency.list":                  {result: `[{"CURRENCY":"EUR","FULL_NAME":"Euro"}]`},
		"crm.item.productrow.list":           {result: `{"productRows":[]}`},
		"crm.item.details.configuration.get": {result: `null`},
		"crm.item.list":                      {result: `{"items":[]}`},
		"user.get":                           {result: `[]`},
	}}
}

// limit answers a user otherwise than everybody else.
func (w *world) limit(user portal.UserID, method string, r reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rights[user] == nil {
		w.rights[user] = map[string]reply{}
	}
	w.rights[user][method] = r
}

// say changes what everybody is answered.
func (w *world) say(method string, r reply) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said[method] = r
}

// asked forgets the requests so far and returns them.
func (w *world) asked() [][]bitrix24.Command {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests := w.requests
	w.requests = nil
	return requests
}

// times counts the commands of a method among requests.
func times(requests [][]bitrix24.Command, method string) (n int) {
	for _, commands := range requests {
		for _, c := range commands {
			if c.Method == method {
				n++
			}
		}
	}
	return n
}

// keysOf are the keys of a request's commands.
func keysOf(commands []bitrix24.Command) (keys []string) {
	for _, c := range commands {
		keys = append(keys, c.Key)
	}
	return keys
}

// visitor is a user of the world's portal. Until the first answer nobody knows who it is, where unknown says so.
type visitor struct {
	w       *world
	who     Who
	unknown bool
}

func (w *world) visitor(user portal.UserID) *visitor {
	return &visitor{w: w, who: Who{Portal: "acme", Version: Version{1, 1}, User: user, Lang: "en"}}
}

func (v *visitor) Who() Who {
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	who := v.who
	if v.unknown {
		who.User = 0
	}
	return who
}

func (v *visitor) Batch(ctx context.Context, commands []bitrix24.Command) (*bitrix24.BatchResult, error) {
	w := v.w
	if w.before != nil {
		w.before(ctx)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(commands) == 0 || len(commands) >= bitrix24.MaxBatch {
		w.t.Errorf("a batch of %d commands", len(commands))
	}
	w.requests = append(w.requests, commands)
	result := &bitrix24.BatchResult{Result: bitrix24.Object{}, Errors: map[string]*bitrix24.Error{}, Totals: map[string]int{}}
	seen := map[string]bool{}
	for _, c := range commands {
		if seen[c.Key] {
			w.t.Errorf("two commands %q in one batch", c.Key)
		}
		seen[c.Key] = true
		// A reference by itself becomes a list where it leads nowhere, which ends some commands and the batch with them.
		if query, _ := url.QueryUnescape(bitrix24.EncodeParams(c.Params)); strings.Contains(strings.ReplaceAll(query, "=0$result[", ""), "$result") {
			w.t.Errorf("%s refers to another command: %s", c.Key, query)
		}
		r, ok := w.rights[v.who.User][c.Method]
		if !ok {
			r = w.said[c.Method]
		}
		if w.reply != nil {
			if special, ok := w.reply(v.who.User, c); ok {
				r = special
			}
		}
		switch {
		case r.code != "":
			result.Errors[c.Key] = &bitrix24.Error{Method: c.Method, Status: 400, Code: r.code}
		case r.result != "":
			if !json.Valid([]byte(r.result)) {
				w.t.Fatalf("%s answers no JSON: %s", c.Method, r.result)
			}
			result.Result[c.Key] = json.RawMessage(r.result)
			if r.total > 0 {
				result.Totals[c.Key] = r.total
			}
		}
	}
	v.unknown = false
	return result, nil
}

// read reads an item, which has to work.
func (v *visitor) read(ref Ref) *Reading {
	v.w.t.Helper()
	r, err := v.w.Item(v.w.t.Context(), v, ref)
	if err != nil {
		v.w.t.Fatal(err)
	}
	return r
}

var (
	deal    = Ref{bitrix24.Deal, 5}
	project = Ref{1222, 5}
)
