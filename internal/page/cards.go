package page

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
	"itemlens/internal/turns"
	"itemlens/web/templates"
)

// Cards reads what a visit's portal says and makes of it what pages show. Errors are problems for people.
type Cards struct {
	Source *crm.Source
	Turns  *turns.Turns[portal.MemberID]
	Zones  *Zones
	Views  *Views
	Now    func() time.Time
}

// viewer is a visit as crm knows who looks.
type viewer struct {
	*gate.Visit
	lang string
}

// Who implements crm.Viewer.
func (v viewer) Who() crm.Who {
	return crm.Who{Portal: v.Portal.MemberID, Version: crm.VersionOf(v.Portal), User: v.User.ID, Lang: v.lang}
}

func viewerOf(visit *gate.Visit, l *i18n.Printer) viewer { return viewer{visit, l.Lang()} }

// reader is who reads what a visit shows. It is to be asked after the portal has said who that is.
func (c *Cards) reader(visit *gate.Visit, l *i18n.Printer) card.Reader {
	origins := strings.Fields(bitrix24.PageOrigins(visit.Portal.ClientEndpoint, visit.Portal.Domain))
	zone := c.Zones.find(cmp.Or(visit.User.TimeZone, c.Views.Of(visit).Zone))
	return card.Reader{L: l, Zone: zone, Now: c.Now(), Origin: origins[len(origins)-1]}
}

// Load makes the card of an item as the portal's settings want it.
func (c *Cards) Load(ctx context.Context, visit *gate.Visit, ref crm.Ref, l *i18n.Printer) (*card.Card, error) {
	return c.LoadAs(ctx, visit, ref, l, visit.Portal.Settings)
}

// LoadAs is Load with other settings than the portal's.
func (c *Cards) LoadAs(ctx context.Context, visit *gate.Visit, ref crm.Ref, l *i18n.Printer, chosen portal.Settings) (*card.Card, error) {
	if chosen.CodesFor == portal.Administrators {
		visit.AskWho()
	}
	reading, err := c.Source.Item(ctx, viewerOf(visit, l), ref)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return inTurn(ctx, c, visit, func() (*card.Card, error) {
		return card.New(ctx, reading, c.reader(visit, l), chosen, visit.User.Admin)
	})
}

// inTurn makes what was read once the portal has a processor free for it.
func inTurn[T any](ctx context.Context, c *Cards, visit *gate.Visit, make func() (T, error)) (made T, err error) {
	done, err := c.Turns.Begin(ctx, visit.Portal.MemberID)
	if err != nil {
		return made, fmt.Errorf("wait for other cards of the portal: %w", err)
	}
	defer done()
	return make()
}

// Name is what a key stands for.
type Name struct {
	Text     string `json:"text"`
	Photo    string `json:"photo,omitempty"`
	Initials string `json:"initials,omitempty"` // in place of a photo
	Href     string `json:"href,omitempty"`     // of an item: where the portal shows it
}

// Names finds what keys stand for; what the user may not see, or what is gone, is not in the answer. With a request for
// products it makes all product rows of an item as well.
func (c *Cards) Names(ctx context.Context, visit *gate.Visit, l *i18n.Printer, keys []string, products *crm.ProductsRequest) (map[string]Name, *card.Products, error) {
	request := crm.ParseNames(keys)
	answer, err := c.Source.Names(ctx, viewerOf(visit, l), request, products)
	if err != nil {
		return nil, nil, gate.Problem(err)
	}
	if err := visit.Prove(ctx); err != nil { // all of it may come from memory
		return nil, nil, err
	}
	found := map[string]Name{}
	for _, id := range request.People {
		if person, ok := answer.Names.Person(id); ok && person.Name != "" {
			found[crm.PersonKey(id)] = Name{Text: person.Name, Photo: person.Photo, Initials: card.Initials(person.Name, 2)}
		}
	}
	origin := c.reader(visit, l).Origin
	for entityTypeID, ids := range request.Items {
		for _, id := range ids {
			ref := crm.Ref{EntityTypeID: entityTypeID, ID: id}
			if title, ok := answer.Names.Title(ref); ok && title != "" {
				found[ref.Key()] = Name{Text: title, Initials: card.Initials(title, 1), Href: origin + ref.Path()}
			}
		}
	}
	if answer.Products == nil {
		return found, nil, nil
	}
	return found, card.NewProducts(answer.Products, c.reader(visit, l), visit.Portal.Settings), nil
}

// Home makes the app's own page: the types, and the newest deals. Who may not read deals can choose another type; that
// one says why where it is refused too.
func (c *Cards) Home(ctx context.Context, visit *gate.Visit, l *i18n.Printer) (*templates.HomeView, error) {
	list, err := c.Source.List(ctx, viewerOf(visit, l), crm.ListRequest{EntityTypeID: bitrix24.Deal})
	if err != nil {
		return nil, gate.Problem(err)
	}
	home := &templates.HomeView{Admin: visit.User.Admin, Types: card.TypeChoices(l, list.Type.Types), Type: bitrix24.Deal}
	if !list.Denied {
		home.List = card.NewList(list, c.reader(visit, l), visit.Portal.Settings, "")
	}
	return home, nil
}

// List makes a list of the newest items of a type, or of those that a query finds.
func (c *Cards) List(ctx context.Context, visit *gate.Visit, l *i18n.Printer, req crm.ListRequest) (*card.List, error) {
	list, err := c.Source.List(ctx, viewerOf(visit, l), req)
	if err != nil {
		return nil, gate.Problem(err)
	}
	if list.Denied {
		return nil, portal.Problemf(portal.AccessDenied, "the user may not read items of type %d", req.EntityTypeID)
	}
	return card.NewList(list, c.reader(visit, l), visit.Portal.Settings, strings.TrimSpace(req.Query)), nil
}

// Preview makes the card of an item as it would be with other settings; of the newest item of the type where none is named.
func (c *Cards) Preview(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref, chosen portal.Settings) (*card.Card, error) {
	if ref.ID == 0 {
		list, err := c.List(ctx, visit, l, crm.ListRequest{EntityTypeID: ref.EntityTypeID})
		if err != nil {
			return nil, err
		}
		if len(list.Items) == 0 {
			return nil, portal.Problemf(portal.NotFound, "type %d has no item to show", ref.EntityTypeID)
		}
		ref = list.Items[0].Ref
	}
	return c.LoadAs(ctx, visit, ref, l, chosen)
}

// Choices are what can be arranged of a type's cards, with how the card of a pipeline stands now.
func (c *Cards) Choices(ctx context.Context, visit *gate.Visit, l *i18n.Printer, entityTypeID int, pipeline string) (*card.Choices, error) {
	known, err := c.Source.TypeCard(ctx, viewerOf(visit, l), entityTypeID, pipeline)
	if err != nil {
		return nil, gate.Problem(err)
	}
	return card.NewChoices(l, entityTypeID, known), nil
}

// Describe tells what fields and pipelines of types are called. What the portal does not describe is left out.
func (c *Cards) Describe(ctx context.Context, visit *gate.Visit, l *i18n.Printer, entityTypeIDs []int) (map[int]card.Names, error) {
	types, err := c.Source.Describe(ctx, viewerOf(visit, l), entityTypeIDs)
	if err != nil {
		return nil, gate.Problem(err)
	}
	found := map[int]card.Names{}
	for id, t := range types {
		found[id] = card.NewNames(l, id, t)
	}
	return found, nil
}
