package crm

import (
	"encoding/json"

	"itemlens/internal/bitrix24"
)

// Type is what a viewer was told of a type of items, and of what all types share. A part that is nil is not known.
type Type struct {
	Fields     *Fields
	Pipelines  *Pipelines
	Statuses   *Statuses
	Types      *Types
	Currencies *Currencies

	firstStatuses json.RawMessage // the first page of dictionaries, where the portal has more than it told
	statusPages   int             // how many pages follow it
}

// complete gives every part that is not known an empty one, so that a card shows codes in its place.
func (t *Type) complete() *Type {
	out := *t
	if out.Fields == nil {
		out.Fields = NewFields(nil)
	}
	if out.Pipelines == nil {
		out.Pipelines = &Pipelines{}
	}
	if out.Statuses == nil {
		out.Statuses = NewStatuses(nil)
	}
	if out.Types == nil {
		out.Types = &Types{}
	}
	if out.Currencies == nil {
		out.Currencies = NewCurrencies(nil)
	}
	return &out
}

// or takes the parts that are not known from another.
func (t *Type) or(other *Type) *Type {
	out := *t
	if out.Fields == nil {
		out.Fields = other.Fields
	}
	if out.Pipelines == nil {
		out.Pipelines = other.Pipelines
	}
	if out.Statuses == nil {
		out.Statuses = other.Statuses
	}
	if out.Types == nil {
		out.Types = other.Types
	}
	if out.Currencies == nil {
		out.Currencies = other.Currencies
	}
	return &out
}

// missing asks for the parts that are not known.
func (t *Type) missing(entityTypeID int) []bitrix24.Command {
	var commands []bitrix24.Command
	if t.Fields == nil {
		commands = append(commands, fieldsCommand(entityTypeID))
	}
	if t.Pipelines == nil {
		commands = append(commands, pipelinesCommand(entityTypeID))
	}
	switch further := t.furtherStatuses(); {
	case further != nil:
		commands = append(commands, further...)
	case t.Statuses == nil:
		commands = append(commands, statusesCommand(0))
	}
	if t.Types == nil {
		commands = append(commands, typesCommand())
	}
	if t.Currencies == nil {
		commands = append(commands, currenciesCommand())
	}
	return commands
}

// furtherStatuses asks for the dictionaries' pages after the first one, where a portal pages them.
func (t *Type) furtherStatuses() []bitrix24.Command {
	if t.firstStatuses == nil {
		return nil
	}
	var commands []bitrix24.Command
	for page := 1; page <= t.statusPages; page++ {
		commands = append(commands, statusesCommand(page))
	}
	return commands
}
