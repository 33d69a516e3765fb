// Package crm reads: what a portal's CRM says of an item and of its type, as typed values. It knows the commands of a
// batch and the readers of their answers, and keeps of the answers what may be kept. It asks through a Viewer, so that
// every answer is one that the user who looks was given. It speaks no human language and draws nothing: that is what
// packages card and page do with what it returns.
package crm

import (
	"context"
	"errors"

	"itemlens/internal/bitrix24"
	"itemlens/internal/portal"
)

// Viewer is the user who looks: it asks the portal with that user's token.
type Viewer interface {
	// Batch runs at most bitrix24.MaxBatch-1 commands in one request. Errors of single commands are in the result.
	Batch(ctx context.Context, commands []bitrix24.Command) (*bitrix24.BatchResult, error)
	// Who tells who looks. The user may be unknown (0) before the first Batch.
	Who() Who
}

// Who is a viewer as the cache knows them. What a portal answers may differ by user, so what is kept is kept by viewer.
type Who struct {
	Portal  portal.MemberID
	Version Version
	User    portal.UserID // 0 while the portal has not said yet who it is
	Lang    string        // the catalog's code of the language that the user asks in
}

// Version is the state of an installation: what was read in an earlier one, or before a change that the portal told by
// an event, is not used.
type Version struct {
	InstalledAt int64 // microseconds
	Schema      int64 // counts the changes of fields, dictionaries and types
}

// installation is the version of what does not end with a change of the schema.
func (v Version) installation() Version { return Version{InstalledAt: v.InstalledAt} }

// VersionOf is the state of a portal's installation.
func VersionOf(p portal.Portal) Version { return Version{p.InstalledAt.UnixMicro(), p.SchemaVersion} }

// Source reads items and lists.
type Source struct {
	Cache *Cache
}

// Reading is an item with what it takes to make its card.
type Reading struct {
	Ref         Ref
	Item        *Item
	Type        *Type
	Arrangement *Arrangement // as the portal's own card; nil where nobody arranged it
	Products    ProductRows
	Names       Names
}

// Item reads an item as the user who looks. It takes one request where the type is known to this viewer, and two at most:
// the second one asks for what could not be asked for before the item's pipeline, or who looks, was known. Names of people
// and of linked items that are not known stay open; Names finds them.
func (s *Source) Item(ctx context.Context, v Viewer, ref Ref) (*Reading, error) {
	scope := scopeOf(v.Who(), ref.EntityTypeID)
	if !s.Cache.met(scope) {
		defer s.Cache.flights.begin(ctx, scope)()
	}
	pipelines, met := s.Cache.pipelinesOf(scope)
	known := s.Cache.typeOf(v.Who(), ref.EntityTypeID)
	var commands []bitrix24.Command
	commands = append(commands, itemCommand(ref))
	if HasProducts(ref.EntityTypeID) {
		commands = append(commands, productCommand(ref, 0))
	}
	arrangements := arrangementCommands(ref.EntityTypeID, pipelines)
	commands = append(commands, arrangements...)
	// Where somebody else read this type a moment ago, this user most likely is known too, once the portal has said who
	// it is; otherwise everything is asked for at once.
	askedAll := v.Who().User != 0 || !met
	if askedAll {
		commands = append(commands, known.missing(ref.EntityTypeID)...)
	}
	result, err := v.Batch(ctx, commands)
	if err != nil {
		return nil, err
	}
	item, err := itemOf(result)
	if err != nil {
		return nil, err
	}
	r := &Reading{Ref: ref, Item: item, Names: s.names(v.Who())}
	r.Products = readProducts(result)
	if known, err = s.learnType(v.Who(), ref.EntityTypeID, known, result); err != nil {
		return nil, err
	}
	second := known.furtherStatuses()
	if !askedAll {
		second = known.missing(ref.EntityTypeID)
	}
	category := item.Text("categoryId")
	arranged := arrangementAsked(ref.EntityTypeID, pipelines, category)
	if !arranged {
		second = append(second, arrangementCommands(ref.EntityTypeID, []string{category})...)
	}
	if len(second) > 0 {
		more, err := v.Batch(ctx, second)
		if err != nil {
			return nil, err
		}
		if known, err = s.learnType(v.Who(), ref.EntityTypeID, known, more); err != nil {
			return nil, err
		}
		if !arranged {
			result = more
		}
	}
	if known.Fields == nil {
		return nil, errNoFields
	}
	s.Cache.meet(scope, known)
	r.Type = known.complete()
	r.Arrangement = s.arrangement(v.Who(), readArrangement(result, ref.EntityTypeID, item))
	return r, nil
}

// errNoFields says that the portal answered twice without telling the fields of a type.
var errNoFields = &bitrix24.AnswerError{Method: "crm.item.fields", Status: 200, Kind: "no_result", Err: errors.New("no fields")}

// learnType takes from an answer what was not known of a type and keeps it for this viewer. What could not be read for a
// reason that passes is not kept: the card shows codes in its place, and the next one asks again. Only the fields are
// needed; an error is about them.
func (s *Source) learnType(who Who, entityTypeID int, known *Type, result *bitrix24.BatchResult) (*Type, error) {
	kept := s.Cache.typeOf(who, entityTypeID) // who looks may have become known meanwhile
	out := known.or(kept)
	if out.Fields == nil && result.Has("fields") {
		raw, err := result.Raw("fields")
		if err != nil {
			return nil, err
		}
		fields, err := keep(s.Cache, who, entityTypeID, fieldsClass, raw, readFields)
		if err != nil {
			return nil, err
		}
		out.Fields = fields
	}
	if out.Pipelines == nil && result.Has("pipelines") {
		switch raw, err := result.Raw("pipelines"); {
		case err == nil:
			out.Pipelines, _ = keep(s.Cache, who, entityTypeID, pipelinesClass, raw, readPipelines)
		case isLasting(err): // a type without pipelines, or a user who may see none
			out.Pipelines, _ = keep(s.Cache, who, entityTypeID, pipelinesClass, nil, readPipelines)
		}
	}
	if out.Statuses == nil && (result.Has("statuses") || known.firstStatuses != nil) {
		_, refused := result.Raw("statuses")
		raw, entries, total := joinedStatuses(result, known.firstStatuses)
		switch missing := total - entries; {
		case entries == 0 && !isLasting(refused): // not answered, for a reason that passes
		case missing > 0:
			out.firstStatuses, out.statusPages = raw, min((missing+statusesPage-1)/statusesPage, maxStatusPages)
		default:
			out.Statuses, _ = keep(s.Cache, who, 0, statusesClass, raw, readStatuses)
			out.firstStatuses = nil
		}
	}
	if out.Types == nil && result.Has("types") {
		switch raw, err := result.Raw("types"); {
		case err == nil:
			out.Types, _ = keep(s.Cache, who, 0, typesClass, raw, readTypes)
		case isLasting(err):
			out.Types, _ = keep(s.Cache, who, 0, typesClass, nil, readTypes)
		}
	}
	if out.Currencies == nil && result.Has("currencies") {
		switch raw, err := result.Raw("currencies"); {
		case err == nil:
			out.Currencies, _ = keep(s.Cache, who, 0, currenciesClass, raw, readCurrencies)
		case isLasting(err):
			out.Currencies, _ = keep(s.Cache, who, 0, currenciesClass, nil, readCurrencies)
		}
	}
	return out, nil
}

// isLasting reports that a command was refused for good, as far as this user is concerned. Everything else may be
// otherwise in a moment and is never kept.
func isLasting(err error) bool {
	return bitrix24.IsAccessDenied(err) || bitrix24.IsNotFound(err) || bitrix24.IsNotSupported(err)
}
