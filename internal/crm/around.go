package crm

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"itemlens/internal/bitrix24"
)

// Around is what hangs on an item, as far as the user who looks may read it.
type Around struct {
	Ref     Ref
	Item    *Item
	Type    *Type    // dictionaries, currencies and names of types; the fields are those of Ref's type
	Parents []*Kind  // what the item names: each Kind is one type, read whole
	Kinds   []*Kind  // what names the item, and other deals of its client
	Clients []Client // the item's company and contact, or the item itself
	Same    []Same   // who has the same phone number or e-mail address
	Beyond  int      // how many smart processes were not asked about because they are too many

	Incomplete bool // a part could not be read, for a reason that passes
}

// aroundRounds is how many requests a view may take: two as a rule, more for the first look at a portal of very many types.
const aroundRounds = 8

// around is a reading of Around under way.
type around struct {
	*Source
	rounds
	who    Who
	out    *Around
	known  *Type
	proven map[Ref]bool // contacts and companies that the portal has shown to this user in this visit
}

// Around reads what hangs on an item as the user who looks: one request where everything can be asked for by the item's own
// id, and a second one for what takes the item's values, for requisites, and for the older ones of long lists. The first
// look at a portal with smart processes takes one more for every 49 of them.
func (s *Source) Around(ctx context.Context, v Viewer, ref Ref) (*Around, error) {
	a := &around{Source: s, who: v.Who(), out: &Around{Ref: ref}, known: s.Cache.typeOf(v.Who(), ref.EntityTypeID), proven: map[Ref]bool{}}
	a.ask(itemCommand(ref), a.takeItem)
	if !isClient(ref.EntityTypeID) {
		// Of an item without a client the reference leads to no id, and the portal refuses it.
		a.ask(clientCommand("company", bitrix24.Company, "companyId"), a.takeClient(bitrix24.Company, "companyId"))
		a.ask(clientCommand("contact", bitrix24.Contact, "contactId"), a.takeClient(bitrix24.Contact, "contactId"))
	}
	for _, command := range a.known.missing(ref.EntityTypeID) {
		a.ask(command, nil)
	}
	relations := granted[Relations](s.Cache, a.who, relationsKey(ref.EntityTypeID), relationsClass)
	links := linksOf(ref.EntityTypeID, systemLinks)
	if relations != nil {
		links = append(links, linksOf(ref.EntityTypeID, relations.All)...)
		a.out.Beyond = relations.Beyond
	}
	for _, link := range links {
		a.askLink(link)
	}
	if relations == nil && (a.known.Types != nil || describesRelations(ref.EntityTypeID)) {
		a.discover()
	}
	undiscovered := relations == nil && a.known.Types == nil && !describesRelations(ref.EntityTypeID)
	err := a.run(ctx, v, aroundRounds, func(result *bitrix24.BatchResult) error {
		var err error
		if a.known, err = s.learnType(a.who, ref.EntityTypeID, a.known, result); err != nil {
			return err
		}
		if undiscovered && a.known.Types != nil {
			undiscovered = false
			a.discover()
		}
		if a.out.Item == nil {
			if a.out.Item, err = itemOf(result); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.out.Type, a.out.Incomplete = a.known.complete(), a.failed
	for _, kind := range slices.Concat(a.out.Parents, a.out.Kinds) {
		kind.finish(a.out.Type.Statuses)
	}
	isEmpty := func(k *Kind) bool { return k.Total == 0 }
	a.out.Kinds = slices.DeleteFunc(a.out.Kinds, isEmpty)
	a.out.Parents = slices.DeleteFunc(a.out.Parents, isEmpty)
	a.out.Kinds = withoutTwins(a.out.Kinds)
	slices.SortStableFunc(a.out.Kinds, func(x, y *Kind) int { return cmp.Compare(x.place(), y.place()) })
	return a.out, nil
}

// withoutTwins leaves out kinds that are the same items as one before: smart processes name a company as their client and as
// their parent.
func withoutTwins(kinds []*Kind) []*Kind {
	var out []*Kind
	for _, kind := range kinds {
		if !slices.ContainsFunc(out, kind.equals) {
			out = append(out, kind)
		}
	}
	return out
}

// isClient reports whether items of a type are clients, with requisites of their own.
func isClient(entityTypeID int) bool {
	return entityTypeID == bitrix24.Contact || entityTypeID == bitrix24.Company
}

// clientCommand asks for the company or the contact that the item in the same batch names.
func clientCommand(key string, entityTypeID int, field string) bitrix24.Command {
	return bitrix24.Command{Key: key, Method: "crm.item.get", Params: bitrix24.Params{
		"entityTypeId": entityTypeID, "id": bitrix24.RefID("item", "item", field),
	}}
}

func (a *around) discover() {
	known := systemLinks
	a.Source.discover(&a.rounds, a.who, a.out.Ref.EntityTypeID, a.known.complete().Types, func(r *Relations) {
		a.out.Beyond = r.Beyond
		for _, link := range linksOf(a.out.Ref.EntityTypeID, r.All) {
			if !slices.Contains(known, link) {
				a.askLink(link)
			}
		}
	})
}

// askLink asks for the items that name this one.
func (a *around) askLink(link Link) {
	for _, kind := range a.out.Kinds {
		if kind.EntityTypeID == link.Child && kind.field == link.Field {
			return
		}
	}
	a.askKind(&Kind{EntityTypeID: link.Child, field: link.Field, filter: bitrix24.Params{link.Field: a.out.Ref.ID}})
}

// askKind asks for the newest items of a kind; what cannot be read is left out and not counted.
func (a *around) askKind(kind *Kind) {
	a.out.Kinds = append(a.out.Kinds, kind)
	a.ask(kind.command(0), func(first answer) { a.takeKind(kind, first) })
}

// takeKind takes the newest items of a kind, and asks for the older ones as far as sums go.
func (a *around) takeKind(kind *Kind, first answer) {
	kind.take(first)
	if first.err != nil || kind.Total <= kindPage {
		return
	}
	for page := 1; page < maxKindPages && page*kindPage < kind.Total; page++ {
		a.ask(kind.command(page), func(next answer) { kind.take(next) })
	}
	if kind.Total > maxKindPages*kindPage && HasStages(kind.EntityTypeID) {
		if ends := a.known.complete().Statuses.Ends(kind.EntityTypeID); len(ends) > 0 && len(ends) <= maxEnds {
			a.ask(kind.openCommand(ends), func(open answer) {
				if open.err == nil {
					kind.Open, kind.openKnown = open.total, true
				}
			})
		}
	}
}

// takeItem asks for what the item names.
func (a *around) takeItem(answer) {
	item, ref := a.out.Item, a.out.Ref
	if isClient(ref.EntityTypeID) {
		a.addClient(ref, item, nil)
	}
	named, fields := map[int][]string{}, map[int][]string{}
	var order []int
	name := func(field string, entityTypeID int, id int64) {
		if entityTypeID <= 0 || id <= 0 || len(order) >= maxParents || len(named[entityTypeID]) >= kindPage {
			return
		}
		if named[entityTypeID] == nil {
			order = append(order, entityTypeID)
		}
		if text := texts([]int64{id})[0]; !slices.Contains(named[entityTypeID], text) {
			named[entityTypeID] = append(named[entityTypeID], text)
		}
		fields[entityTypeID] = append(fields[entityTypeID], field)
	}
	for _, m := range item.Members {
		if digits, ok := strings.CutPrefix(m.Name, "parentId"); ok {
			name(m.Name, int(PositiveID(digits)), PositiveID(bitrix24.Text(m.Value)))
		}
	}
	for field, entityTypeID := range map[string]int{"leadId": bitrix24.Lead, "quoteId": bitrix24.Quote, "dealId": bitrix24.Deal} {
		name(field, entityTypeID, PositiveID(item.Text(field)))
	}
	if ref.EntityTypeID == bitrix24.Contact {
		for _, id := range append(ids(item.Value("companyIds")), PositiveID(item.Text("companyId"))) {
			name("companyIds", bitrix24.Company, id)
		}
	}
	slices.Sort(order)
	for _, entityTypeID := range order {
		kind := &Kind{EntityTypeID: entityTypeID, Fields: fields[entityTypeID], filter: bitrix24.Params{"@id": named[entityTypeID]}}
		a.out.Parents = append(a.out.Parents, kind)
		a.ask(kind.command(0), kind.take)
	}
	if contacts := ids(item.Value("contactIds")); ref.EntityTypeID == bitrix24.Company && len(contacts) > 0 {
		contacts = contacts[:min(len(contacts), maxKindPages*kindPage)]
		a.askKind(&Kind{EntityTypeID: bitrix24.Contact, Fields: []string{"contactIds"}, filter: bitrix24.Params{"@id": texts(contacts)}})
	}
	a.askSame(item)
}

// takeClient takes the company or the contact of the item. It is one that this user may read where the portal has shown it,
// and under the id that the item names.
func (a *around) takeClient(entityTypeID int, field string) func(answer) {
	return func(got answer) {
		id := PositiveID(a.out.Item.Text(field))
		if got.err != nil || id == 0 {
			return
		}
		var client *Item
		bitrix24.EachMember(got.raw, func(name, value []byte) bool {
			if string(name) == `"item"` {
				client = ParseItem(value)
			}
			return true
		})
		if client == nil || PositiveID(client.Text("id")) != id {
			return
		}
		ref, fields := Ref{entityTypeID, id}, []string{field}
		if entityTypeID == bitrix24.Contact {
			fields = []string{"contactId", "contactIds"}
		}
		if len(a.out.Clients) == 0 { // the company's; the contact's where there is none
			filter := bitrix24.Params{field: id}
			if entityTypeID == bitrix24.Contact {
				filter = bitrix24.Params{"contactIds": id}
			}
			if a.out.Ref.EntityTypeID == bitrix24.Deal {
				filter["!id"] = a.out.Ref.ID
			}
			a.askKind(&Kind{EntityTypeID: bitrix24.Deal, Client: ref, Fields: fields, filter: filter})
		}
		a.addClient(ref, client, fields)
	}
}

// addClient adds a contact or a company that the portal has shown to this user just now, and asks for its requisites.
func (a *around) addClient(ref Ref, item *Item, fields []string) {
	a.proven[ref] = true
	a.out.Clients = append(a.out.Clients, Client{Ref: ref, Item: item, Fields: fields})
	a.askRequisites(ref, len(a.out.Clients)-1)
}

// maxParents is how many types of items an item may name, as far as they are shown.
const maxParents = 30

// ids reads a list of ids, or a single one.
func ids(raw json.RawMessage) []int64 {
	var out []int64
	bitrix24.EachElement(raw, func(value []byte) bool {
		if id := PositiveID(bitrix24.Text(value)); id > 0 && !slices.Contains(out, id) {
			out = append(out, id)
		}
		return len(out) < maxKindPages*kindPage
	})
	return out
}
