// Package settings is the administrator's page: what can be chosen for a portal, checked against what the portal really
// has, saved with its history, and followed by the portal's tabs. Every request asks the portal anew whether its user is
// an administrator; the session says only who it is.
package settings

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"

	"itemlens/internal/bitrix24"
	"itemlens/internal/card"
	"itemlens/internal/crm"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/inpage"
	"itemlens/internal/install"
	"itemlens/internal/portal"
	"itemlens/web/templates"
)

// Store is what settings need of storage.
type Store interface {
	SaveSettings(ctx context.Context, id portal.MemberID, version int64, c portal.SettingsChange) (int64, error)
	UndoSettings(ctx context.Context, id portal.MemberID, version int64, by portal.User) (int64, error)
	SettingsChanges(ctx context.Context, id portal.MemberID, limit int) ([]portal.SettingsChange, error)
	Holdings(ctx context.Context, id portal.MemberID) (portal.Holdings, error)
	ErasePortal(ctx context.Context, id portal.MemberID) error
}

// Tabs knows where the app's tabs stand in a portal.
type Tabs interface {
	Tabs(ctx context.Context, visit *gate.Visit) ([]install.TabState, error)
}

// Planner puts work into the queue.
type Planner interface {
	PlanBind(ctx context.Context, id portal.MemberID) error
}

// Cards shows what settings would do, and what can be arranged.
type Cards interface {
	// Preview makes the card of an item, or of the newest one of its type where ref names none.
	Preview(ctx context.Context, visit *gate.Visit, l *i18n.Printer, ref crm.Ref, chosen portal.Settings) (*card.Card, error)
	Choices(ctx context.Context, visit *gate.Visit, l *i18n.Printer, entityTypeID int) (*card.Choices, error)
}

// Handler serves the settings. Every route is a request of an open page.
type Handler struct {
	inpage.Site
	Store   Store
	Tabs    Tabs
	Planner Planner
	Cards   Cards
	Forget  func(portal.MemberID) // called when a portal is erased, for what this process keeps of it
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/in/settings", h.show)
	e.POST("/in/settings/card", h.card)
	e.POST("/in/settings/preview", h.preview)
	e.POST("/in/settings/save", h.save)
	e.POST("/in/settings/undo", h.undo)
	e.POST("/in/settings/repair", h.repair)
	e.POST("/in/settings/erase", h.erase)
}

// show answers the settings page as HTML.
func (h *Handler) show(c echo.Context) error {
	var none struct{}
	visit, l, err := h.Resume(c, &none)
	if err != nil {
		return err
	}
	return h.render(c, visit, l)
}

func (h *Handler) render(c echo.Context, visit *gate.Visit, l *i18n.Printer) error {
	ctx := c.Request().Context()
	tabs, err := h.Tabs.Tabs(ctx, visit)
	if err != nil {
		return err
	}
	p := templates.SettingsView{Portal: visit.Portal, Languages: h.languages(visit.Portal.Settings)}
	for _, tab := range tabs {
		p.Tabs = append(p.Tabs, templates.SettingsTab{
			EntityTypeID: tab.EntityTypeID, Name: card.TypeName(l, tab.EntityTypeID, tab.Title), Wanted: tab.Wanted, Stands: tab.Stands, Absent: tab.Absent,
		})
		p.Drift = p.Drift || tab.Wanted != tab.Stands && !tab.Absent
	}
	changes, err := h.Store.SettingsChanges(ctx, visit.Portal.MemberID, 20)
	if err != nil {
		return err
	}
	for _, made := range changes {
		at := made.At
		if zone := visit.User.Location(); zone != nil {
			at = at.In(zone)
		}
		p.Changes = append(p.Changes, templates.SettingsChange{SettingsChange: made, When: l.DateTime(at), Parts: differences(made.Before, made.After)})
	}
	if p.Holdings, err = h.Store.Holdings(ctx, visit.Portal.MemberID); err != nil {
		return err
	}
	if p.JSON, err = json.Marshal(visit.Portal.Settings); err != nil {
		return err
	}
	return h.Render(c, http.StatusOK, templates.Settings(l, p))
}

func (h *Handler) languages(s portal.Settings) []templates.SettingsLanguage {
	var all []templates.SettingsLanguage
	for _, code := range h.Catalog.Languages() {
		all = append(all, templates.SettingsLanguage{Code: code, Name: h.Catalog.For(code).T("language.name"), Title: s.Titles[code]})
	}
	return all
}

// differences names the parts of settings that a change touched.
func differences(before, after portal.Settings) []string {
	var parts []string
	var old, now map[string]json.RawMessage
	a, _ := json.Marshal(before)
	b, _ := json.Marshal(after)
	_ = json.Unmarshal(a, &old)
	_ = json.Unmarshal(b, &now)
	for _, part := range []string{"tabsOff", "titles", "cards", "showEmpty", "codesFor", "language"} {
		if string(old[part]) != string(now[part]) {
			parts = append(parts, part)
		}
	}
	return parts
}

// admin resumes a visit and asks the portal whether its user is an administrator.
func (h *Handler) admin(c echo.Context, into any) (*gate.Visit, *i18n.Printer, error) {
	visit, l, err := h.Resume(c, into)
	if err != nil {
		return nil, nil, err
	}
	visit.AskWho()
	if _, err := visit.Batch(c.Request().Context(), nil); err != nil {
		return nil, nil, err
	}
	return visit, l, onlyAdmin(visit)
}

func onlyAdmin(visit *gate.Visit) error {
	if !visit.User.Admin {
		return portal.Problemf(portal.AdminOnly, "user %d is no administrator", visit.User.ID)
	}
	return nil
}

// save replaces the settings: those of the page, or those of a file.
func (h *Handler) save(c echo.Context) error {
	ctx := c.Request().Context()
	var req struct {
		Version  int64           `json:"version"`
		Settings json.RawMessage `json:"settings"`
		Import   bool            `json:"import"`
	}
	visit, _, err := h.Resume(c, &req)
	if err != nil {
		return err
	}
	chosen, err := parse(req.Settings)
	if err != nil {
		return err
	}
	if err := h.validate(ctx, visit, chosen); err != nil {
		return err
	}
	action := "save"
	if req.Import {
		action = "import"
	}
	version, err := h.Store.SaveSettings(ctx, visit.Portal.MemberID, req.Version, portal.SettingsChange{
		UserID: visit.User.ID, UserName: visit.User.Name, Action: action, After: chosen,
	})
	return h.changed(c, visit, version, err)
}

// undo takes the last change back.
func (h *Handler) undo(c echo.Context) error {
	var req struct {
		Version int64 `json:"version"`
	}
	visit, _, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	version, err := h.Store.UndoSettings(c.Request().Context(), visit.Portal.MemberID, req.Version, visit.User)
	return h.changed(c, visit, version, err)
}

// changed has the portal follow a change, by the queue.
func (h *Handler) changed(c echo.Context, visit *gate.Visit, version int64, err error) error {
	switch {
	case errors.Is(err, portal.ErrSettingsConflict):
		return &portal.Error{Problem: portal.SettingsConflict, Err: err}
	case errors.Is(err, portal.ErrNothingToUndo):
		return &portal.Error{Problem: portal.InvalidSettings, Err: err}
	case errors.Is(err, portal.ErrUnknownPortal):
		return &portal.Error{Problem: portal.NotInstalled, Err: err}
	case err != nil:
		return err
	}
	if err := h.Planner.PlanBind(c.Request().Context(), visit.Portal.MemberID); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"version": version})
}

// repair has the portal's tabs made right, by the queue.
func (h *Handler) repair(c echo.Context) error {
	var none struct{}
	visit, _, err := h.admin(c, &none)
	if err != nil {
		return err
	}
	if err := h.Planner.PlanBind(c.Request().Context(), visit.Portal.MemberID); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]bool{"planned": true})
}

// erase forgets everything of the portal, once its domain was typed to confirm it.
func (h *Handler) erase(c echo.Context) error {
	var req struct {
		Confirm string `json:"confirm"`
	}
	visit, _, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	if strings.TrimSpace(req.Confirm) != visit.Portal.Domain {
		return &bitrix24.FormError{Field: "confirm", Reason: "is not the domain of the portal"}
	}
	if err := h.Store.ErasePortal(c.Request().Context(), visit.Portal.MemberID); err != nil {
		return err
	}
	h.Forget(visit.Portal.MemberID)
	c.Set("event", "erased by an administrator") // the request's own line in the log is what remains of it
	return c.JSON(http.StatusOK, map[string]bool{"erased": true})
}

// preview answers the card of an item as it would be with other settings.
func (h *Handler) preview(c echo.Context) error {
	var req struct {
		EntityTypeID int             `json:"entityTypeId"`
		ID           int64           `json:"id"`
		Settings     json.RawMessage `json:"settings"`
	}
	visit, l, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	chosen, err := parse(req.Settings)
	if err != nil {
		return err
	}
	if what := chosen.Check(h.Catalog.Languages()); what != "" {
		return &portal.Error{Problem: portal.InvalidSettings, Detail: what, Err: errors.New("settings that are none")}
	}
	shown, err := h.Cards.Preview(c.Request().Context(), visit, l, crm.Ref{EntityTypeID: req.EntityTypeID, ID: req.ID}, chosen)
	if err != nil {
		return err
	}
	return h.Render(c, http.StatusOK, templates.SettingsPreview(l, shown))
}

// card answers the fields of a type, to arrange them.
func (h *Handler) card(c echo.Context) error {
	var req struct {
		EntityTypeID int `json:"entityTypeId"`
	}
	visit, l, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	if req.EntityTypeID <= 0 {
		return &bitrix24.FormError{Field: "entityTypeId", Reason: "must be a positive whole number"}
	}
	fields, err := h.Cards.Choices(c.Request().Context(), visit, l, req.EntityTypeID)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, fields)
}

// maxSettings bounds the text of settings, far above what any portal needs.
const maxSettings = 128 << 10

// parse reads settings; what names something unknown is no settings. A text with characters that no text has, such as
// NUL, which Postgres does not take, is a form that cannot be understood.
func parse(raw json.RawMessage) (portal.Settings, error) {
	var chosen portal.Settings
	if len(raw) > maxSettings {
		return chosen, &portal.Error{Problem: portal.InvalidSettings, Detail: "> " + strconv.Itoa(maxSettings), Err: errors.New("settings that are too long")}
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&chosen); err != nil {
		return chosen, &portal.Error{Problem: portal.InvalidSettings, Err: errors.New("no settings of this app")}
	}
	for _, text := range texts(chosen) {
		if strings.ContainsFunc(text, unicode.IsControl) {
			return chosen, &bitrix24.FormError{Field: "settings", Reason: "holds a control character"}
		}
	}
	return chosen, nil
}

// texts are all texts of settings, names included.
func texts(s portal.Settings) []string {
	all := []string{s.CodesFor, s.Language}
	for lang, title := range s.Titles {
		all = append(all, lang, title)
	}
	for key, card := range s.Cards {
		all = append(all, key)
		all = append(all, card.Fields()...)
		for _, section := range card.Sections {
			all = append(all, section.Title)
		}
	}
	return all
}
