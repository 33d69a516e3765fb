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
	"time"
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
	UndoSettings(ctx context.Context, id portal.MemberID, version int64, by portal.User) (int64, portal.SettingsChange, error)
	RestoreSettings(ctx context.Context, id portal.MemberID, version, before int64, by portal.User) (int64, portal.SettingsChange, error)
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
	Choices(ctx context.Context, visit *gate.Visit, l *i18n.Printer, entityTypeID int, pipeline string) (*card.Choices, error)
	List(ctx context.Context, visit *gate.Visit, l *i18n.Printer, req crm.ListRequest) (*card.List, error)
	// Describe tells what fields and pipelines of types are called.
	Describe(ctx context.Context, visit *gate.Visit, l *i18n.Printer, entityTypeIDs []int) (map[int]card.Names, error)
}

// Handler serves the settings. Every route is a request of an open page.
type Handler struct {
	inpage.Site
	Store   Store
	Tabs    Tabs
	Planner Planner
	Cards   Cards
	Forget  func(portal.MemberID) // called when a portal is erased, for what this process keeps of it
	Now     func() time.Time
}

// Register adds the routes.
func (h *Handler) Register(e *echo.Echo) {
	e.POST("/in/settings", h.show)
	e.POST("/in/settings/state", h.state)
	e.POST("/in/settings/card", h.card)
	e.POST("/in/settings/items", h.items)
	e.POST("/in/settings/preview", h.preview)
	e.POST("/in/settings/save", h.save)
	e.POST("/in/settings/undo", h.undo)
	e.POST("/in/settings/restore", h.restore)
	e.POST("/in/settings/import", h.fit)
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
	view, err := h.view(c.Request().Context(), visit, l)
	if err != nil {
		return err
	}
	return h.Render(c, http.StatusOK, templates.Settings(l, view))
}

// followTime is how long the portal's tabs may take to follow a change before that is worth a warning.
const followTime = time.Minute

// shownChanges is how many changes the page's history lists.
const shownChanges = 20

// view reads what the page shows: what was chosen, what stands in the portal, and the history.
func (h *Handler) view(ctx context.Context, visit *gate.Visit, l *i18n.Printer) (templates.SettingsView, error) {
	view := templates.SettingsView{Portal: visit.Portal, Languages: h.languages(visit.Portal.Settings)}
	tabs, err := h.Tabs.Tabs(ctx, visit)
	if err != nil {
		return view, err
	}
	types := map[int]string{}
	for _, tab := range tabs {
		name := card.TypeName(l, tab.EntityTypeID, tab.Title)
		types[tab.EntityTypeID] = name
		view.Tabs = append(view.Tabs, templates.SettingsTab{
			EntityTypeID: tab.EntityTypeID, Name: name, Wanted: tab.Wanted, Stands: tab.Stands, OtherTitle: tab.OtherTitle, Absent: tab.Absent,
		})
		view.Drift = view.Drift || (tab.Wanted != tab.Stands || tab.Wanted && tab.OtherTitle) && !tab.Absent
	}
	changes, err := h.Store.SettingsChanges(ctx, visit.Portal.MemberID, shownChanges)
	if err != nil {
		return view, err
	}
	narrator := h.narrator(l, types)
	if arranged := arrangedTypes(changes); len(arranged) > 0 {
		if narrator.arranged, err = h.Cards.Describe(ctx, visit, l, arranged); err != nil {
			return view, err
		}
	}
	for _, made := range changes {
		view.Changes = append(view.Changes, templates.SettingsChange{
			SettingsChange: made, When: when(l, visit.User, made.At), Parts: narrator.inWords(differences(made.Before, made.After)),
			Lines: narrator.lines(made.Before, made.After),
		})
	}
	view.Following = view.Drift && len(changes) > 0 && h.Now().Sub(changes[0].At) < followTime
	if view.Holdings, err = h.Store.Holdings(ctx, visit.Portal.MemberID); err != nil {
		return view, err
	}
	view.JSON, err = json.Marshal(visit.Portal.Settings)
	return view, err
}

func (h *Handler) narrator(l *i18n.Printer, types map[int]string) narrator {
	n := narrator{l: l, types: types, languages: map[string]string{}}
	for _, code := range h.Catalog.Languages() {
		n.languages[code] = h.Catalog.For(code).T("language.name")
	}
	return n
}

// when writes a moment in the zone of who reads it.
func when(l *i18n.Printer, reader portal.User, at time.Time) string {
	if zone := reader.Location(); zone != nil {
		at = at.In(zone)
	}
	return l.DateTime(at)
}

// state answers how far the portal follows what was chosen, and what is new in the history since the page was drawn.
func (h *Handler) state(c echo.Context) error {
	var req struct {
		Version int64 `json:"version"` // of the history that the page shows
	}
	visit, l, err := h.Resume(c, &req)
	if err != nil {
		return err
	}
	view, err := h.view(c.Request().Context(), visit, l)
	if err != nil {
		return err
	}
	answer := struct {
		Version int64             `json:"version"`
		Drift   bool              `json:"drift"`
		Failed  string            `json:"failed,omitempty"` // why the last binding failed
		BoundAt string            `json:"boundAt"`          // when that was
		Tabs    map[string]string `json:"tabs"`             // how each stands, in words
		History string            `json:"history,omitempty"`
		Data    string            `json:"data,omitempty"` // what is stored
	}{
		Version: visit.Portal.SettingsVersion, Drift: view.Drift, Failed: templates.BindingFailed(l, view), BoundAt: view.BoundAt(), Tabs: map[string]string{},
	}
	for _, tab := range view.Tabs {
		answer.Tabs[strconv.Itoa(tab.EntityTypeID)] = tab.State(l)
	}
	if req.Version != answer.Version {
		if answer.History, err = h.Text(c, templates.SettingsHistory(l, view)); err != nil {
			return err
		}
		if answer.Data, err = h.Text(c, templates.SettingsHoldings(l, view)); err != nil {
			return err
		}
	}
	return c.JSON(http.StatusOK, answer)
}

func (h *Handler) languages(s portal.Settings) []templates.SettingsLanguage {
	var all []templates.SettingsLanguage
	for _, code := range h.Catalog.Languages() {
		all = append(all, templates.SettingsLanguage{Code: code, Name: h.Catalog.For(code).T("language.name"), Title: s.Titles[code]})
	}
	return all
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
	if !strings.EqualFold(strings.TrimSpace(req.Confirm), visit.Portal.Domain) {
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

// card answers what can be arranged of the cards of a type, or of one of its pipelines.
func (h *Handler) card(c echo.Context) error {
	var req struct {
		EntityTypeID int    `json:"entityTypeId"`
		Pipeline     string `json:"pipeline"` // "" for all
	}
	visit, l, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	key := portal.CardKey(req.EntityTypeID, req.Pipeline)
	if _, _, ok := portal.ParseCardKey(key); !ok {
		return &bitrix24.FormError{Field: "entityTypeId, pipeline", Reason: "must be whole numbers"}
	}
	choices, err := h.Cards.Choices(c.Request().Context(), visit, l, req.EntityTypeID, req.Pipeline)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, choices)
}

// maxQuery is how long a search may be, in bytes.
const maxQuery = 400

// items answers the newest items of a type, or those that a search finds, to choose one for the preview.
func (h *Handler) items(c echo.Context) error {
	var req struct {
		EntityTypeID int    `json:"entityTypeId"`
		Query        string `json:"query"`
	}
	visit, l, err := h.admin(c, &req)
	if err != nil {
		return err
	}
	if req.EntityTypeID <= 0 || len(req.Query) > maxQuery {
		return &bitrix24.FormError{Field: "entityTypeId, query", Reason: "must be a positive whole number, and short"}
	}
	list, err := h.Cards.List(c.Request().Context(), visit, l, crm.ListRequest{EntityTypeID: req.EntityTypeID, Query: req.Query})
	if err != nil {
		return err
	}
	type item struct {
		ID       int64  `json:"id"`
		Title    string `json:"title"`
		Pipeline string `json:"pipeline"`
	}
	found := []item{}
	for _, one := range list.Items {
		found = append(found, item{one.Ref.ID, one.Title, one.Pipeline})
	}
	return c.JSON(http.StatusOK, found)
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
