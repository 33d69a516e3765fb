package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"itemlens/internal/config"
	"itemlens/internal/portal"
	"itemlens/internal/storage"
)

// restLogCommand prints the REST log, for a support ticket.
type restLogCommand struct {
	Portal    string `help:"member_id or domain of the portal." placeholder:"PORTAL"`
	Since     string `help:"Lines from this moment on: 2026-11-24T10:00:00Z, or how long ago, such as 2h." placeholder:"TIME"`
	Until     string `help:"Lines before this moment, in the same forms." placeholder:"TIME"`
	Method    string `help:"REST method, such as crm.item.get." placeholder:"METHOD"`
	Code      string `help:"Outcome: ok, or the code of an error." placeholder:"CODE"`
	RequestID string `name:"request-id" help:"Error ID that the user's page shows." placeholder:"ID"`
	Bodies    bool   `help:"Print what was sent and answered, too."`
	Follow    bool   `help:"Go on with new lines until interrupted."`
}

const (
	// restLogPage is how many lines are read at a time.
	restLogPage = 200
	// followEvery is how often --follow looks for more.
	followEvery = time.Second
	// lateLines is how far back --follow looks for lines that another replica wrote late.
	lateLines = 5_000
)

func (c restLogCommand) run(ctx context.Context, raw config.Raw, out printer) error {
	f := portal.RESTLogFilter{Method: c.Method, Code: c.Code, RequestID: c.RequestID}
	var err error
	if f.Since, err = momentOf(c.Since, time.Now()); err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if f.Until, err = momentOf(c.Until, time.Now()); err != nil {
		return fmt.Errorf("--until: %w", err)
	}
	store, err := openSealedStore(ctx, raw)
	if err != nil {
		return err
	}
	defer store.Close()
	if c.Portal != "" {
		p, err := store.FindPortal(ctx, c.Portal)
		if errors.Is(err, portal.ErrUnknownPortal) {
			return fmt.Errorf("there is no portal %q in the database; `app portals list` shows those that there are", c.Portal)
		}
		if err != nil {
			return err
		}
		f.MemberID = p.MemberID
	}
	p := restLogPrinter{restLogCommand: c, printer: out, seen: map[int64]bool{}}
	for {
		if err := p.printAll(ctx, store, f); err != nil {
			return err
		}
		if !c.Follow {
			break
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followEvery):
		}
		f.After = max(f.After, p.last-lateLines)
	}
	if p.unreadable > 0 {
		return fmt.Errorf("%d lines do not open with the keyset: their bodies are missing", p.unreadable)
	}
	return nil
}

// momentOf reads a moment, or how long ago it was; none of an empty text.
func momentOf(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is neither a time, such as 2026-11-24T10:00:00Z or 2026-11-24, nor how long ago, such as 2h", text)
}

// restLogPrinter prints lines, each once.
type restLogPrinter struct {
	restLogCommand
	printer
	last       int64
	seen       map[int64]bool // lines that --follow meets again
	unreadable int
}

func (p *restLogPrinter) printAll(ctx context.Context, store *storage.Store, f portal.RESTLogFilter) error {
	for {
		lines, unreadable, err := store.RESTLog(ctx, f, restLogPage)
		if err != nil {
			return err
		}
		p.unreadable += unreadable
		for _, line := range lines {
			if p.Follow {
				if p.seen[line.ID] {
					continue
				}
				p.seen[line.ID] = true
			}
			if err := p.printLine(line); err != nil {
				return err
			}
			p.last = max(p.last, line.ID)
		}
		if len(lines) < restLogPage {
			break
		}
		f.After = lines[len(lines)-1].ID
	}
	for id := range p.seen {
		if id < p.last-lateLines {
			delete(p.seen, id)
		}
	}
	return nil
}

func (p *restLogPrinter) printLine(line portal.RESTLine) error {
	if p.json {
		return p.object(map[string]any{
			"at": line.At.UTC(), "portal": line.MemberID, "user": line.UserID, "method": line.Method, "commands": line.Commands, "status": line.Status, "code": line.Code,
			"duration_ms": line.Duration.Milliseconds(), "request_id": line.RequestID, "request": line.Request, "answer": line.Answer,
			"request_bytes_left_out": line.RequestCut, "answer_bytes_left_out": line.AnswerCut,
		})
	}
	text := fmt.Sprintf("%s  %s  user %s  %s  %s  HTTP %d  %d ms  request %s\n", line.At.UTC().Format("2006-01-02T15:04:05.000Z"), line.MemberID, line.UserID,
		line.Method, line.Code, line.Status, line.Duration.Milliseconds(), cmp.Or(line.RequestID, "of background work"))
	if line.Method == "batch" {
		text += "  " + strings.Join(line.Commands, ", ") + "\n"
	}
	if p.Bodies {
		text += "  > " + line.Request + leftOut(line.RequestCut) + "\n  < " + line.Answer + leftOut(line.AnswerCut) + "\n"
	}
	_, err := io.WriteString(p.out, text)
	return err
}

func leftOut(bytes int) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf(" … (%d bytes more were not kept)", bytes)
}
