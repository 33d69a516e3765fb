// Package doctor asks a portal what the app believes of the platform: each belief of docs/platform.md that a real portal
// can confirm or refute by answering a read. It changes nothing there, asks with the token of whoever installed the app,
// and reports shapes, counts and codes alone, never what somebody wrote into the portal.
package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"itemlens/internal/bitrix24"
	"itemlens/internal/oauth"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
)

// Verdict is how an answer stands to a belief.
type Verdict string

// The verdicts.
const (
	Same    Verdict = "same"
	Differs Verdict = "differs"
	Unknown Verdict = "unknown" // the portal has nothing to tell it by, or did not answer
)

// Finding is one belief and what the portal says of it.
type Finding struct {
	Name    string  `json:"name"`
	Belief  string  `json:"belief"`
	Answer  string  `json:"answer"`
	Verdict Verdict `json:"verdict"`
}

// Report is what an examination found.
type Report struct {
	Portal   portal.MemberID `json:"portal"`
	Domain   string          `json:"domain"`
	At       time.Time       `json:"at"`
	Findings []Finding       `json:"findings"`
}

// Count is how many findings have a verdict.
func (r Report) Count(v Verdict) (n int) {
	for _, f := range r.Findings {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// Doctor examines portals.
type Doctor struct {
	REST   *bitrix24.Client
	Server *oauth.Server
	Tokens *oauth.Tokens
	Now    func() time.Time
}

// Examine asks a portal everything, one question after the other, with a pair of a user of it. Only a portal that cannot be
// asked at all is an error: a dead token, no connection.
func (d *Doctor) Examine(ctx context.Context, p portal.Portal, pair portal.Token) (Report, error) {
	e := &exam{doctor: d, portal: p, pair: pair}
	report := Report{Portal: p.MemberID, Domain: p.Domain, At: d.Now().UTC().Truncate(time.Second)}
	if err := e.begin(ctx); err != nil {
		return report, fmt.Errorf("ask the portal who asks: %w", err)
	}
	for _, q := range questions() {
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("ask %s: %w", q.name, err)
		}
		answer, verdict := q.ask(ctx, e)
		report.Findings = append(report.Findings, Finding{q.name, q.belief, bitrix24.CleanText(answer, 300), verdict})
	}
	return report, nil
}

// Names lists the questions, for the document that tells of them.
func Names() (names []string) {
	for _, q := range questions() {
		names = append(names, q.name)
	}
	return names
}

type question struct {
	name   string
	belief string
	ask    func(ctx context.Context, e *exam) (answer string, verdict Verdict)
}

// exam is one examination under way.
type exam struct {
	doctor  *Doctor
	portal  portal.Portal
	pair    portal.Token
	scope   []string
	profile bitrix24.Object
}

// begin renews the pair where its hour is over, and learns who asks and what was granted.
func (e *exam) begin(ctx context.Context) error {
	used, err := e.doctor.Tokens.Use(ctx, e.portal, e.pair, func(ctx context.Context, pair portal.Token) error {
		answer, err := e.doctor.REST.Call(ctx, e.target(pair.Access), "profile", nil)
		if err != nil {
			return err
		}
		return json.Unmarshal(answer.Result, &e.profile)
	})
	if err != nil {
		return err
	}
	e.pair = used
	answer, err := e.call(ctx, "scope", nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer.Result, &e.scope)
}

func (e *exam) target(access secret.Text) bitrix24.Target {
	return bitrix24.Target{Endpoint: e.portal.ClientEndpoint, Access: access, Family: e.portal.LicenseFamily}
}

func (e *exam) call(ctx context.Context, method string, params any) (*bitrix24.Answer, error) {
	return e.doctor.REST.Call(ctx, e.target(e.pair.Access), method, params)
}

// read calls a method and reads its result into a value.
func (e *exam) read(ctx context.Context, method string, params, into any) error {
	answer, err := e.call(ctx, method, params)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer.Result, into); err != nil {
		return &bitrix24.AnswerError{Method: method, Status: 200, Kind: "not_json", Err: err}
	}
	return nil
}

// unanswered is what a question is worth that got an error where it did not expect one.
func unanswered(err error) (string, Verdict) {
	var refused *bitrix24.Error
	if errors.As(err, &refused) {
		return fmt.Sprintf("refused: status %d, %s", refused.Status, code(refused)), Unknown
	}
	return "no answer: " + bitrix24.CodeOf(err), Unknown
}

// refusal tells status and code of an error of the platform.
func refusal(err error) (status int, name string, ok bool) {
	var refused *bitrix24.Error
	if !errors.As(err, &refused) {
		return 0, "", false
	}
	return refused.Status, code(refused), true
}

func code(e *bitrix24.Error) string {
	if e.Code == "" {
		return "(no code)"
	}
	return bitrix24.CleanCode(e.Code)
}

func verdict(same bool) Verdict {
	if same {
		return Same
	}
	return Differs
}
