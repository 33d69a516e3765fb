package settings

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"itemlens/internal/card"
	"itemlens/internal/i18n"
	"itemlens/internal/portal"
)

// narrator tells changes of settings in words.
type narrator struct {
	l         *i18n.Printer
	types     map[int]string     // names of types that are known
	arranged  map[int]card.Names // what fields and pipelines are called of those that are arranged
	languages map[string]string
}

// maxLines is how many lines a change is told in.
const maxLines = 100

// typeName is what a type is called; one that is gone keeps its number.
func (n narrator) typeName(id int) string {
	return cmp.Or(n.types[id], n.l.T("settings.type", "ID", id))
}

// lines tell what differs between two settings, a line for each thing that can be chosen.
func (n narrator) lines(before, after portal.Settings) []string {
	l := n.l
	var lines []string
	add := func(what, from, to string) {
		if from != to {
			lines = append(lines, l.T("settings.change", "What", what, "Before", cmp.Or(from, "–"), "After", cmp.Or(to, "–")))
		}
	}
	onOff := func(on bool) string {
		return l.T(map[bool]string{true: "settings.value_on", false: "settings.value_off"}[on])
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(before.TabsOff, after.TabsOff)))) {
		add(l.T("settings.change_tab", "Type", n.typeName(id)), onOff(before.HasTab(id)), onOff(after.HasTab(id)))
	}
	for _, lang := range keys(before.Titles, after.Titles) {
		add(l.T("settings.change_title", "Language", cmp.Or(n.languages[lang], lang)), before.Titles[lang], after.Titles[lang])
	}
	add(l.T("settings.show_empty"), onOff(before.ShowEmpty), onOff(after.ShowEmpty))
	audience := func(s portal.Settings) string {
		return l.T(map[bool]string{true: "settings.everyone", false: "settings.administrators"}[s.CodesFor == ""])
	}
	add(l.T("settings.codes_for"), audience(before), audience(after))
	language := func(s portal.Settings) string {
		return cmp.Or(n.languages[s.Language], s.Language, l.T("settings.own_language"))
	}
	add(l.T("settings.language"), language(before), language(after))
	for _, key := range keys(before.Cards, after.Cards) {
		lines = append(lines, n.cardLines(key, before.Cards[key], after.Cards[key])...)
	}
	if len(lines) > maxLines {
		lines = append(lines[:maxLines], "…")
	}
	return lines
}

// cardLines tell what differs between two arrangements.
func (n narrator) cardLines(key string, before, after portal.CardSettings) []string {
	l := n.l
	where := n.cardName(key)
	var lines []string
	add := func(what, from, to string) {
		if from != to {
			lines = append(lines, l.T("settings.change", "What", what, "Before", from, "After", to))
		}
	}
	order := func(c portal.CardSettings) string {
		return l.T(map[bool]string{true: "settings.own", false: "settings.follow"}[len(c.Sections) > 0])
	}
	add(where, order(before), order(after))
	if order(before) == order(after) && !same(before.Sections, after.Sections) {
		lines = append(lines, where+": "+l.T("settings.change_moved"))
	}
	shown := func(c portal.CardSettings, field string) string {
		switch {
		case slices.Contains(c.Hidden, field):
			return l.T("settings.hide")
		case slices.Contains(c.Top, field):
			return l.T("settings.top")
		}
		return l.T("settings.as_is")
	}
	id, _, _ := portal.ParseCardKey(key)
	for _, field := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(before.Top, after.Top, before.Hidden, after.Hidden)))) {
		add(where+": "+cmp.Or(n.arranged[id].Fields[field], field), shown(before, field), shown(after, field))
	}
	if len(lines) == 0 && !same(before, after) { // what is pinned stands in another order
		lines = append(lines, where+": "+l.T("settings.change_moved"))
	}
	return lines
}

// cardName names the cards of a type, or of one of its pipelines.
func (n narrator) cardName(key string) string {
	id, category, ok := portal.ParseCardKey(key)
	if !ok {
		return key
	}
	if category == "" {
		return n.typeName(id)
	}
	return n.typeName(id) + " / " + cmp.Or(n.arranged[id].Pipelines[category], category)
}

// arrangedTypes are the types whose cards differ between the settings of changes.
func arrangedTypes(changes []portal.SettingsChange) []int {
	var types []int
	for _, made := range changes {
		for _, key := range keys(made.Before.Cards, made.After.Cards) {
			if id, _, ok := portal.ParseCardKey(key); ok && !slices.Contains(types, id) && !same(made.Before.Cards[key], made.After.Cards[key]) {
				types = append(types, id)
			}
		}
	}
	return types
}

// parts are the parts of settings that a person tells apart, in the order of the page.
var parts = []string{"tabsOff", "titles", "cards", "showEmpty", "codesFor", "language"}

// differences names the parts in which two settings differ.
func differences(before, after portal.Settings) []string {
	old, now := members(before), members(after)
	return slices.DeleteFunc(slices.Clone(parts), func(part string) bool { return string(old[part]) == string(now[part]) })
}

// inWords names parts as a person reads them.
func (n narrator) inWords(parts []string) string {
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = n.l.T("settings.part." + part)
	}
	return n.list(names)
}

// list joins texts as the language does.
func (n narrator) list(texts []string) string {
	joined := ""
	for i, text := range texts {
		if i == 0 {
			joined = text
			continue
		}
		joined = n.l.T("settings.list", "First", joined, "Next", text)
	}
	return joined
}

func members(s portal.Settings) map[string]json.RawMessage {
	var found map[string]json.RawMessage
	text, _ := json.Marshal(s)
	_ = json.Unmarshal(text, &found)
	return found
}

func same[T any](a, b T) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

func keys[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}
