package crm

import (
	"cmp"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// statusPages is how many pages of crm.status.list are asked for at once, 50 entries each. A page past the end is empty.
const statusPages = 6

// Status is an entry of a dictionary: a stage, a source, a salutation (api-reference/crm/status/crm-status-list.md).
type Status struct {
	EntityID  string      `json:"ENTITY_ID"`
	ID        string      `json:"STATUS_ID"`
	Name      string      `json:"NAME"`
	Sort      bitrix24.ID `json:"SORT"`
	Color     string      `json:"COLOR"`
	Semantics string      `json:"SEMANTICS"` // S won, F lost, empty while in work
}

// Currency is how a portal writes sums in a currency (api-reference/crm/data-types.md, crm_currency).
type Currency struct {
	Code         string      `json:"CURRENCY"`
	Name         string      `json:"FULL_NAME"`
	Format       string      `json:"FORMAT_STRING"` // with # for the number; entities of HTML inside
	DecPoint     string      `json:"DEC_POINT"`
	ThousandsSep string      `json:"THOUSANDS_SEP"`
	Decimals     bitrix24.ID `json:"DECIMALS"`
}

// Dictionaries are what a portal has for all types in one language.
type Dictionaries struct {
	statuses map[string][]Status // by entity, in the portal's order
	types    map[int]string
	dynamic  []int // the smart processes among the types, in the portal's order
}

// dictionaryCommands ask for the dictionaries.
func dictionaryCommands() []bitrix24.Command {
	commands := []bitrix24.Command{{Key: "types", Method: "crm.enum.ownertype"}}
	for page := range statusPages {
		commands = append(commands, bitrix24.Command{Key: "statuses" + strconv.Itoa(page), Method: "crm.status.list", Params: bitrix24.Params{
			"order": bitrix24.Params{"SORT": "ASC"}, "start": page * 50,
		}})
	}
	return commands
}

// readDictionaries reads the answers to dictionaryCommands. An error says that stages would be missing.
func readDictionaries(result *bitrix24.BatchResult) (*Dictionaries, error) {
	d := &Dictionaries{statuses: map[string][]Status{}, types: map[int]string{}}
	for page := range statusPages {
		var statuses []Status
		if err := result.Decode("statuses"+strconv.Itoa(page), &statuses); err != nil {
			return d, err
		}
		for _, s := range statuses {
			// A portal that does not page answers the same each time.
			if !slices.ContainsFunc(d.statuses[s.EntityID], func(known Status) bool { return known.ID == s.ID }) {
				d.statuses[s.EntityID] = append(d.statuses[s.EntityID], s)
			}
		}
	}
	for _, list := range d.statuses {
		slices.SortStableFunc(list, func(a, b Status) int { return cmp.Compare(a.Sort, b.Sort) })
	}
	var types []struct {
		ID     bitrix24.ID `json:"ID"`
		Name   string      `json:"NAME"`
		Symbol string      `json:"SYMBOL_CODE"`
	}
	if result.Decode("types", &types) == nil {
		for _, t := range types {
			d.types[int(t.ID)] = t.Name
			if strings.HasPrefix(t.Symbol, "DYNAMIC_") {
				d.dynamic = append(d.dynamic, int(t.ID))
			}
		}
	}
	return d, nil
}

// Status finds an entry of a dictionary.
func (d *Dictionaries) Status(entityID, id string) (Status, bool) {
	list := d.statuses[entityID]
	at := slices.IndexFunc(list, func(s Status) bool { return s.ID == id })
	if at < 0 {
		return Status{}, false
	}
	return list[at], true
}

// Pipeline finds the stages among which a stage stands. The field names the dictionary of its type, or that of the
// default pipeline alone; those of other pipelines end in the pipeline's id.
func (d *Dictionaries) Pipeline(statusType, category, stage string) []Status {
	for _, entityID := range []string{statusType + "_" + category, statusType} {
		if _, ok := d.Status(entityID, stage); ok {
			return d.statuses[entityID]
		}
	}
	base := strings.TrimRight(statusType, "0123456789")
	for entityID, list := range d.statuses {
		if _, ok := d.Status(entityID, stage); ok && base != "" && strings.HasPrefix(entityID, strings.TrimSuffix(base, "_")) {
			return list
		}
	}
	return nil
}

// readCurrencies reads the answer of crm.currency.list.
func readCurrencies(result *bitrix24.BatchResult) (map[string]Currency, error) {
	var list []Currency
	if err := result.Decode("currencies", &list); err != nil {
		return nil, err
	}
	currencies := map[string]Currency{}
	for _, c := range list {
		currencies[c.Code] = c
	}
	return currencies, nil
}

// Write writes a sum as the portal does.
func (c Currency) Write(sum float64) string {
	digits := strconv.FormatFloat(math.Abs(sum), 'f', min(max(int(c.Decimals), 0), 8), 64)
	whole, fraction, _ := strings.Cut(digits, ".")
	var out strings.Builder
	if sum < 0 && strings.Trim(digits, "0.") != "" {
		out.WriteByte('-')
	}
	separator := html.UnescapeString(c.ThousandsSep)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteString(separator)
		}
		out.WriteRune(digit)
	}
	if fraction != "" {
		out.WriteString(cmp.Or(html.UnescapeString(c.DecPoint), ".") + fraction)
	}
	// Entities first: some of them hold a #.
	format := strings.ReplaceAll(html.UnescapeString(c.Format), " ", "\u00a0")
	if !strings.Contains(format, "#") {
		return out.String() + "\u00a0" + c.Code
	}
	return strings.TrimSpace(strings.ReplaceAll(strings.Replace(format, "#", out.String(), 1), " ", "\u00a0"))
}
