package portalsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// shortCode is the short code of a type (crm/data-types.md, object types).
func (t *crmType) shortCode() string {
	if code, ok := map[int]string{1: "L", 2: "D", 3: "C", 4: "CO", 7: "Q", 31: "SI"}[t.entityTypeID]; ok {
		return code
	}
	return "T" + strconv.FormatInt(int64(t.entityTypeID), 16)
}

// productKey names the owner of product rows: "D/20".
func productKey(code string, id int) string { return code + "/" + strconv.Itoa(id) }

// standardProducts are rows as crm.item.productrow.list answers them (crm/data-types.md, crm_item_product_row). Price
// holds discount and tax; priceExclusive the discount alone.
func standardProducts() map[string][]*object {
	scales := []*object{
		productRow(1, "Floor scale FS-300", 14000, 2, 5, 19, "pcs"),
		productRow(2, "Installation and calibration, with the trip to the northern warehouse, the certificate and two hours of training", 950.25, 3, 0, 19, "h"),
		productRow(3, "Display cable", 12.4, 25.5, 0, 19, "m"),
		productRow(4, "Calibration weights (loan)", 0, 1, 0, -1, "set"),
		productRow(5, "Load cell LC-5, stainless", 2694.9, 4, 0, 19, "pcs"),
	}
	return map[string][]*object{
		productKey("D", 20):    scales,
		productKey("Q", 70):    scales,
		productKey("SI", 310):  scales[:2],
		productKey("T40e", 5):  scales[:1],
		productKey("D", 21):    nil,
		productKey("T40e", 99): nil,
	}
}

// productRow makes a row from a price of one unit without discount and tax; a tax below 0 is none.
func productRow(id int, name string, netto, quantity, discount, tax float64, measure string) *object {
	exclusive := netto * (1 - discount/100)
	var rate any
	price := exclusive
	if tax >= 0 {
		rate, price = tax, exclusive*(1+tax/100)
	}
	return newObject().
		set("id", 17000+id).set("productId", 9600+id).set("productName", name).
		set("price", cents(price)).set("priceAccount", cents(price)).set("priceExclusive", cents(exclusive)).
		set("priceNetto", cents(netto)).set("priceBrutto", cents(price)).set("quantity", quantity).
		set("discountTypeId", 2).set("discountRate", discount).set("discountSum", cents(netto*discount/100)).
		set("taxRate", rate).set("taxIncluded", "N").set("customized", "Y").set("measureCode", 796).set("measureName", measure).
		set("sort", id*10).set("xmlId", "").set("type", 1).set("storeId", nil)
}

func cents(sum float64) float64 {
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(sum, 'f', 2, 64), 64)
	return rounded
}

// AddProducts gives an item so many product rows more.
func (p *Portal) AddProducts(entityTypeID, id, count int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.crmType(entityTypeID)
	if t == nil {
		return fmt.Errorf("there is no type %d", entityTypeID)
	}
	key := productKey(t.shortCode(), id)
	for range count {
		n := len(p.products[key]) + 1
		p.products[key] = append(p.products[key], productRow(n, fmt.Sprintf("Part %d", n), float64(n), 1, 0, 20, "pcs"))
	}
	return nil
}

func methodProductRowList(c *call) (any, *apiError) {
	code, owner := c.params.text("filter", "=ownerType"), c.params.text("filter", "=ownerId")
	if code == "" || owner == "" {
		return nil, failure(400, "INVALID_ARG_VALUE", "Invalid value for parameter {filter}")
	}
	at := slices.IndexFunc(c.portal.types, func(t *crmType) bool { return t.shortCode() == code })
	if at < 0 || !c.user.CRM || c.user.Extranet || slices.Contains(c.user.hidden(c.portal.types[at].entityTypeID), owner) {
		return nil, failure(400, "ACCESS_DENIED", "Access denied")
	}
	id, _ := strconv.Atoi(owner)
	rows := c.portal.products[productKey(code, id)]
	if strings.EqualFold(c.params.text("order", "sort"), "desc") {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	all := newObject()
	for _, row := range rows {
		copied := newObject().set("id", row.values["id"]).set("ownerId", id).set("ownerType", code)
		for _, name := range row.keys {
			copied.set(name, row.values[name])
		}
		all.push(copied)
	}
	return newObject().set("productRows", c.page(all)), nil
}
