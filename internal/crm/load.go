// Package crm reads items and shows them: crm.item.get and what it takes to make a card of its answer (field schemas,
// dictionaries, the portal's arrangement of the card, names), the card as a view model, the formatting of each field
// type, and the handlers of the pages and of what they ask for.
package crm

import (
	"context"
	"encoding/json"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// Ref names an item.
type Ref struct {
	EntityTypeID int
	ID           int64
}

// Cards makes cards.
type Cards struct {
	Cache *Cache
}

// Reader is who reads: the platform's code of the language, which answers of the portal come in, and its printer.
type Reader struct {
	Lang string
	L    *i18n.Printer
}

// Load reads an item as the user who looks and makes its card with one request to the portal. Names that are not known
// yet stay as ids with their keys; Names finds them. Errors are problems for people.
func (c *Cards) Load(ctx context.Context, visit *gate.Visit, ref Ref, r Reader) (*Card, error) {
	return c.LoadAs(ctx, visit, ref, r, visit.Portal.Settings)
}

// LoadAs is Load with other settings than the portal's.
func (c *Cards) LoadAs(ctx context.Context, visit *gate.Visit, ref Ref, r Reader, chosen portal.Settings) (*Card, error) {
	if chosen.CodesFor == portal.Administrators {
		visit.AskWho()
	}
	known := c.known(visit, ref, r)
	if known.schema == nil || known.dictionaries == nil {
		done, asks := c.Cache.filling.begin(ctx, known.key)
		defer done()
		if !asks {
			known = c.known(visit, ref, r)
		}
	}
	result, err := visit.Batch(ctx, append(itemCommands(ref), known.commands(ref)...))
	if err != nil {
		return nil, err
	}
	it, err := itemOf(result)
	if err != nil {
		return nil, err
	}
	if err := c.complete(known, result); err != nil {
		return nil, gate.Problem(err)
	}
	f := c.formatter(known, visit, r)
	f.item = it
	rows, total := readProducts(result)
	card := newCard(ref, f, chosen.Card(ref.EntityTypeID, it.text("categoryId")), readLayout(result, it), f.products(rows, total))
	card.ShowAll = chosen.ShowEmpty
	if chosen.CodesFor == portal.Administrators && !visit.User.Admin {
		card.withoutCodes()
	}
	return card, nil
}

// itemOf reads the item of an answer. Errors are problems for people.
func itemOf(result *bitrix24.BatchResult) (*item, error) {
	var answer struct {
		Item json.RawMessage `json:"item"`
	}
	if err := result.Decode("item", &answer); err != nil {
		return nil, gate.Problem(err)
	}
	it, err := readItem(answer.Item)
	if err != nil {
		return nil, portal.Problemf(portal.Unreachable, "read item: %w", err)
	}
	return it, nil
}

// itemCommands ask for the item and for what differs from item to item.
func itemCommands(ref Ref) []bitrix24.Command {
	commands := []bitrix24.Command{{
		Key: "item", Method: "crm.item.get", Params: bitrix24.Params{"entityTypeId": ref.EntityTypeID, "id": ref.ID},
	}}
	commands = append(commands, layoutCommands(ref.EntityTypeID)...)
	if hasProducts(ref.EntityTypeID) {
		commands = append(commands, productCommand(ref, 0))
	}
	return commands
}

// known is what is kept of a portal, and what of it has to be asked for.
type known struct {
	key          schemaKey
	schema       *Schema
	dictionaries *Dictionaries
	currencies   map[string]Currency
}

func (c *Cards) known(visit *gate.Visit, ref Ref, r Reader) *known {
	p := portalKey{visit.Portal.MemberID, visit.Portal.SchemaVersion, r.Lang}
	k := &known{key: schemaKey{p, ref.EntityTypeID}}
	k.schema, _ = c.Cache.schemas.get(k.key)
	k.dictionaries, _ = c.Cache.dictionaries.get(p)
	k.currencies, _ = c.Cache.currencies.get(p)
	return k
}

func (k *known) commands(ref Ref) []bitrix24.Command {
	var commands []bitrix24.Command
	if k.schema == nil {
		commands = append(commands, schemaCommands(ref.EntityTypeID)...)
	}
	if k.dictionaries == nil {
		commands = append(commands, dictionaryCommands()...)
	}
	if k.currencies == nil {
		commands = append(commands, bitrix24.Command{Key: "currencies", Method: "crm.currency.list"})
	}
	return commands
}

// complete takes from an answer what was asked for, and keeps it. What could not be read is not kept: the card shows
// codes in its place, and the next one asks again.
func (c *Cards) complete(k *known, result *bitrix24.BatchResult) error {
	if k.schema == nil {
		schema, err := readSchema(result)
		if err != nil {
			return err
		}
		k.schema = schema
		c.Cache.schemas.add(k.key, schema)
	}
	if k.dictionaries == nil {
		dictionaries, err := readDictionaries(result)
		if k.dictionaries = dictionaries; err == nil {
			c.Cache.dictionaries.add(k.key.portalKey, dictionaries)
		}
	}
	if k.currencies == nil { // a user may be refused them: another one brings them for all
		if currencies, err := readCurrencies(result); err == nil {
			k.currencies = currencies
			c.Cache.currencies.add(k.key.portalKey, currencies)
		}
	}
	return nil
}

// formatter makes the formatter of a reader.
func (c *Cards) formatter(k *known, visit *gate.Visit, r Reader) *formatter {
	origins := strings.Fields(bitrix24.PageOrigins(visit.Portal.ClientEndpoint, visit.Portal.Domain))
	return &formatter{
		l: r.L, schema: k.schema, dictionary: k.dictionaries, currencies: k.currencies, names: c.names(visit),
		zone: visit.User.Location(), origin: origins[len(origins)-1],
	}
}
