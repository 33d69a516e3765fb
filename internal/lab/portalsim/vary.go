package portalsim

import (
	"encoding/json"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// chances are the seeded choices of Vary.
type chances struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (c *chances) init(seed int64) { c.rng = rand.New(rand.NewPCG(uint64(seed), 0x0b17)) }

// chance is true once in n times; never where nothing is to vary.
func (s *Sim) chance(n int) bool {
	if !s.options.Vary {
		return false
	}
	s.chances.mu.Lock()
	defer s.chances.mu.Unlock()
	return s.chances.rng.IntN(n) == 0
}

// newID makes a member_id; with a seed always the same ones, so that a run can be repeated.
func (s *Sim) newID() string {
	if s.options.Seed == 0 {
		return randomHex(16)
	}
	s.chances.mu.Lock()
	defer s.chances.mu.Unlock()
	const digits = "0123456789abcdef"
	id := make([]byte, 32)
	for i := range id {
		id[i] = digits[s.chances.rng.IntN(16)]
	}
	return string(id)
}

// serverEndpoint is the REST address of the OAuth server as a portal names it: regions have other names for it.
func (s *Sim) serverEndpoint() string {
	if s.chance(2) {
		return s.region.url() + "/rest/"
	}
	return s.server.url() + "/rest/"
}

// numericIDs are the members that hold one id, which one method writes as a number and another as text.
var numericIDs = []string{
	"id", "ID", "user_id", "userId", "entityTypeId", "createdBy", "updatedBy", "assignedById", "movedBy", "lastActivityBy", "companyId",
	"contactId", "VERSION", "version", "expires_in",
}

// vary changes what an answer leaves open: ids as numbers or text, empty lists for empty objects, sums with more digits.
// The choice is made once for an answer, because one method writes its ids one way.
func (s *Sim) vary(answer *object) *object {
	if !s.options.Vary {
		return answer
	}
	plain, err := json.Marshal(answer)
	if err != nil {
		return answer
	}
	tree, err := decodeJSON(plain)
	if err != nil {
		return answer
	}
	top := tree.(*object)
	v := variation{idsAsText: s.chance(2), idsAsNumbers: s.chance(2), sumsAsText: s.chance(3), braces: s.chance(2)}
	v.walk(top, "")
	return top
}

type variation struct {
	idsAsText, idsAsNumbers, sumsAsText, braces bool
}

func (v variation) walk(o *object, parent string) {
	for _, key := range o.keys {
		switch value := o.values[key].(type) {
		case *object:
			if len(value.keys) == 0 && v.braces && slices.Contains([]string{"result_error", "result_total", "result_next", "langAll"}, key) {
				o.values[key] = json.RawMessage("{}")
				continue
			}
			v.walk(value, key)
		case json.Number:
			switch {
			case slices.Contains(numericIDs, key) && v.idsAsText && parent != "time":
				o.values[key] = value.String()
			case key == "opportunity" && v.sumsAsText:
				if sum, err := value.Float64(); err == nil {
					o.values[key] = strconv.FormatFloat(sum, 'f', 2, 64)
				}
			}
		case string:
			if slices.Contains(numericIDs, key) && v.idsAsNumbers {
				if _, err := strconv.Atoi(value); err == nil {
					o.values[key] = json.Number(value)
				}
			}
		}
	}
}

// varyError changes the case of an error's code, and its status where sources differ: the documentation and the official
// SDKs do not agree on some.
func (s *Sim) varyError(e *apiError) *apiError {
	if !s.options.Vary {
		return e
	}
	changed := *e
	switch {
	case e.code == "expired_token": // never seen otherwise, and clients compare with it
	case s.chance(3):
		changed.code = strings.ToUpper(e.code)
	case s.chance(3):
		changed.code = strings.ToLower(e.code)
	}
	other := map[string]int{"NOT_FOUND": 404, "PORTAL_DELETED": 410, "INVALID_CREDENTIALS": 403}
	if status, ok := other[strings.ToUpper(e.code)]; ok && s.chance(2) {
		changed.status = status
	}
	return &changed
}

// varyOpening leaves out what older portals leave out, and writes the item's id as a number now and then.
func (s *Sim) varyOpening(form url.Values) {
	for _, name := range []string{"SERVER_ENDPOINT", "APPLICATION_TOKEN", "APPLICATION_SCOPE", "AUTH_EXPIRES", "status"} {
		if s.chance(4) {
			form.Del(name)
		}
	}
	if options := form.Get("PLACEMENT_OPTIONS"); options != "" && s.chance(2) {
		if parsed, err := decodeJSON([]byte(options)); err == nil {
			o, ok := parsed.(*object)
			if id, err := strconv.Atoi(o.text("ID")); ok && err == nil {
				text, _ := o.set("ID", id).MarshalJSON()
				form.Set("PLACEMENT_OPTIONS", string(text))
			}
		}
	}
}

// varyEvent changes what events leave open.
func (s *Sim) varyEvent(form url.Values) {
	for _, name := range []string{"event_handler_id", "auth[user_id]", "auth[status]", "auth[server_endpoint]"} {
		if s.chance(4) {
			form.Del(name)
		}
	}
	if strings.Contains(form.Get("auth[scope]"), ",") && s.chance(2) {
		form.Set("auth[scope]", "crm")
	}
	if s.chance(3) {
		form.Set("event", strings.ToUpper(form.Get("event")[:2])+strings.ToLower(form.Get("event")[2:]))
	}
}
