package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/jobs"
	"itemlens/internal/portal"
	"itemlens/internal/storage"
)

func listPortals(ctx context.Context, raw config.Raw, p printer) error {
	store, err := openStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.Portals(ctx)
	if err != nil {
		return err
	}
	for _, one := range list {
		state := "installed"
		if !one.Installed() {
			state = "removed"
		}
		facts := map[string]string{"member_id": string(one.MemberID), "domain": one.Domain, "state": state}
		if err := p.print(facts, "%s\t%s\t%s", one.MemberID, one.Domain, state); err != nil {
			return err
		}
	}
	return nil
}

// unknownPortal tells that a name is nobody's.
func unknownPortal(name string) error {
	return fmt.Errorf("no portal %q in the database; `app portals list` shows all of them", name)
}

// inspect reads what is stored about the portal of a name.
func inspect(ctx context.Context, store *storage.Store, name string) (storage.PortalFacts, error) {
	facts, err := store.Inspect(ctx, name)
	if errors.Is(err, portal.ErrUnknownPortal) {
		err = unknownPortal(name)
	}
	return facts, err
}

// showCommand prints what is stored about a portal.
type showCommand struct {
	Portal string `arg:"" help:"member_id or domain of the portal."`
}

func (c showCommand) run(ctx context.Context, raw config.Raw, p printer) error {
	store, err := openStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	facts, err := inspect(ctx, store, c.Portal)
	if err != nil {
		return err
	}
	if p.json {
		return p.object(facts)
	}
	return writeFacts(p, facts)
}

func writeFacts(p printer, f storage.PortalFacts) error {
	installed := "since " + moment(&f.InstalledAt)
	if f.UninstalledAt != nil {
		installed = "no, removed " + moment(f.UninstalledAt)
	}
	if f.MissingSince != nil {
		installed += ", but the platform says otherwise since " + moment(f.MissingSince)
	}
	installer := fmt.Sprintf("%s, token %s", f.InstallerID, f.InstallerToken)
	if !f.InstallerFit {
		installer += ", no administrator any more"
	}
	bound := moment(f.BoundAt) + "  " + f.BoundOutcome
	if f.BindWaiting {
		bound += ", another one waits"
	}
	table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"member_id", string(f.MemberID)}, {"domain", f.Domain}, {"REST", f.ClientEndpoint}, {"OAuth server", f.ServerEndpoint},
		{"installed", installed}, {"status", f.Status}, {"plan", f.LicenseFamily}, {"scope", strings.Join(f.Scope, ", ")},
		{"installer", installer}, {"users", fmt.Sprintf("%d with a token, %d of them dead", f.Users, f.DeadUsers)},
		{"bound", bound}, {"placements missing there", strings.Join(f.BoundSkipped, ", ")},
		{"keep-alive", moment(f.KeepAliveAt) + "  " + f.KeepAliveOutcome}, {"settings", fmt.Sprintf("version %d", f.SettingsVersion)},
		{"jobs", fmt.Sprint(f.Jobs)},
	} {
		if value := strings.TrimSpace(row[1]); value != "" {
			if _, err := fmt.Fprintf(table, "%s\t%s\n", row[0], value); err != nil {
				return err
			}
		}
	}
	return table.Flush()
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// forgetCommand erases a portal.
type forgetCommand struct {
	MemberID string `arg:"" name:"member-id" help:"member_id of the portal."`
}

// run fails where the portal has no record: a mistyped member_id must not look like success. That it was erased is remembered
// under a sealed key, so the keyset is needed.
func (c forgetCommand) run(ctx context.Context, raw config.Raw, p printer) error {
	store, err := openSealedStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.Portals(ctx)
	if err != nil {
		return err
	}
	id := portal.MemberID(c.MemberID)
	if !slices.ContainsFunc(list, func(p portal.Portal) bool { return p.MemberID == id }) {
		return unknownPortal(c.MemberID)
	}
	if err := store.ErasePortal(ctx, id); err != nil {
		return err
	}
	return p.print(map[string]string{"deleted": c.MemberID}, "deleted everything about %s: authorizations, settings and history", id)
}

// rebindCommand plans the binding of one portal, or of all.
type rebindCommand struct {
	Portal string `arg:"" optional:"" help:"member_id or domain of the portal."`
	All    bool   `help:"All installed portals, for example after the app's address changed."`
}

func (c rebindCommand) run(ctx context.Context, raw config.Raw, p printer) error {
	if c.All == (c.Portal != "") {
		return errors.New("name one portal, or --all of them")
	}
	store, err := openStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	planner, err := jobs.New(jobs.Options{Pool: store.Pool(), Store: store, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		return err
	}
	var ids []portal.MemberID
	if c.All {
		list, err := store.Portals(ctx)
		if err != nil {
			return err
		}
		for _, one := range list {
			if one.Installed() {
				ids = append(ids, one.MemberID)
			}
		}
	} else {
		facts, err := inspect(ctx, store, c.Portal)
		if err != nil {
			return err
		}
		if facts.UninstalledAt != nil {
			return fmt.Errorf("%s has removed the app", facts.Domain)
		}
		ids = []portal.MemberID{facts.MemberID}
	}
	for _, id := range ids {
		if err := planner.PlanBind(ctx, id); err != nil {
			return err
		}
	}
	return p.print(map[string]int{"planned": len(ids)}, "%d planned; `app portals show` tells what came of it", len(ids))
}
