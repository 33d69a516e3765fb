package crm

import (
	"context"
	"strconv"

	"itemlens/internal/bitrix24"
)

// maxDescribed is how many types are described at once: a batch has room for their fields and pipelines.
const maxDescribed = bitrix24.MaxBatch / 2

// Describe tells fields and pipelines of several types, from memory where the viewer was told lately, and of those that the
// portal does not describe to them, or that are too many, nothing. It takes one request at most.
func (s *Source) Describe(ctx context.Context, v Viewer, entityTypeIDs []int) (map[int]*Type, error) {
	found := map[int]*Type{}
	var commands []bitrix24.Command
	key := func(what string, id int) string { return what + strconv.Itoa(id) }
	for _, id := range entityTypeIDs[:min(len(entityTypeIDs), maxDescribed)] {
		known := s.Cache.typeOf(v.Who(), id)
		found[id] = known
		if known.Fields == nil {
			command := fieldsCommand(id)
			command.Key = key(command.Key, id)
			commands = append(commands, command)
		}
		if known.Pipelines == nil {
			command := pipelinesCommand(id)
			command.Key = key(command.Key, id)
			commands = append(commands, command)
		}
	}
	if len(commands) == 0 {
		return found, nil
	}
	result, err := v.Batch(ctx, commands)
	if err != nil {
		return nil, err
	}
	for id, known := range found {
		if raw, err := result.Raw(key("fields", id)); known.Fields == nil && err == nil {
			if known.Fields, err = keep(s.Cache, v.Who(), id, fieldsClass, raw, readFields); err != nil {
				return nil, err
			}
		}
		if raw, err := result.Raw(key("pipelines", id)); known.Pipelines == nil && (err == nil || isLasting(err)) {
			known.Pipelines, _ = keep(s.Cache, v.Who(), id, pipelinesClass, raw, readPipelines) // none of a type without pipelines
		}
	}
	return found, nil
}
