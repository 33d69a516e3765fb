package crm

import (
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
)

// isStageDictionary reports whether a dictionary holds stages of a type
// (api-reference/crm/status/crm-status-entity-types.md): types with pipelines have one for each.
func isStageDictionary(entityTypeID int, entityID string) bool {
	name := "DYNAMIC_" + strconv.Itoa(entityTypeID) + "_STAGE"
	switch entityTypeID {
	case bitrix24.Lead:
		return entityID == "STATUS"
	case bitrix24.Quote:
		return entityID == "QUOTE_STATUS"
	case bitrix24.Deal:
		name = "DEAL_STAGE"
	case bitrix24.SmartInvoice:
		name = "SMART_INVOICE_STAGE"
	}
	rest, ok := strings.CutPrefix(entityID, name)
	return ok && (rest == "" || rest[0] == '_' && strings.Trim(rest[1:], "0123456789") == "")
}

// HasStages reports whether items of a type stand in stages.
func HasStages(entityTypeID int) bool {
	return entityTypeID != bitrix24.Contact && entityTypeID != bitrix24.Company
}

// Stage finds a stage of a type by its id, whatever the pipeline.
func (s *Statuses) Stage(entityTypeID int, id string) (Status, bool) {
	for _, entityID := range s.entities {
		if isStageDictionary(entityTypeID, entityID) {
			if status, ok := s.Status(entityID, id); ok {
				return status, true
			}
		}
	}
	return Status{}, false
}

// Ends are the ids of the stages in which items of a type are finished, won or lost.
func (s *Statuses) Ends(entityTypeID int) []string {
	var ids []string
	for _, entityID := range s.entities {
		if !isStageDictionary(entityTypeID, entityID) {
			continue
		}
		for _, status := range s.byEntity[entityID] {
			if status.Ended() {
				ids = append(ids, status.ID)
			}
		}
	}
	return ids
}
