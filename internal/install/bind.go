package install

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"itemlens/internal/bitrix24"
	"itemlens/internal/gate"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// boundEvents are the events that the app listens to.
var boundEvents = append(
	[]string{bitrix24.OnAppInstall, bitrix24.OnAppUpdate, bitrix24.OnAppUninstall, bitrix24.OnAppPayment}, bitrix24.SchemaEvents()...)

// typePages is how many pages of crm.type.list one batch asks for: 50 types each.
const typePages = 4

// Bounds of what is taken of a portal's answers. No portal comes near them; one that goes beyond costs no more than this,
// and has its first types served.
const (
	maxTypes    = 1000
	maxTypePage = 200  // types that one page may hold
	maxBound    = 3000 // placements and event handlers of the app
	maxTitle    = 500  // bytes of a type's title
)

// portalBindings are what the portal has: its smart process types, and what of the app is bound there.
type portalBindings struct {
	types    []SmartType
	known    map[int]bool // the ids in types
	tabs     []tab
	handlers []eventHandler
	family   string // LICENSE_FAMILY of the portal's plan; empty where it is not told
}

// SmartType is a smart process type of a portal.
type SmartType struct {
	EntityTypeID int    `json:"entityTypeId"`
	Title        string `json:"title"`
}

type tab struct {
	Placement string          `json:"placement"`
	Handler   string          `json:"handler"`
	Title     string          `json:"title"`
	LangAll   bitrix24.Object `json:"langAll"`
}

// titled reports whether a tab is called what it should be. What a portal does not tell counts as right.
func (t tab) titled(titles map[string]string) bool {
	if len(t.LangAll) == 0 {
		return t.Title == "" || t.Title == titles["en"]
	}
	for lang, want := range titles {
		var local struct {
			Title string `json:"TITLE"`
		}
		if json.Unmarshal(t.LangAll[lang], &local) == nil && local.Title != want {
			return false
		}
	}
	return true
}

type eventHandler struct {
	Event   string `json:"event"`
	Handler string `json:"handler"`
}

// Report tells what an installation did, for its page.
type Report struct {
	Types   []SmartType // smart processes with our tab
	Skipped []string    // placements that the portal does not have
}

// commands ask for the bindings. Pages of types are asked for from a start on; a page past the end is empty.
func (*portalBindings) commands(firstTypePage int) []bitrix24.Command {
	commands := []bitrix24.Command{
		{Key: "placements", Method: "placement.get"},
		{Key: "events", Method: "event.get"},
	}
	for i := range typePages {
		page := firstTypePage + i
		commands = append(commands, bitrix24.Command{
			Key: "types" + strconv.Itoa(i), Method: "crm.type.list",
			Params: bitrix24.Params{"order": bitrix24.Params{"id": "ASC"}, "start": page * 50},
		})
	}
	return commands
}

// plan asks what plan the portal has. Nothing depends on an answer but how much is asked of the portal at a time.
var plan = bitrix24.Command{Key: "app", Method: "app.info"}

func (st *portalBindings) readPlan(result *bitrix24.BatchResult) {
	var info struct {
		Family string `json:"LICENSE_FAMILY"`
	}
	if result.Decode(plan.Key, &info) == nil {
		st.family = strings.ToLower(bitrix24.CleanCode(info.Family))
	}
}

func (st *portalBindings) read(result *bitrix24.BatchResult) error {
	if err := st.readBound(result); err != nil {
		return err
	}
	return st.readTypes(result)
}

// readBound reads what of the app is bound. What goes beyond the bound is left alone: the next binding meets it.
func (st *portalBindings) readBound(result *bitrix24.BatchResult) error {
	if err := errors.Join(result.Decode("placements", &st.tabs), result.Decode("events", &st.handlers)); err != nil {
		return err
	}
	st.tabs = st.tabs[:min(len(st.tabs), maxBound)]
	st.handlers = st.handlers[:min(len(st.handlers), maxBound)]
	return nil
}

// readTypes reads pages of types. It returns errMoreTypes where there are more of them; a page that brings nothing new is
// the last one, whatever the portal says.
func (st *portalBindings) readTypes(result *bitrix24.BatchResult) error {
	if st.known == nil {
		st.known = map[int]bool{}
	}
	for i := range typePages {
		var page struct {
			Types []struct {
				EntityTypeID bitrix24.ID `json:"entityTypeId"`
				Title        string      `json:"title"`
			} `json:"types"`
		}
		if err := result.Decode("types"+strconv.Itoa(i), &page); err != nil {
			return err
		}
		full := len(page.Types) >= 50
		before := len(st.types)
		for _, t := range page.Types[:min(len(page.Types), maxTypePage)] {
			id := int(t.EntityTypeID)
			if id <= 0 || st.known[id] || slices.Contains(bitrix24.SystemTypes(), id) || len(st.types) == maxTypes {
				continue
			}
			st.known[id] = true
			st.types = append(st.types, SmartType{id, cut(t.Title, maxTitle)})
		}
		if !full || len(st.types) == before {
			return nil
		}
	}
	return errMoreTypes
}

// cut is the beginning of a text, of whole characters.
func cut(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	return strings.ToValidUTF8(text[:bytes], "")
}

var errMoreTypes = errors.New("there are more pages of types")

// bind makes the portal's placements and event handlers ours: unbinds those that an earlier address of the app left,
// binds those that are missing, and touches nothing else. Doing it again does nothing.
func (s *Service) bind(ctx context.Context, p portal.Portal, token portal.Token, st *portalBindings) (*Report, error) {
	ctx = bitrix24.Vouched(ctx) // by the exchange
	target := gate.Target(p, token)
	report := &Report{Types: st.types}
	commands := s.missing(st, p.Settings)
	for chunk := range slices.Chunk(commands, bitrix24.MaxBatch) {
		result, err := s.REST.Batch(ctx, target, chunk)
		if err != nil {
			return nil, stepFailed("bind", err)
		}
		for _, command := range chunk {
			if bitrix24.IsPlacementNotFound(result.Err(command.Key)) {
				report.Skipped = append(report.Skipped, command.Key)
			}
		}
		if err := s.firstRealFailure(ctx, target, chunk, result); err != nil {
			return nil, err
		}
	}
	skipped := map[string]bool{}
	for _, placement := range report.Skipped {
		skipped[placement] = true
	}
	report.Types = slices.DeleteFunc(slices.Clone(st.types), func(t SmartType) bool { return skipped[bitrix24.DetailTab(t.EntityTypeID)] })
	return report, nil
}

// firstRealFailure tells failures from races: another installation may have bound the same meanwhile, which the
// platform answers with an error. What stands in the portal afterwards is what counts.
func (s *Service) firstRealFailure(ctx context.Context, target bitrix24.Target, chunk []bitrix24.Command, result *bitrix24.BatchResult) error {
	var failed []bitrix24.Command
	for _, command := range chunk {
		err := result.Err(command.Key)
		switch {
		case err == nil || bitrix24.IsPlacementNotFound(err):
		case bitrix24.IsSchemaEvent(command.Key):
			// An older portal may not know the event. Without it, what is kept of the schema ends by age alone.
			s.Log.WarnContext(ctx, "event not bound", "event", command.Key, "reason", err.Error())
		default:
			failed = append(failed, command)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	now := &portalBindings{}
	again, err := s.REST.Batch(ctx, target, now.commands(0)[:2])
	if err != nil {
		return stepFailed("bind", err)
	}
	if err := now.readBound(again); err != nil {
		return stepFailed("bind", err)
	}
	stands := map[string]bool{}
	for _, t := range now.tabs {
		stands[t.Placement] = stands[t.Placement] || t.Handler == s.tabHandler()
	}
	for _, h := range now.handlers {
		event := strings.ToUpper(h.Event)
		stands[event] = stands[event] || h.Handler == s.eventHandler()
	}
	for _, command := range failed {
		if !stands[command.Key] {
			return stepFailed(command.Method+" "+command.Key, result.Err(command.Key))
		}
	}
	return nil
}

// titles are what the tab is called, by the platform's codes of languages.
func (s *Service) titles(chosen portal.Settings) map[string]string {
	titles := maps.Clone(s.Titles)
	for lang, title := range chosen.Titles {
		if title = strings.TrimSpace(title); title != "" {
			titles[i18n.PlatformCode(lang)] = title
		}
	}
	return titles
}

// missing are the commands that turn a portal's bindings into what it should be. Their keys are placements and events, or begin
// with "old" where something is unbound.
func (s *Service) missing(st *portalBindings, chosen portal.Settings) []bitrix24.Command {
	var commands []bitrix24.Command
	titles := s.titles(chosen)
	bound := map[string]bool{} // placements and events where ours stands as it should
	wanted := func(t tab) bool {
		entityTypeID, ok := bitrix24.EntityTypeOf(t.Placement)
		return ok && t.Handler == s.tabHandler() && chosen.HasTab(entityTypeID) && t.titled(titles) && st.hasType(entityTypeID)
	}
	for i, t := range st.tabs {
		switch {
		case !bitrix24.IsDetailTab(t.Placement):
		case wanted(t):
			bound[t.Placement] = true
		default:
			commands = append(commands, bitrix24.Command{
				Key: "oldtab" + strconv.Itoa(i), Method: "placement.unbind",
				Params: bitrix24.Params{"PLACEMENT": t.Placement, "HANDLER": t.Handler},
			})
		}
	}
	for i, h := range st.handlers {
		event := strings.ToUpper(h.Event)
		switch {
		case !slices.Contains(boundEvents, event):
		case h.Handler == s.eventHandler():
			bound[event] = true
		default:
			commands = append(commands, bitrix24.Command{
				Key: "oldevent" + strconv.Itoa(i), Method: "event.unbind",
				Params: bitrix24.Params{"event": h.Event, "handler": h.Handler},
			})
		}
	}
	types := bitrix24.SystemTypes()
	for _, t := range st.types {
		types = append(types, t.EntityTypeID)
	}
	local := bitrix24.Params{}
	for lang, title := range titles {
		local[lang] = bitrix24.Params{"TITLE": title}
	}
	for _, id := range types {
		code := bitrix24.DetailTab(id)
		if !chosen.HasTab(id) || bound[code] {
			continue
		}
		commands = append(commands, bitrix24.Command{Key: code, Method: "placement.bind", Params: bitrix24.Params{
			"PLACEMENT": code, "HANDLER": s.tabHandler(), "TITLE": titles["en"], "LANG_ALL": local,
		}})
	}
	for _, event := range boundEvents {
		if !bound[event] {
			commands = append(commands, bitrix24.Command{Key: event, Method: "event.bind", Params: bitrix24.Params{
				"event": event, "handler": s.eventHandler(),
			}})
		}
	}
	return commands
}

func (s *Service) tabHandler() string   { return s.PublicURL + "/" }
func (s *Service) eventHandler() string { return s.PublicURL + "/events" }

// allTypes reads further pages of types where a portal has more than one batch asks for: as many pages as the bound on
// types fills.
func (s *Service) allTypes(ctx context.Context, target bitrix24.Target, st *portalBindings) error {
	for page := typePages; page*50 < maxTypes; page += typePages {
		result, err := s.REST.Batch(ctx, target, st.commands(page)[2:])
		if err != nil {
			return fmt.Errorf("read more types: %w", err)
		}
		if err := st.readTypes(result); !errors.Is(err, errMoreTypes) {
			return err
		}
	}
	s.Log.WarnContext(ctx, "a portal has more types than are served", "portal", bitrix24.EndpointHost(target.Endpoint), "served", len(st.types))
	return nil
}

// hasType reports whether the portal has a type.
func (st *portalBindings) hasType(entityTypeID int) bool {
	return st.known[entityTypeID] || slices.Contains(bitrix24.SystemTypes(), entityTypeID)
}

// TabState is a type of items with what is to be of the app's tab in its cards, and what is.
type TabState struct {
	EntityTypeID int
	Title        string // of a smart process; empty for the types that every portal has
	Wanted       bool
	Stands       bool
	OtherTitle   bool // it stands, but not with the title that it should have
	Absent       bool // the portal has no such place, as the last binding found
}

// Tabs compares what really stands in a portal with what should, as the administrator who looks: one request. The visit
// knows afterwards who that is. Errors are problems for people.
func (s *Service) Tabs(ctx context.Context, visit *gate.Visit) ([]TabState, error) {
	visit.AskWho()
	st := &portalBindings{}
	result, err := visit.Batch(ctx, append(st.commands(0), plan))
	if err != nil {
		return nil, err
	}
	if !visit.User.Admin {
		return nil, portal.Problemf(portal.AdminOnly, "user %d is no administrator", visit.User.ID)
	}
	if err := st.read(result); err != nil && !errors.Is(err, errMoreTypes) {
		return nil, gate.Problem(err)
	}
	st.readPlan(result)
	if err := s.keepPlan(ctx, visit.Portal, st); err != nil {
		return nil, err
	}
	titles := s.titles(visit.Portal.Settings)
	stands, titled := map[string]bool{}, map[string]bool{}
	for _, t := range st.tabs {
		if t.Handler == s.tabHandler() {
			stands[t.Placement] = true
			titled[t.Placement] = titled[t.Placement] || t.titled(titles)
		}
	}
	absent := map[string]bool{}
	for _, placement := range visit.Portal.BoundSkipped {
		absent[placement] = true
	}
	var states []TabState
	add := func(id int, title string) {
		code := bitrix24.DetailTab(id)
		states = append(states, TabState{
			EntityTypeID: id, Title: title, Wanted: visit.Portal.Settings.HasTab(id), Stands: stands[code], OtherTitle: stands[code] && !titled[code],
			Absent: absent[code],
		})
	}
	for _, id := range bitrix24.SystemTypes() {
		add(id, "")
	}
	for _, t := range st.types {
		add(t.EntityTypeID, t.Title)
	}
	return states, nil
}
