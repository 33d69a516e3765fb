package settings

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"itemlens/internal/card"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// changed is what a page is told of a change that was made.
type changed struct {
	Version  int64           `json:"version"`
	Settings portal.Settings `json:"settings"`
	Message  string          `json:"message,omitempty"`
}

// save replaces the settings by those of the page, which may have come from a file.
func (h *Handler) save(c echo.Context) error {
	ctx := c.Request().Context()
	var req struct {
		Version  int64           `json:"version"`
		Settings json.RawMessage `json:"settings"`
		Import   bool            `json:"import"`
	}
	visit, l, err := h.Resume(c, &req)
	if err != nil {
		return err
	}
	chosen, err := parse(req.Settings)
	if err != nil {
		return err
	}
	if chosen, err = h.validate(ctx, visit, chosen); err != nil {
		return err
	}
	action := "save"
	if req.Import {
		action = "import"
	}
	version, err := h.Store.SaveSettings(ctx, visit.Portal.MemberID, req.Version, portal.SettingsChange{
		UserID: visit.User.ID, UserName: visit.User.Name, Action: action, After: chosen,
	})
	if err != nil {
		return h.refused(c, visit, l, req.Version, err)
	}
	return h.follow(c, visit, changed{Version: version, Settings: chosen})
}

// undo takes back the last change that was not taken back yet.
func (h *Handler) undo(c echo.Context) error {
	var req struct {
		Version int64 `json:"version"`
	}
	visit, l, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	version, undone, err := h.Store.UndoSettings(c.Request().Context(), visit.Portal.MemberID, req.Version, visit.User)
	if err != nil {
		return h.refused(c, visit, l, req.Version, err)
	}
	return h.follow(c, visit, changed{version, undone.Before, l.T("settings.undone", "When", when(l, visit.User, undone.At), "Name", undone.UserName)})
}

// restore puts the settings back to what they were before one of the changes in the history.
func (h *Handler) restore(c echo.Context) error {
	var req struct {
		Version int64 `json:"version"`
		Before  int64 `json:"before"` // the version that the change made
	}
	visit, l, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	version, named, err := h.Store.RestoreSettings(c.Request().Context(), visit.Portal.MemberID, req.Version, req.Before, visit.User)
	if err != nil {
		return h.refused(c, visit, l, req.Version, err)
	}
	return h.follow(c, visit, changed{version, named.Before, l.T("settings.restored", "When", when(l, visit.User, named.At), "Name", named.UserName)})
}

// follow has the portal follow a change, by the queue.
func (h *Handler) follow(c echo.Context, visit *gate.Visit, made changed) error {
	if err := h.Planner.PlanBind(c.Request().Context(), visit.Portal.MemberID); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, made)
}

// refused says why a change was not made. Where somebody else's came first the page is told whose, and what stands now, so
// that it can join both.
func (h *Handler) refused(c echo.Context, visit *gate.Visit, l *i18n.Printer, version int64, err error) error {
	switch {
	case errors.Is(err, portal.ErrSettingsConflict):
		return h.conflict(c, visit, l, version, err)
	case errors.Is(err, portal.ErrNothingToUndo):
		return &portal.Error{Problem: portal.NothingToUndo, Err: err}
	case errors.Is(err, portal.ErrUnknownPortal):
		return &portal.Error{Problem: portal.NotInstalled, Err: err}
	}
	return err
}

// conflict answers what others have saved since a version of the settings.
func (h *Handler) conflict(c echo.Context, visit *gate.Visit, l *i18n.Printer, version int64, cause error) error {
	problem := &portal.Error{Problem: portal.SettingsConflict, Err: cause}
	changes, err := h.changesSince(c.Request().Context(), visit.Portal.MemberID, version)
	if err != nil {
		return err
	}
	if len(changes) == 0 { // the page knows of a version that is not there
		return problem
	}
	last := changes[0]
	parts := h.narrator(l, nil).inWords(differences(changes[len(changes)-1].Before, last.After))
	if parts == "" {
		parts = "–"
	}
	code := string(portal.SettingsConflict)
	c.Set("problem", code)
	c.Set("reason", cause.Error())
	return c.JSON(http.StatusConflict, struct {
		Error     string  `json:"error"`
		Message   string  `json:"message"`
		Text      string  `json:"text"`
		Todo      string  `json:"todo"`
		Reference string  `json:"reference"`
		Name      string  `json:"name"`
		Theirs    changed `json:"theirs"`
	}{
		Error: code, Message: l.T("problem." + code + ".title"), Text: l.T("problem." + code + ".text"), Todo: l.T("problem." + code + ".todo"),
		Reference: c.Response().Header().Get(echo.HeaderXRequestID), Name: last.UserName,
		Theirs: changed{last.Version, last.After, l.T("settings.conflict", "Name", last.UserName, "When", when(l, visit.User, last.At), "Parts", parts)},
	})
}

// changesSince are the changes after a version, the newest first.
func (h *Handler) changesSince(ctx context.Context, id portal.MemberID, version int64) ([]portal.SettingsChange, error) {
	const all = 1000 // more than are kept
	changes, err := h.Store.SettingsChanges(ctx, id, all)
	if err != nil {
		return nil, err
	}
	for i, change := range changes {
		if change.Version <= version {
			return changes[:i], nil
		}
	}
	return changes, nil
}

// fit answers what of settings that come from a file this portal can take. It changes nothing: the page shows them, and
// whoever imports decides.
func (h *Handler) fit(c echo.Context) error {
	var req struct {
		Settings json.RawMessage `json:"settings"`
	}
	visit, l, err := h.Resume(c, &req)
	if err != nil {
		return err
	}
	chosen, err := parse(req.Settings)
	if err != nil {
		return err
	}
	has, err := h.takeInventory(c.Request().Context(), visit, chosen)
	if err != nil {
		return err
	}
	types := map[int]string{}
	for id, name := range has.types {
		types[id] = card.TypeName(l, id, name)
	}
	fitting, left, err := has.fit(h.narrator(l, types), chosen)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, struct {
		Settings portal.Settings `json:"settings"`
		Left     []string        `json:"left"` // what the portal does not have, in words
	}{fitting, left})
}
