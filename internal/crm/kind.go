package crm

import (
	"cmp"
	"slices"

	"itemlens/internal/bitrix24"
)

// Kind are the items of one type that have the same relation to an item.
type Kind struct {
	EntityTypeID int
	Client       Ref // whose other deals these are; zero for what names the item itself
	Total        int // how many the user may read
	Open         int // how many of them are neither won nor lost; -1 where that is not known
	Read         int // how many were read, the newest: Sums are of these
	Newest       []*Item
	Sums         []Sum
	Fields       []string // of the item, by which it names these; of a client's deals, the one that names the client
	Categories   []string // the pipelines of those that were read

	field     string
	filter    bitrix24.Params
	items     []*Item
	openKnown bool
}

// Sum is what items come to in one currency.
type Sum struct {
	Currency string
	Amount   float64 // of all that were read
	Open     float64 // of those that are neither won nor lost
	Count    int
}

// Bounds of what is read of a kind: pages of crm.item.list hold 50 items, and no sum goes over more than 500 items.
const (
	kindPage     = 50
	maxKindPages = 10
	newest       = 5
	maxEnds      = 200 // stages that end a way, in one filter
	maxSums      = 50
)

// kindOrder is in which order kinds are told: what is sold first, then people, then smart processes by their ids.
var kindOrder = []int{bitrix24.Deal, bitrix24.SmartInvoice, bitrix24.Quote, bitrix24.Lead, bitrix24.Contact, bitrix24.Company}

func (k *Kind) place() int {
	if at := slices.Index(kindOrder, k.EntityTypeID); at >= 0 {
		return at
	}
	return len(kindOrder) + k.EntityTypeID
}

// kindFields are what is read of an item. Names that a type does not have are passed over.
var kindFields = []string{"id", "title", "name", "lastName", "stageId", "opportunity", "currencyId", "categoryId"}

// command asks for a page of a kind, the newest first (api-reference/crm/universal/crm-item-list.md). Its first page tells
// how many there are.
func (k *Kind) command(page int) bitrix24.Command {
	params := bitrix24.Params{"entityTypeId": k.EntityTypeID, "filter": k.filter, "select": kindFields, "order": bitrix24.Params{"id": "DESC"}}
	if page > 0 {
		params["start"] = page * kindPage
	}
	return bitrix24.Command{Method: "crm.item.list", Params: params}
}

// openCommand counts those that stand in no stage which ends a way.
func (k *Kind) openCommand(ends []string) bitrix24.Command {
	filter := bitrix24.Params{"!@stageId": ends}
	for name, value := range k.filter {
		filter[name] = value
	}
	return bitrix24.Command{Method: "crm.item.list", Params: bitrix24.Params{"entityTypeId": k.EntityTypeID, "filter": filter, "select": []string{"id"}}}
}

// take takes a page. A kind that cannot be read has nothing.
func (k *Kind) take(page answer) {
	if page.err != nil {
		return
	}
	count := 0
	eachItem(page.raw, func(it *Item) bool {
		k.items = append(k.items, it)
		count++
		return count < kindPage
	})
	k.Total = max(k.Total, page.total, len(k.items))
}

// finish works out what is told of a kind.
func (k *Kind) finish(statuses *Statuses) {
	slices.SortStableFunc(k.items, func(a, b *Item) int { return cmp.Compare(PositiveID(b.Text("id")), PositiveID(a.Text("id"))) })
	k.items = slices.CompactFunc(k.items, func(a, b *Item) bool { return a.Text("id") == b.Text("id") })
	k.Read = len(k.items)
	k.Newest = k.items[:min(len(k.items), newest)]
	open := 0
	for _, it := range k.items {
		if category := it.Text("categoryId"); !slices.Contains(k.Categories, category) {
			k.Categories = append(k.Categories, category)
		}
		stage, known := statuses.Stage(k.EntityTypeID, it.Text("stageId"))
		isOpen := known && !stage.Ended()
		if isOpen {
			open++
		}
		k.add(it.Text("currencyId"), number(it.Value("opportunity")), isOpen)
	}
	slices.SortStableFunc(k.Sums, func(a, b Sum) int { return cmp.Compare(b.Count, a.Count) })
	switch {
	case k.openKnown:
	case HasStages(k.EntityTypeID) && k.Read >= k.Total && len(statuses.Ends(k.EntityTypeID)) > 0:
		k.Open = open
	default:
		k.Open = -1
	}
	k.items = nil
}

// equals reports whether two kinds are the same items, as far as they are shown.
func (k *Kind) equals(other *Kind) bool {
	return k.EntityTypeID == other.EntityTypeID && k.Total == other.Total && k.Read == other.Read &&
		slices.EqualFunc(k.Newest, other.Newest, func(a, b *Item) bool { return a.Text("id") == b.Text("id") })
}

func (k *Kind) add(currency string, amount float64, open bool) {
	if currency == "" || amount == 0 {
		return
	}
	at := slices.IndexFunc(k.Sums, func(s Sum) bool { return s.Currency == currency })
	if at < 0 {
		if len(k.Sums) >= maxSums {
			return
		}
		at = len(k.Sums)
		k.Sums = append(k.Sums, Sum{Currency: currency})
	}
	sum := &k.Sums[at]
	sum.Amount += amount
	sum.Count++
	if open {
		sum.Open += amount
	}
}
