package crm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// maxStatuses is how many entries of dictionaries are read, and maxTypes how many types: far more than any portal has.
const (
	maxStatuses = 10_000
	maxTypes    = 5_000
)

// Status is an entry of a dictionary: a stage, a source, a salutation (api-reference/crm/status/crm-status-list.md).
type Status struct {
	EntityID  string      `json:"ENTITY_ID"`
	ID        string      `json:"STATUS_ID"`
	Name      string      `json:"NAME"`
	Sort      bitrix24.ID `json:"SORT"`
	Color     string      `json:"COLOR"`
	Semantics string      `json:"SEMANTICS"` // S won, F lost, empty while in work
}

// InWork is how an item's stageSemanticId says that its way has not ended.
const InWork = "P"

// Ended reports whether an item that reached this stage is at the end of its way, well or badly.
func (s Status) Ended() bool { return s.Semantics == "S" || s.Semantics == "F" }

// Statuses are the dictionaries of a portal in one language.
type Statuses struct {
	byEntity map[string][]Status // in the portal's order
	entities []string            // names of the dictionaries, sorted
	byID     map[statusKey]Status
	Beyond   int // how many entries were left out
}

type statusKey struct{ entityID, id string }

// NewStatuses makes Statuses of a list. Of entries that come twice the first one counts.
func NewStatuses(all []Status) *Statuses {
	s := &Statuses{byEntity: map[string][]Status{}, byID: make(map[statusKey]Status, len(all))}
	if len(all) > maxStatuses {
		s.Beyond = len(all) - maxStatuses
		all = all[:maxStatuses]
	}
	for _, status := range all {
		key := statusKey{status.EntityID, status.ID}
		if _, twice := s.byID[key]; twice {
			continue
		}
		s.byID[key] = status
		s.byEntity[status.EntityID] = append(s.byEntity[status.EntityID], status)
	}
	for entityID, list := range s.byEntity {
		slices.SortStableFunc(list, func(a, b Status) int { return cmp.Compare(a.Sort, b.Sort) })
		s.entities = append(s.entities, entityID)
	}
	slices.Sort(s.entities)
	return s
}

// Status finds an entry of a dictionary.
func (s *Statuses) Status(entityID, id string) (Status, bool) {
	status, ok := s.byID[statusKey{entityID, id}]
	return status, ok
}

// Pipeline finds the dictionary in which a value of a field stands: the stages among which a stage stands, in the portal's
// order. The field names the dictionary of its type, or that of the default pipeline alone; those of other pipelines end
// in the pipeline's id.
func (s *Statuses) Pipeline(statusType, category, id string) []Status {
	for _, entityID := range []string{statusType + "_" + category, statusType} {
		if _, ok := s.Status(entityID, id); ok {
			return s.byEntity[entityID]
		}
	}
	base := strings.TrimSuffix(strings.TrimRight(statusType, "0123456789"), "_")
	if base == "" {
		return nil
	}
	at, _ := slices.BinarySearch(s.entities, base)
	for ; at < len(s.entities) && strings.HasPrefix(s.entities[at], base); at++ {
		if _, ok := s.Status(s.entities[at], id); ok {
			return s.byEntity[s.entities[at]]
		}
	}
	return nil
}

// statusesPage is how many entries a page of crm.status.list holds in portals that page it. The platform answers all of
// them at once.
const statusesPage = 50

// maxStatusPages bounds how many pages are asked for after the first one.
const maxStatusPages = 20

func statusesCommand(page int) bitrix24.Command {
	command := bitrix24.Command{Key: "statuses", Method: "crm.status.list", Params: bitrix24.Params{"order": bitrix24.Params{"SORT": "ASC"}}}
	if page > 0 {
		command.Key += strconv.Itoa(page)
		command.Params["start"] = page * statusesPage
	}
	return command
}

// joinedStatuses are the pages of dictionaries that a result holds, as one list, and how many entries the portal has.
func joinedStatuses(result *bitrix24.BatchResult, first json.RawMessage) (raw json.RawMessage, entries, total int) {
	out := append([]byte(nil), '[')
	add := func(page json.RawMessage) {
		bitrix24.EachElement(page, func(value []byte) bool {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, value...)
			entries++
			return true
		})
	}
	if first != nil {
		add(first)
	} else if page, err := result.Raw("statuses"); err == nil {
		add(page)
		total = result.Totals["statuses"]
	}
	for page := 1; page <= maxStatusPages; page++ {
		raw, err := result.Raw("statuses" + strconv.Itoa(page))
		if err != nil {
			break
		}
		add(raw)
	}
	return append(out, ']'), entries, total
}

// readStatuses reads entries of dictionaries.
func readStatuses(raw json.RawMessage) (*Statuses, error) {
	var all []Status
	bitrix24.EachElement(raw, func(value []byte) bool {
		var status Status
		if json.Unmarshal(value, &status) == nil && status.ID != "" {
			all = append(all, status)
		}
		return len(all) <= maxStatuses
	})
	return NewStatuses(all), nil
}

// Types are the types of items that a user may see, in one language.
type Types struct {
	names   map[int]string
	Dynamic []int // the smart processes among them, in the portal's order
}

// NewTypes makes Types of names by entityTypeId; dynamic are the smart processes among them.
func NewTypes(names map[int]string, dynamic []int) *Types { return &Types{names, dynamic} }

// Name is what the portal calls a type; empty where it does not tell.
func (t *Types) Name(entityTypeID int) string {
	if t == nil {
		return ""
	}
	return t.names[entityTypeID]
}

func typesCommand() bitrix24.Command {
	return bitrix24.Command{Key: "types", Method: "crm.enum.ownertype"}
}

// readTypes reads the answer of crm.enum.ownertype (api-reference/crm/auxiliary/enum/crm-enum-owner-type.md).
func readTypes(raw json.RawMessage) (*Types, error) {
	types := &Types{names: map[int]string{}}
	bitrix24.EachElement(raw, func(value []byte) bool {
		var t struct {
			ID     bitrix24.ID `json:"ID"`
			Name   string      `json:"NAME"`
			Symbol string      `json:"SYMBOL_CODE"`
		}
		if json.Unmarshal(value, &t) == nil && t.ID > 0 {
			if _, twice := types.names[int(t.ID)]; !twice && strings.HasPrefix(t.Symbol, "DYNAMIC_") {
				types.Dynamic = append(types.Dynamic, int(t.ID))
			}
			types.names[int(t.ID)] = t.Name
		}
		return len(types.names) < maxTypes
	})
	return types, nil
}

// isNothing reports whether an answer is null, an empty list or an empty object.
func isNothing(raw []byte) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", "[]", "{}", `""`, "false":
		return true
	}
	return false
}
