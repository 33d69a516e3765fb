package lens_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"itemlens/internal/bitrix24"
	"itemlens/internal/crm"
	"itemlens/internal/lens"
	"itemlens/internal/portal"
)

func parse(text string) *crm.Item { return crm.ParseItem([]byte(text)) }

// neighbours is what hangs on a deal: a project that it names, two deals of its client, an invoice.
func neighbours(t testing.TB) *crm.Around {
	r := deal(t, `{}`)
	r.Type.Statuses = crm.NewStatuses([]crm.Status{{EntityID: "DEAL_STAGE", ID: "DO", Name: "In progress", Color: "#2FC6F6"}, {EntityID: "DEAL_STAGE_9", ID: "C9:WON", Name: "Done", Semantics: "S"}})
	r.Type.Currencies = crm.NewCurrencies([]crm.Currency{{Code: "EUR", Format: "€ #", ThousandsSep: ",", Decimals: 2}})
	r.Type.Types = crm.NewTypes(map[int]string{1222: "Project"}, []int{1222})
	company := crm.Ref{EntityTypeID: bitrix24.Company, ID: 40}
	return &crm.Around{
		Ref: r.Ref, Item: r.Item, Type: r.Type, Beyond: 3,
		Parents: []*crm.Kind{{EntityTypeID: 1222, Total: 1, Open: -1, Read: 1, Fields: []string{"parentId1222"}, Newest: []*crm.Item{parse(`{"id":3,"title":"Cold chain"}`)}}},
		Kinds: []*crm.Kind{
			{
				EntityTypeID: bitrix24.Deal, Client: company, Total: 2000, Open: 900, Read: 500, Fields: []string{"companyId"}, Categories: []string{"0", "9"},
				Sums: []crm.Sum{{Currency: "EUR", Amount: 1500.5, Open: 500}, {Currency: "XYZ", Amount: 2}},
				Newest: []*crm.Item{
					parse(`{"id":22,"title":"Repair","stageId":"C9:WON","opportunity":"95.5","currencyId":"EUR","categoryId":9}`),
					parse(`{"id":21,"title":"","stageId":"GONE","opportunity":0,"currencyId":"EUR","categoryId":0}`),
				},
			},
			{EntityTypeID: bitrix24.SmartInvoice, Total: 1, Open: 1, Read: 1, Newest: []*crm.Item{parse(`{"id":310,"title":"Invoice 310","categoryId":10}`)}, Categories: []string{"10"}},
		},
		Clients: []crm.Client{
			{Ref: company, Item: parse(`{"id":40,"title":"Nordlicht"}`), Fields: []string{"companyId"}, More: 2,
				Requisites: []crm.Requisite{{ID: 7, Name: "Head office"}}, Addresses: []crm.Address{{Type: "Legal address", Parts: []string{"Quay 7", "1 Port Town"}}}},
			{Ref: crm.Ref{EntityTypeID: bitrix24.Contact, ID: 30}, Item: parse(`{"id":30,"name":"Clara"}`), Fields: []string{"contactId"}},
		},
		Same: []crm.Same{{Ref: crm.Ref{EntityTypeID: bitrix24.Contact, ID: 34}, Title: "Clara Lind", Phone: true, Email: true}},
	}
}

// told is a view in a few lines.
func told(t testing.TB, read *crm.Around, cards map[string]portal.CardSettings) string {
	t.Helper()
	a, err := lens.NewAround(context.Background(), read, reader(t), portal.Settings{Cards: cards})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	line := func(l lens.Line) {
		stage := ""
		if l.Stage != nil {
			stage = l.Stage.Name + l.Stage.Class
		}
		fmt.Fprintf(&out, "- %s|%s|%s|%v|%v\n", l.Title, stage, l.Amount, l.Note, l.Compare)
	}
	for _, g := range append(a.Parents, a.Groups...) {
		fmt.Fprintf(&out, "%s %s of %q, open %q, %v, covers %v, more %q, %s\n", g.Type, g.Count, g.Client, g.Open, g.Sums, g.Covers, g.More, strings.TrimPrefix(g.List, "https://portal.example"))
		for _, l := range g.Items {
			line(l)
		}
	}
	for _, c := range a.Clients {
		fmt.Fprintf(&out, "%s %s: %v %v +%d\n", c.Type, c.Title, c.Requisites, c.Addresses, c.More)
	}
	for _, l := range a.Same {
		line(l)
	}
	return out.String()
}

func TestWhatHangsOnAnItem(t *testing.T) {
	want := `Project 1 of "", open "", [], covers <nil>, more "", /crm/type/1222/list/category/0/
- Cold chain|||[]|false
Deal 2,000 of "Nordlicht", open "900", [{€ 1,500.50 € 500.00} {2.00 XYZ }], covers &{500 2,000}, more "1,998", /crm/deal/list/
- Repair|Donewon|€ 95.50|[]|true
- Deal #21|GONE||[]|true
Invoice 1 of "", open "1", [], covers <nil>, more "", /crm/type/31/list/category/0/
- Invoice 310|||[]|false
Company Nordlicht: [{7 Head office [] []}] [{Legal address Quay 7, 1 Port Town}] +2
- Clara Lind|||[contact.phone contact.email]|false
`
	if got := strings.ReplaceAll(told(t, neighbours(t), nil), "\u00a0", " "); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestHiddenFieldsAreNotToldByWhatHangsOnAnItem: neither those of the item, nor those of the others.
func TestHiddenFieldsAreNotToldByWhatHangsOnAnItem(t *testing.T) {
	for _, tt := range []struct {
		key    string
		hidden string
		lacks  []string
		has    []string
	}{
		{"2", "companyId", []string{"Nordlicht", "Repair", "Head office"}, []string{"Cold chain", "Invoice 310"}},
		{"2", "parentId1222", []string{"Cold chain"}, []string{"Repair"}},
		{"2", "title", []string{"Repair"}, []string{"Deal #22", "Cold chain"}},
		{"2/9", "opportunity", []string{"95.50", "1,500.50"}, []string{"Done", "Repair"}},
		{"2/9", "stageId", []string{"Done", `open "900"`, "500.00"}, []string{"1,500.50", "95.50"}},
		{"2", "fm.PHONE", []string{"contact.phone"}, []string{"contact.email"}},
	} {
		got := strings.ReplaceAll(told(t, neighbours(t), map[string]portal.CardSettings{tt.key: {Hidden: []string{tt.hidden}}}), "\u00a0", " ")
		for _, text := range tt.lacks {
			if strings.Contains(got, text) {
				t.Errorf("%s of %s is hidden, %q is told\n%s", tt.hidden, tt.key, text, got)
			}
		}
		for _, text := range tt.has {
			if !strings.Contains(got, text) {
				t.Errorf("%s of %s is hidden, %q is missing\n%s", tt.hidden, tt.key, text, got)
			}
		}
	}
}

// compared are the fields in which two deals differ, and those in which they do not.
func compared(t testing.TB, a, b *crm.Reading, chosen portal.Settings) (differ, same []string) {
	t.Helper()
	c, err := lens.NewCompare(context.Background(), a, b, reader(t), chosen)
	if err != nil {
		t.Fatal(err)
	}
	written := func(p lens.Pair) string {
		var sides [2][]string
		for i, pieces := range p.Values {
			for _, piece := range pieces {
				sides[i] = append(sides[i], strings.TrimSpace(piece.Text+" "+piece.Note))
			}
		}
		return strings.ReplaceAll(fmt.Sprintf("%s: %s | %s", p.Title, strings.Join(sides[0], ", "), strings.Join(sides[1], ", ")), "\u00a0", " ")
	}
	for _, p := range c.Differ {
		differ = append(differ, written(p))
	}
	for _, p := range c.Same {
		same = append(same, written(p))
	}
	return differ, same
}

// TestTwoItemsSideBySide: what differs, a value that one of them lacks and products; hidden fields are told of neither.
func TestTwoItemsSideBySide(t *testing.T) {
	a := deal(t, `{"title":"Scales","closedate":"2026-06-30T03:00:00+03:00","secret":"one"}`)
	b := deal(t, `{"id":21,"title":"Cables","stageId":"DO","closedate":null,"secret":"two"}`)
	b.Ref.ID = 21
	a.Products = crm.ProductRows{Rows: []crm.ProductRow{{Name: "Scale", Price: 10, Quantity: 2}}, Total: 1}
	hidden := portal.Settings{CodesFor: portal.Administrators, Cards: map[string]portal.CardSettings{"2": {Hidden: []string{"secret"}}}}
	differ, same := compared(t, a, b, hidden)
	for _, want := range []string{"title: Scales | Cables", "End date: Jun 30, 2026 | ", "Products: 1 row 20.00, Scale 2 · 20.00 | "} {
		if !strings.Contains(strings.ToLower(strings.Join(differ, "\n")), strings.ToLower(want)) {
			t.Errorf("%q does not differ\n%s", want, strings.Join(differ, "\n"))
		}
	}
	all := strings.Join(append(differ, same...), "\n")
	if strings.Contains(all, "one") || strings.Contains(all, "20 | 21") {
		t.Errorf("hidden fields or ids are told\n%s", all)
	}
	if !strings.Contains(strings.Join(same, "\n"), "Stage: ") {
		t.Errorf("the same in both: %v", same)
	}
	// Values of which a part was left out are not taken for equal.
	b.Products = a.Products
	if _, same = compared(t, a, b, hidden); !strings.Contains(strings.Join(same, "\n"), "Products: 1 row") {
		t.Errorf("equal products: %v", same)
	}
	a.Products.Total, b.Products.Total = 60, 60
	if differ, _ = compared(t, a, b, hidden); !strings.Contains(strings.Join(differ, "\n"), "Products: ") {
		t.Errorf("products of which most were not read are taken for equal: %v", differ)
	}
}

// TestViewsAreOverWhenTheirReaderGoesAway: whoever does not wait gets an error.
func TestViewsAreOverWhenTheirReaderGoesAway(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err1 := lens.NewAround(ctx, neighbours(t), reader(t), portal.Settings{})
	_, err2 := lens.NewCompare(ctx, deal(t, `{}`), deal(t, `{}`), reader(t), portal.Settings{})
	if err1 == nil || err2 == nil {
		t.Errorf("%v, %v", err1, err2)
	}
}
