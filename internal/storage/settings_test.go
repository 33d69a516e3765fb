package storage_test

import (
	"fmt"
	"strings"
	"testing"

	"itemlens/internal/portal"
	"itemlens/internal/storage"
)

// TestTheHistoryOfSettingsIsBounded in entries and in text, and the last change can be taken back in any case.
func TestTheHistoryOfSettingsIsBounded(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	version := int64(0)
	save := func(text string) {
		t.Helper()
		var err error
		version, err = s.SaveSettings(ctx, p.MemberID, version, portal.SettingsChange{
			UserID: 1, UserName: "Ann", Action: "save", After: portal.Settings{Language: text},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	kept := func() (entries, bytes int) {
		t.Helper()
		changes, err := s.SettingsChanges(ctx, p.MemberID, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range changes {
			bytes += len(c.Before.Language) + len(c.After.Language)
		}
		if len(changes) == 0 || changes[0].Version != version {
			t.Fatalf("the last change is not kept: %d entries", len(changes))
		}
		return len(changes), bytes
	}
	for i := range storage.HistoryEntries + 20 {
		save(fmt.Sprint(i))
	}
	if entries, _ := kept(); entries != storage.HistoryEntries {
		t.Errorf("%d entries, want %d", entries, storage.HistoryEntries)
	}
	for i := range 12 {
		save(strings.Repeat(string(rune('a'+i)), 120_000))
	}
	if entries, bytes := kept(); bytes > storage.HistoryBytes || entries < 3 {
		t.Errorf("%d entries of %d bytes", entries, bytes)
	}
	save(strings.Repeat("z", 2*storage.HistoryBytes)) // no page can post so much; if one could
	if entries, _ := kept(); entries != 1 {
		t.Errorf("%d entries beside one that is over the bound", entries)
	}
	if _, _, err := s.UndoSettings(ctx, p.MemberID, version, portal.User{ID: 1}); err != nil {
		t.Errorf("it cannot be taken back: %v", err)
	}
}

// TestNamesInTheHistoryAreCleaned: Postgres takes no NUL, and a portal tells what it likes.
func TestNamesInTheHistoryAreCleaned(t *testing.T) {
	stores, _, p := setup(t)
	s, ctx := stores[0], t.Context()
	if err := s.SaveInstallation(ctx, p, pair(p, 1, "a")); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"Ann\x00 Lee", "\x00\x01", "Ann\xff", strings.Repeat("é", 5_000_000), "Zoë  Ω"} {
		_, err := s.SaveSettings(ctx, p.MemberID, int64(i), portal.SettingsChange{UserID: 1, UserName: name, Action: "save", After: portal.Settings{}})
		if err != nil {
			t.Fatalf("%.20q: %v", name, err)
		}
	}
	changes, err := s.SettingsChanges(ctx, p.MemberID, 10)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Zoë  Ω", strings.Repeat("é", 200), "Ann�", "", "Ann  Lee"}
	for i, c := range changes {
		if c.UserName != want[i] {
			t.Errorf("%.40q, want %.40q", c.UserName, want[i])
		}
	}
}
