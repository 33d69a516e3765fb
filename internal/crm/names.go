package crm

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// MaxNames is how many names one request may ask for.
const MaxNames = 500

// namesPage is how many names one command finds: a page of user.get and of crm.item.list.
const namesPage = 50

// maxNameLength bounds a name or a title that is kept, in bytes: the platform's own fields hold 255 characters.
const maxNameLength = 1024

// Person is somebody in a portal.
type Person struct {
	Name  string // empty for who is gone, or whom the viewer may not see
	Photo string // address of a picture; empty where there is none
}

// Names is what a viewer knows people and items as.
type Names interface {
	// Person reports false where the portal was not asked.
	Person(id int64) (Person, bool)
	// Title reports false where the portal was not asked; an item that the viewer may not read has no title.
	Title(ref Ref) (string, bool)
}

// NamesRequest names people and items to find.
type NamesRequest struct {
	People []int64
	Items  map[int][]int64 // ids by type
}

// ParseNames reads keys as pages ask for them ("user:7", "item:4:40"); those that are none are left out, and what goes
// beyond MaxNames.
func ParseNames(keys []string) NamesRequest {
	r := NamesRequest{Items: map[int][]int64{}}
	for _, key := range keys[:min(len(keys), MaxNames)] {
		kind, rest, _ := strings.Cut(key, ":")
		switch kind {
		case "user":
			if id := PositiveID(rest); id > 0 {
				r.People = append(r.People, id)
			}
		case "item":
			typeText, idText, _ := strings.Cut(rest, ":")
			entityTypeID, id := PositiveID(typeText), PositiveID(idText)
			if entityTypeID > 0 && entityTypeID < 1<<31 && id > 0 {
				r.Items[int(entityTypeID)] = append(r.Items[int(entityTypeID)], id)
			}
		}
	}
	return r
}

// ProductsRequest asks for all product rows of an item, of which its card has counted so many.
type ProductsRequest struct {
	Ref   Ref
	Count int
}

// FoundNames is what Names found.
type FoundNames struct {
	Names    Names
	Products *Reading // with all product rows; nil where they were not asked for
}

// Names finds names, with one request to the portal where anything is unknown and none otherwise. What the user may not
// see, or what is gone, has no name. With a request for products it reads all product rows of an item as well.
func (s *Source) Names(ctx context.Context, v Viewer, r NamesRequest, products *ProductsRequest) (FoundNames, error) {
	names := s.names(v.Who())
	var commands []bitrix24.Command
	var known *Type
	if products != nil { // first, so that many names do not take their place
		known = s.Cache.typeOf(v.Who(), products.Ref.EntityTypeID)
		commands = append(known.missing(products.Ref.EntityTypeID), itemCommand(products.Ref))
		for page := 0; page == 0 || page*ProductPage < products.Count && page < MaxProductPages; page++ {
			commands = append(commands, productCommand(products.Ref, page))
		}
	}
	asked := map[string][]Ref{}
	add := func(key string, refs []Ref, command bitrix24.Command) {
		// What does not fit stays as it is until the page is opened anew: that takes items with links of very many types.
		if len(commands) < bitrix24.MaxBatch-1 {
			asked[key] = refs
			commands = append(commands, command)
		}
	}
	unknown := slices.DeleteFunc(slices.Clone(r.People), func(id int64) bool { _, ok := names.Person(id); return ok })
	for i, ids := range chunks(unknown) {
		key := "people" + strconv.Itoa(i)
		add(key, refsOf(0, ids), bitrix24.Command{Key: key, Method: "user.get", Params: bitrix24.Params{
			"FILTER": bitrix24.Params{"ID": texts(ids)}, "select": []string{"ID", "NAME", "LAST_NAME", "PERSONAL_PHOTO"}, "IMAGE_RESIZE": "small",
		}})
	}
	for _, entityTypeID := range slices.Sorted(maps.Keys(r.Items)) {
		unknown := slices.DeleteFunc(slices.Clone(r.Items[entityTypeID]), func(id int64) bool {
			_, ok := names.Title(Ref{entityTypeID, id})
			return ok
		})
		for i, ids := range chunks(unknown) {
			key := "items" + strconv.Itoa(entityTypeID) + "_" + strconv.Itoa(i)
			add(key, refsOf(entityTypeID, ids), titlesCommand(key, entityTypeID, bitrix24.Params{"@id": texts(ids)}))
		}
	}
	if len(commands) == 0 {
		return FoundNames{Names: names}, nil
	}
	result, err := v.Batch(ctx, commands)
	if err != nil {
		return FoundNames{}, err
	}
	names = s.names(v.Who())
	found := FoundNames{Names: names}
	s.learnNames(v.Who(), result, asked)
	if products != nil {
		item, err := itemOf(result)
		if err != nil {
			return FoundNames{}, err
		}
		if known, err = s.learnType(v.Who(), products.Ref.EntityTypeID, known, result); err != nil {
			return FoundNames{}, err
		}
		found.Products = &Reading{Ref: products.Ref, Item: item, Type: known.complete(), Products: readProducts(result), Names: names}
	}
	return found, nil
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

// Title is what an item is called; empty where it has neither a title nor a name.
func (it *Item) Title() string {
	return cmp.Or(strings.TrimSpace(it.Text("title")), strings.TrimSpace(it.Text("name")+" "+it.Text("lastName")))
}

// learnNames keeps the names that an answer brought. Who is gone, or what the user may not see, is kept as nameless for
// this viewer: asking again at every open would cost a request each time. A refusal that passes is not kept.
func (s *Source) learnNames(who Who, result *bitrix24.BatchResult, asked map[string][]Ref) {
	for key, refs := range asked {
		raw, err := result.Raw(key)
		if err != nil && !isLasting(err) {
			continue
		}
		found := map[Ref]Person{}
		entityTypeID := refs[0].EntityTypeID
		if entityTypeID == 0 {
			bitrix24.EachElement(raw, func(value []byte) bool {
				var p struct {
					ID       bitrix24.ID `json:"ID"`
					Name     string      `json:"NAME"`
					LastName string      `json:"LAST_NAME"`
					Photo    string      `json:"PERSONAL_PHOTO"`
				}
				if json.Unmarshal(value, &p) == nil {
					found[Ref{0, int64(p.ID)}] = Person{cut(strings.TrimSpace(p.Name + " " + p.LastName)), photo(p.Photo)}
				}
				return len(found) < namesPage
			})
		} else {
			eachItem(raw, func(it *Item) bool {
				found[Ref{entityTypeID, PositiveID(it.Text("id"))}] = Person{Name: cut(it.Title())}
				return len(found) < namesPage
			})
		}
		for _, ref := range refs {
			s.Cache.keepName(who, ref, found[ref])
		}
	}
}

// eachItem walks the items of a list.
func eachItem(raw []byte, do func(*Item) bool) {
	bitrix24.EachMember(raw, func(name, value []byte) bool {
		if string(name) != `"items"` {
			return true
		}
		bitrix24.EachElement(value, func(value []byte) bool { return do(ParseItem(value)) })
		return false
	})
}

// photo lets addresses of pictures pass that a page may load.
func photo(address string) string {
	if len(address) <= 2*maxNameLength && (strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://")) {
		return WithoutAuthorization(address)
	}
	return ""
}

func cut(text string) string { return cutTo(text, maxNameLength) }

// cutTo cuts a text that is longer than so many bytes.
func cutTo(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

func chunks(ids []int64) [][]int64 {
	slices.Sort(ids)
	return slices.Collect(slices.Chunk(slices.Compact(ids), namesPage))
}

func refsOf(entityTypeID int, ids []int64) []Ref {
	refs := make([]Ref, len(ids))
	for i, id := range ids {
		refs[i] = Ref{entityTypeID, id}
	}
	return refs
}

func texts(ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = strconv.FormatInt(id, 10)
	}
	return out
}

// viewerNames are the names that the cache holds for a viewer.
type viewerNames struct {
	cache *Cache
	who   Who
}

func (s *Source) names(who Who) Names { return viewerNames{s.Cache, who} }

// Person implements Names.
func (n viewerNames) Person(id int64) (Person, bool) { return n.cache.name(n.who, Ref{0, id}) }

// Title implements Names.
func (n viewerNames) Title(ref Ref) (string, bool) {
	found, ok := n.cache.name(n.who, ref)
	return found.Name, ok
}
