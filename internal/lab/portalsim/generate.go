package portalsim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// firstGenerated is the first id of the items that are made up.
const firstGenerated = 10_000

// Names are made of parts, in several languages (the same place in each list is the same language); whoever is called so in life is meant by none of them. The numbers are
// of the 555-01xx kind, the domains of the kind that belongs to nobody.
var (
	firstNames = []string{"Anna", "Jonas", "Мария", "Иван", "Lucía", "Mateo", "João", "Beatriz", "Zofia", "Piotr", "Élodie", "Chloé", "Elif", "Mert", "美咲", "蓮", "Linh", "Айгүл", "Олена", "Giulia"}
	lastNames  = []string{"Lindqvist", "Берёзова", "Duarte", "Nowicka", "Moreau", "Yıldırım", "佐々木", "Trần", "Шевчук", "Conti", "Weber", "Ortega"}
	things     = []string{"Scales", "Pallets", "Весы", "Стеллажи", "Básculas", "Estantes", "Wagi", "Étagères", "Raflar", "計量器", "Cân điện tử", "Förderband"}
	verbs      = []string{"Offer", "Delivery", "Запрос", "Поставка", "Pedido", "Entrega", "Zamówienie", "Commande", "Sipariş", "お問い合わせ", "Đơn hàng", "Angebot"}
	places     = []string{"North", "Harbor", "Склад 4", "Порт", "Almacén", "Depósito", "Magazyn", "Entrepôt", "Depo", "倉庫", "Kho", "Lager"}
	suffixes   = []string{"Logistics", "Ltd.", "ООО", "АО", "S.L.", "Ltda", "Sp. z o.o.", "SARL", "A.Ş.", "株式会社", "JSC", "GmbH"}
)

// generate makes the item with an id up: the same one each time, from the seed, the type and the id alone, so that a
// million items take no memory.
func (t *crmType) generate(id int) *object {
	r := rand.New(rand.NewPCG(uint64(t.seed)^uint64(t.entityTypeID)<<32, uint64(id)))
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	language := r.IntN(len(things))
	created := time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(id-firstGenerated) * 7 * time.Minute)
	updated := created.Add(time.Duration(r.IntN(90*24)) * time.Hour)
	person := 1 + r.IntN(2)
	first, last := pick(firstNames), pick(lastNames)
	title := fmt.Sprintf("%s: %s, %s %d", verbs[language], things[language], places[language], id)
	if t.entityTypeID == 4 {
		title = fmt.Sprintf("%s %s %d", places[language], suffixes[language], id)
	}
	item := newObject()
	for _, f := range t.fields {
		var value any
		switch {
		case f.name == "id":
			value = id
		case f.name == "title":
			value = title
		case f.name == "name":
			value = first
		case f.name == "lastName":
			value = last
		case f.name == "createdTime":
			value = created.Format(time.RFC3339)
		case f.kind == "datetime":
			value = updated.Format(time.RFC3339)
		case f.kind == "date":
			value = updated.Format("2006-01-02") + "T03:00:00+03:00"
		case f.kind == "user" && f.flags != "m":
			value = person
		case f.name == "opened":
			value = "Y"
		case f.name == "opportunity":
			value = float64(r.IntN(10_000_000)) / 100
		case f.name == "currencyId":
			value = "EUR"
		case f.name == "companyId" && r.IntN(2) == 0:
			value = 40 + r.IntN(2)
		case f.name == "phone":
			value = fmt.Sprintf("+1 202 555 01%02d", r.IntN(100))
		case f.name == "email":
			value = fmt.Sprintf("person%d@example.com", id)
		case f.kind == "crm_status":
			if options := t.statusIDs(f.statusType); len(options) > 0 {
				value = pick(options)
			}
		case f.kind == "boolean":
			value = pick([]string{"Y", "N"})
		case f.kind == "enumeration" && len(f.values) > 0:
			value = f.values[r.IntN(len(f.values))].id
		case containsFlag(f.flags, 'm'):
			value = newObject()
		}
		item.set(f.name, value)
	}
	return item.set("entityTypeId", t.entityTypeID)
}

// statusIDs are the entries of a dictionary, by the standard data.
func (t *crmType) statusIDs(entityID string) []string {
	var ids []string
	for _, s := range standardStatuses() {
		if s.entityID == entityID {
			ids = append(ids, s.statusID)
		}
	}
	return ids
}

func containsFlag(flags string, flag rune) bool {
	for _, f := range flags {
		if f == flag {
			return true
		}
	}
	return false
}
