package portalsim

import "fmt"

// AddCopies adds copies of an item, with titles that end in a number and another person responsible, so that lists get long.
func (p *Portal) AddCopies(entityTypeID, id, count int, title string, responsible int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.crmType(entityTypeID)
	if t == nil || t.item(id) == nil {
		return fmt.Errorf("copy item: no item %d of type %d", id, entityTypeID)
	}
	last := id
	for _, item := range t.items {
		last = max(last, item.int("id"))
	}
	for i := range count {
		item := newObject()
		for _, key := range t.item(id).keys {
			item.set(key, t.item(id).values[key])
		}
		t.items = append(t.items, item.set("id", last+1+i).set("title", fmt.Sprintf("%s %02d", title, i)).set("assignedById", responsible).without("fm"))
	}
	return nil
}
