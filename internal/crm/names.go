package crm

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/portal"
)

// MaxNames is how many names one request may ask for.
const MaxNames = 500

// namesPage is how many names one command finds: a page of user.get and of crm.item.list.
const namesPage = 50

// personName and Ref.name are the keys under which a page asks for names: "user:7", "item:4:40".
func personName(id int64) string { return "user:" + strconv.FormatInt(id, 10) }

func (r Ref) name() string { return fmt.Sprintf("item:%d:%d", r.EntityTypeID, r.ID) }

// wanted are names to find, by what they name.
type wanted struct {
	people []int64
	items  map[int][]int64 // by type
}

// parseNames reads keys; those that are none are left out.
func parseNames(keys []string) wanted {
	w := wanted{items: map[int][]int64{}}
	for _, key := range keys[:min(len(keys), MaxNames)] {
		switch part := strings.Split(key, ":"); {
		case len(part) == 2 && part[0] == "user" && positiveID(part[1]) > 0:
			w.people = append(w.people, positiveID(part[1]))
		case len(part) == 3 && part[0] == "item" && positiveID(part[1]) > 0 && positiveID(part[1]) < 1<<31 && positiveID(part[2]) > 0:
			id := int(positiveID(part[1]))
			w.items[id] = append(w.items[id], positiveID(part[2]))
		}
	}
	return w
}

// Name is what a key stands for.
type Name struct {
	Text  string `json:"text"`
	Photo string `json:"photo,omitempty"`
}

// Rows asks for all product rows of an item, of which its card has counted so many.
type Rows struct {
	Ref   Ref
	Count int
}

// Found is what Names found.
type Found struct {
	Names    map[string]Name
	Products *Products // nil where they were not asked for
}

// Names finds what keys stand for, with one request to the portal where anything is unknown and none otherwise. What the
// user may not see, or what is gone, has no name in the answer. With rows the same request reads all product rows of an
// item. Errors are problems for people.
func (c *Cards) Names(ctx context.Context, visit *gate.Visit, r Reader, keys []string, rows *Rows) (Found, error) {
	names := c.names(visit)
	w := parseNames(keys)
	var commands []bitrix24.Command
	unknown := slices.DeleteFunc(slices.Clone(w.people), func(id int64) bool { _, ok := names.person(id); return ok })
	asked := map[string][]Ref{}
	for i, ids := range chunks(unknown) {
		key := "people" + strconv.Itoa(i)
		for _, id := range ids {
			asked[key] = append(asked[key], Ref{0, id})
		}
		commands = append(commands, bitrix24.Command{Key: key, Method: "user.get", Params: bitrix24.Params{"FILTER": bitrix24.Params{"ID": texts(ids)}}})
	}
	for _, entityTypeID := range slices.Sorted(maps.Keys(w.items)) {
		unknown := slices.DeleteFunc(slices.Clone(w.items[entityTypeID]), func(id int64) bool {
			_, ok := names.title(Ref{entityTypeID, id})
			return ok
		})
		for i, ids := range chunks(unknown) {
			key := fmt.Sprintf("items%d_%d", entityTypeID, i)
			for _, id := range ids {
				asked[key] = append(asked[key], Ref{entityTypeID, id})
			}
			commands = append(commands, titlesCommand(key, entityTypeID, bitrix24.Params{"@id": texts(ids)}))
		}
	}
	var known *known
	if rows != nil {
		known = c.known(visit, rows.Ref, r)
		commands = append(append(commands, known.commands(rows.Ref)...), bitrix24.Command{Key: "item", Method: "crm.item.get", Params: bitrix24.Params{
			"entityTypeId": rows.Ref.EntityTypeID, "id": rows.Ref.ID,
		}})
		for page := 0; page == 0 || page*productPage < rows.Count && page < maxProductPages; page++ {
			commands = append(commands, productCommand(rows.Ref, page))
		}
	}
	found := Found{Names: map[string]Name{}}
	if len(commands) > 0 {
		// What does not fit stays as it is until the page is opened anew: that takes items with links of very many types.
		result, err := visit.Batch(ctx, commands[:min(len(commands), bitrix24.MaxBatch-1)])
		if err != nil {
			return found, err
		}
		names.learn(result, asked)
		if rows != nil {
			if found.Products, err = c.rows(known, visit, r, result); err != nil {
				return found, err
			}
		}
	}
	for _, id := range w.people {
		if person, ok := names.person(id); ok && person.Name != "" {
			found.Names[personName(id)] = Name{person.Name, person.Photo}
		}
	}
	for entityTypeID, ids := range w.items {
		for _, id := range ids {
			ref := Ref{entityTypeID, id}
			if title, ok := names.title(ref); ok && title != "" {
				found.Names[ref.name()] = Name{Text: title}
			}
		}
	}
	return found, nil
}

// rows reads all product rows of an item.
func (c *Cards) rows(k *known, visit *gate.Visit, r Reader, result *bitrix24.BatchResult) (*Products, error) {
	it, err := itemOf(result)
	if err != nil {
		return nil, err
	}
	if err := c.complete(k, result); err != nil {
		return nil, gate.Problem(err)
	}
	f := c.formatter(k, visit, r)
	f.item = it
	return f.products(readProducts(result)), nil
}

// titlesCommand asks for titles of items. A contact has a name and no title.
func titlesCommand(key string, entityTypeID int, filter bitrix24.Params) bitrix24.Command {
	fields := []string{"id", "title"}
	if entityTypeID == bitrix24.Contact {
		fields = []string{"id", "name", "lastName"}
	}
	return bitrix24.Command{Key: key, Method: "crm.item.list", Params: bitrix24.Params{
		"entityTypeId": entityTypeID, "filter": filter, "select": fields, "start": -1,
	}}
}

// titled is an item of a list with what it is called.
type titled struct {
	ID       bitrix24.ID `json:"id"`
	Title    string      `json:"title"`
	Name     string      `json:"name"`
	LastName string      `json:"lastName"`
}

func (t titled) title() string {
	return cmp.Or(strings.TrimSpace(t.Title), strings.TrimSpace(t.Name+" "+t.LastName))
}

// names are what a user knows the people and items of a portal as.
type names struct {
	cache  *Cache
	viewer personKey
}

func (c *Cards) names(visit *gate.Visit) names {
	return names{c.Cache, personKey{visit.Portal.MemberID, visit.User.ID}}
}

func (n names) person(id int64) (Person, bool) {
	return n.cache.people.get(personKey{n.viewer.portal, portal.UserID(id)})
}

func (n names) title(ref Ref) (string, bool) { return n.cache.titles.get(titleKey{n.viewer, ref}) }

// learn keeps the names that an answer brought. Who is gone, or what the user may not see, is kept as nameless: asking
// again at every open would cost a request each time.
func (n names) learn(result *bitrix24.BatchResult, asked map[string][]Ref) {
	for key, refs := range asked {
		found := map[Ref]Person{}
		if refs[0].EntityTypeID == 0 {
			var people []struct {
				ID       bitrix24.ID `json:"ID"`
				Name     string      `json:"NAME"`
				LastName string      `json:"LAST_NAME"`
				Photo    string      `json:"PERSONAL_PHOTO"`
			}
			if result.Decode(key, &people) != nil {
				continue
			}
			for _, p := range people {
				found[Ref{0, int64(p.ID)}] = Person{strings.TrimSpace(p.Name + " " + p.LastName), photo(p.Photo)}
			}
		} else {
			var list struct {
				Items []titled `json:"items"`
			}
			if result.Err(key) == nil && result.Decode(key, &list) != nil {
				continue // not read, which is not the same as refused
			}
			for _, item := range list.Items {
				found[Ref{refs[0].EntityTypeID, int64(item.ID)}] = Person{Name: item.title()}
			}
		}
		for _, ref := range refs {
			if ref.EntityTypeID == 0 {
				n.cache.people.add(personKey{n.viewer.portal, portal.UserID(ref.ID)}, found[ref])
			} else {
				n.cache.titles.add(titleKey{n.viewer, ref}, found[ref].Name)
			}
		}
	}
}

// photo lets addresses of pictures pass that a page may load.
func photo(address string) string {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return withoutAuth(address)
	}
	return ""
}

func chunks(ids []int64) [][]int64 {
	slices.Sort(ids)
	return slices.Collect(slices.Chunk(slices.Compact(ids), namesPage))
}

func texts(ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = strconv.FormatInt(id, 10)
	}
	return out
}
