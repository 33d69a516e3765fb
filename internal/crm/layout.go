package crm

import "context"

// TypeCard is what there is to arrange of a type's cards: its fields and pipelines, and how its card stands now.
type TypeCard struct {
	*Type
	Arrangement *Arrangement // nil where nobody arranged the card in the portal
}

// TypeCard reads what can be arranged of a type, as the portal has it now. The card is that of a pipeline, or of the type's
// first one where none is named. It takes one request, and a second one where the first pipeline has to be found.
func (s *Source) TypeCard(ctx context.Context, v Viewer, entityTypeID int, pipeline string) (*TypeCard, error) {
	var pipelines []string
	if pipeline != "" {
		pipelines = []string{pipeline}
	}
	commands := append(arrangementCommands(entityTypeID, pipelines), fieldsCommand(entityTypeID), pipelinesCommand(entityTypeID))
	result, err := v.Batch(ctx, commands)
	if err != nil {
		return nil, err
	}
	known, err := s.learnType(v.Who(), entityTypeID, &Type{}, result)
	if err != nil {
		return nil, err
	}
	card := &TypeCard{Type: known.complete()}
	if arrangedByPipeline(entityTypeID) && pipeline == "" && len(card.Pipelines.IDs) > 0 {
		pipeline = card.Pipelines.IDs[0]
		if result, err = v.Batch(ctx, arrangementCommands(entityTypeID, []string{pipeline})); err != nil {
			return nil, err
		}
	}
	card.Arrangement = s.arrangement(v.Who(), arrangementOf(result, entityTypeID, pipeline, false))
	return card, nil
}
