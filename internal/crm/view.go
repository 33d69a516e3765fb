package crm

import (
	"context"

	"itemlens/internal/bitrix24"
)

// view reads an item, and beside it what the commands of a view ask for, as the user who looks, with one request. Whoever
// may not read the item gets crm.item.get's error and nothing of the rest. Commands have keys of their own: "item" and those
// of Type.missing are taken. At most bitrix24.MaxBatch-10 commands fit.
func (s *Source) view(ctx context.Context, v Viewer, ref Ref, commands ...bitrix24.Command) (*Reading, *bitrix24.BatchResult, error) {
	known := s.Cache.typeOf(v.Who(), ref.EntityTypeID)
	all := append([]bitrix24.Command{itemCommand(ref)}, known.missing(ref.EntityTypeID)...)
	result, err := v.Batch(ctx, append(all, commands...))
	if err != nil {
		return nil, nil, err
	}
	item, err := itemOf(result)
	if err != nil {
		return nil, nil, err
	}
	if known, err = s.learnType(v.Who(), ref.EntityTypeID, known, result); err != nil {
		return nil, nil, err
	}
	return &Reading{Ref: ref, Item: item, Type: known.complete(), Names: s.names(v.Who())}, result, nil
}
