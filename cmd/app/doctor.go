package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/config"
	"itemlens/internal/doctor"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/storage"
)

// errDiffers says that a portal was asked, and answered otherwise than the app believes.
var errDiffers = errors.New("the portal differs from what the app believes (docs/platform.md)")

// examination is how long a portal may be asked.
const examination = 3 * time.Minute

// examine asks a portal of one's own what the app believes of the platform, in the name of whoever installed the app there.
func examine(ctx context.Context, raw config.Raw, name string, p printer) error {
	c, err := raw.Parse()
	if err != nil {
		return fmt.Errorf("the configuration is not complete:\n%w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, examination)
	defer cancel()
	store, err := storage.Open(ctx, storage.Options{URL: c.DatabaseURL, MaxConns: 2, Sealer: c.Sealer, Now: time.Now})
	if err != nil {
		return err
	}
	defer store.Close()
	found, err := store.FindPortal(ctx, name)
	if errors.Is(err, portal.ErrUnknownPortal) {
		return fmt.Errorf("the app is installed in no portal %q; `app portals list` shows those that there are", name)
	}
	if err != nil {
		return err
	}
	token, err := store.Token(ctx, found.MemberID, found.InstallerID)
	if errors.Is(err, portal.ErrNoToken) {
		return fmt.Errorf("no token of whoever installed the app is stored; an administrator has to open it in %s", found.Domain)
	}
	if err != nil {
		return err
	}
	report, err := ask(ctx, c, store, found, token)
	if err != nil {
		return err
	}
	if p.json {
		err = p.object(report)
	} else {
		err = writeFindings(p.out, report)
	}
	if err != nil {
		return err
	}
	if report.Count(doctor.Differs) > 0 {
		return errDiffers
	}
	return nil
}

func ask(ctx context.Context, c config.Config, store *storage.Store, p portal.Portal, token portal.Token) (doctor.Report, error) {
	rest, err := bitrix24.NewClient(bitrix24.Options{
		Timeout: c.PortalTimeout, AllowPrivate: c.AllowPrivate, UserAgent: "ItemLens/" + version(),
		Rate: bitrix24.Rate{PerSecond: 2, Burst: 50, Wait: c.PortalTimeout},
	})
	if err != nil {
		return doctor.Report{}, err
	}
	defer rest.Close()
	authority, err := oauth.NewServer(oauth.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret, Servers: c.OAuthServers, Timeout: c.OAuthTimeout, AllowPrivate: c.AllowPrivate, Now: time.Now,
	})
	if err != nil {
		return doctor.Report{}, err
	}
	defer authority.Close()
	tokens := oauth.NewTokens(authority, store, oauth.Limits{Renewals: 1, PerPortal: 1, Wait: c.OAuthTimeout + 5*time.Second}, slog.New(slog.DiscardHandler))
	return (&doctor.Doctor{REST: rest, Server: authority, Tokens: tokens, Now: time.Now}).Examine(ctx, p, token)
}

func writeFindings(out io.Writer, r doctor.Report) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		if _, err := fmt.Fprintf(table, "%s\t%s\t%s\n", f.Verdict, f.Name, f.Answer); err != nil {
			return err
		}
		if f.Verdict == doctor.Differs {
			if _, err := fmt.Fprintf(table, "\t\tbelieved: %s\n", f.Belief); err != nil {
				return err
			}
		}
	}
	_, err := fmt.Fprintf(table, "\n%s: %d as believed, %d differ, %d cannot be told here\n",
		r.Domain, r.Count(doctor.Same), r.Count(doctor.Differs), r.Count(doctor.Unknown))
	return errors.Join(err, table.Flush())
}
