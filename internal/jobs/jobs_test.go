package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"itemlens/internal/jobs"
	"itemlens/internal/lab/apptest"
	"itemlens/internal/portal"
	"itemlens/internal/secret"
	"itemlens/internal/storage"
)

var cluster apptest.Cluster

func TestMain(m *testing.M) { apptest.Main(m, &cluster) }

// world is a queue on a database of its own, and portals that are functions.
type world struct {
	t      *testing.T
	url    string
	store  *storage.Store
	runner *jobs.Runner
	log    *apptest.Log

	mu       sync.Mutex
	rebind   func(ctx context.Context, id portal.MemberID) error
	status   func(ctx context.Context, id portal.MemberID) error
	gone     error   // what a portal answers that has removed the app
	missing  int     // how often that was told
	told     []error // what portals answered
	checked  []portal.RemovalClaim
	claims   []portal.EventClaim // events that were looked into
	failures []error             // what comes of the next ones
	again    time.Duration
	answered func(answer error) (bool, error) // what Missing says instead
	renew    func(pair portal.Token) error
	renewed  int
}

func setup(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, url: cluster.Database(t), log: &apptest.Log{}}
	w.rebind = func(context.Context, portal.MemberID) error { return nil }
	w.status = w.rebind
	w.renew = func(portal.Token) error { return nil }
	var err error
	w.store, err = storage.Open(t.Context(), storage.Options{URL: secret.New(w.url), MaxConns: 20, Sealer: apptest.NewSealer(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.store.Close)
	w.runner, err = jobs.New(jobs.Options{
		Portals: w, Pool: w.store.Pool(), Store: w.store, Tokens: w, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs the jobs until the test ends, or until stop is called.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.runner.Run(ctx); close(done) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	w.t.Cleanup(stop)
	return stop
}

// installer is a user id that stands nowhere else in a database.
const installer = 987654321

func (w *world) install(ids ...portal.MemberID) {
	w.t.Helper()
	for _, id := range ids {
		p := portal.Portal{
			MemberID: id, ClientEndpoint: "https://" + string(id) + ".example/rest/", Domain: string(id) + ".example", Scope: []string{"crm"}, InstallerID: installer,
		}
		token := portal.Token{MemberID: id, UserID: installer, Access: secret.New("a-" + string(id)), Refresh: secret.New("r-" + string(id))}
		if err := w.store.SaveInstallation(w.t.Context(), p, token); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) Rebind(ctx context.Context, id portal.MemberID) error {
	w.mu.Lock()
	do := w.rebind
	w.mu.Unlock()
	return do(ctx, id)
}

func (w *world) RefreshStatus(ctx context.Context, id portal.MemberID) error {
	return w.status(ctx, id)
}

func (w *world) Missing(_ context.Context, _ portal.MemberID, answer error) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, answer)
	if w.answered != nil {
		return w.answered(answer)
	}
	if w.gone == nil || !errors.Is(answer, w.gone) {
		return false, nil
	}
	w.missing++
	return true, nil
}

func (w *world) Renew(_ context.Context, _ portal.Portal, pair portal.Token) (portal.Token, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.renewed++
	return pair, w.renew(pair)
}

func (w *world) CheckRemoval(_ context.Context, _ portal.MemberID, claim portal.RemovalClaim) (time.Duration, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.checked = append(w.checked, claim)
	return w.again, nil
}

func (w *world) VerifyEvent(_ context.Context, c portal.EventClaim) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claims = append(w.claims, c)
	if len(w.failures) == 0 {
		return nil
	}
	err := w.failures[0]
	w.failures = w.failures[1:]
	return err
}

func (w *world) checks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.checked)
}

// sql runs something beside the app, and answers its first column as text.
func (w *world) sql(query string, args ...any) []string {
	w.t.Helper()
	ctx := context.Background()
	rows, _ := w.store.Pool().Query(ctx, query, args...)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func (w *world) wait(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if is() {
			return
		}
	}
	w.t.Fatalf("%s: not within 20 s; the queue: %v", what, w.sql(`SELECT concat_ws(' ', kind, state, queue, attempt, args, errors) FROM river_job`))
}

func (w *world) planBind(id portal.MemberID) {
	w.t.Helper()
	if err := w.runner.PlanBind(w.t.Context(), id); err != nil {
		w.t.Fatal(err)
	}
}

// names makes ids of portals.
func names(prefix string, n int) []portal.MemberID {
	ids := make([]portal.MemberID, n)
	for i := range ids {
		ids[i] = portal.MemberID(fmt.Sprintf("%s%05d", prefix, i))
	}
	return ids
}

// TestAWishThatComesWhileABindingRunsIsDoneAfterIt: what runs may have looked already.
func TestAWishThatComesWhileABindingRunsIsDoneAfterIt(t *testing.T) {
	w := setup(t)
	w.install("acme")
	began, goOn := make(chan struct{}, 10), make(chan struct{})
	w.rebind = func(ctx context.Context, _ portal.MemberID) error {
		began <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return nil
	}
	for range 50 {
		w.planBind("acme")
	}
	if waiting := w.sql(`SELECT kind FROM river_job WHERE kind = 'bind'`); len(waiting) != 1 {
		t.Errorf("%d bindings wait for 50 wishes, want 1", len(waiting))
	}
	w.run()
	<-began
	w.wait("the sweep is over, so that it is not what finds the wish", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'bind_sweep' AND state = 'completed'`)) == 1
	})
	for range 50 {
		w.planBind("acme")
	}
	goOn <- struct{}{}
	select {
	case <-began:
	case <-time.After(15 * time.Second):
		t.Fatal("what was wished for while a binding ran was lost")
	}
	goOn <- struct{}{}
	w.wait("the queue is empty", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'bind' AND state <> 'completed'`)) == 0
	})
	select {
	case <-began:
		t.Error("a third binding for two wishes")
	case <-time.After(time.Second):
	}
	w.planBind("acme") // and the next one begins anew
	<-began
	close(goOn)
}

// TestABindingThatFindsTheAppRemovedIsTheLast: the event of the removal may never come.
func TestABindingThatFindsTheAppRemovedIsTheLast(t *testing.T) {
	w := setup(t)
	w.install("acme")
	w.gone = errors.New("APPLICATION_NOT_FOUND")
	runs := 0
	w.rebind = func(context.Context, portal.MemberID) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		runs++
		return &portal.Error{Problem: portal.NotInstalled, Err: w.gone}
	}
	w.planBind("acme")
	w.run()
	w.wait("the job is through", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'bind' AND state = 'completed'`)) == 1
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if runs != 1 || w.missing != 1 {
		t.Errorf("%d tries, told %d times", runs, w.missing)
	}
	if left := w.sql(`SELECT member_id FROM portals WHERE bind_wanted > bind_done`); len(left) != 0 {
		t.Error("the sweep would plan it anew")
	}
}

// TestSilentPortalsAreAskedAbout: nobody else would ever notice that they have removed the app.
func TestSilentPortalsAreAskedAbout(t *testing.T) {
	w := setup(t)
	w.install("silent", "alive")
	w.sql(`UPDATE portals SET installed_at = now() - interval '200 days' RETURNING 'x'`)
	w.sql(`UPDATE tokens SET stored_at = now() - interval '181 days', expires_at = now() - interval '181 days' WHERE member_id = 'silent' RETURNING 'x'`)
	w.run()
	w.wait("the silent portal is asked about", func() bool { return w.checks() == 1 })
	if jobs := w.sql(`SELECT args::text FROM river_job WHERE kind = 'removal'`); len(jobs) != 1 || !strings.Contains(jobs[0], `"silent"`) || !strings.Contains(jobs[0], string(portal.Silence)) {
		t.Errorf("%v", jobs)
	}
}

// TestAnEventIsLookedIntoUntilThatIsSettled: trouble that passes is tried again, a refusal is not, and nothing of the event
// is left after either.
func TestAnEventIsLookedIntoUntilThatIsSettled(t *testing.T) {
	for name, tt := range map[string]struct {
		failures []error
		tries    int
	}{
		"believed":       {nil, 1},
		"refused":        {[]error{portal.Problemf(portal.Unverified, "foreign")}, 1},
		"no admin":       {[]error{portal.Problemf(portal.NotAdministrator, "plain user")}, 1},
		"believed later": {[]error{portal.Problemf(portal.OAuthUnreachable, "no answer"), portal.Problemf(portal.PortalBusy, "strangers")}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			w.failures = tt.failures
			claim := portal.EventClaim{
				MemberID: "acme0000", Event: "ONAPPINSTALL", Address: "192.0.2.7", Domain: "acme.example", ServerEndpoint: "https://o.example/rest/",
				Access: secret.New("acc3ss"), Refresh: secret.New("r3fresh"), ApplicationToken: secret.New("t0ken"),
			}
			if kept, err := w.runner.PlanEvent(t.Context(), claim); !kept || err != nil {
				t.Fatalf("%t, %v", kept, err)
			}
			for _, text := range []string{"acc3ss", "r3fresh", "t0ken"} {
				if found := apptest.Find(t, w.url, text); len(found) > 0 {
					t.Errorf("%s stands unsealed in %v", text, found)
				}
			}
			w.run()
			w.wait("it is settled", func() bool {
				w.sql(`UPDATE river_job SET scheduled_at = now() WHERE kind = 'event' AND state = 'retryable' RETURNING 'x'`)
				return len(w.sql(`SELECT member_id FROM event_claims`)) == 0
			})
			w.mu.Lock()
			defer w.mu.Unlock()
			if len(w.claims) != tt.tries {
				t.Fatalf("%d tries, want %d", len(w.claims), tt.tries)
			}
			got := w.claims[0]
			if !got.Access.Equal(claim.Access) || !got.Refresh.Equal(claim.Refresh) || !got.ApplicationToken.Equal(claim.ApplicationToken) ||
				got.MemberID != claim.MemberID || got.Event != claim.Event || got.Address != claim.Address || got.Domain != claim.Domain ||
				got.ServerEndpoint != claim.ServerEndpoint {
				t.Errorf("%+v, want %+v", got, claim)
			}
		})
	}
}

// TestAWishWhoseJobWasLostIsFoundAgain: somebody emptied the queue, or a process ended in the wrong moment.
func TestAWishWhoseJobWasLostIsFoundAgain(t *testing.T) {
	w := setup(t)
	w.install("acme", "beta")
	w.planBind("acme")
	w.sql(`DELETE FROM river_job`)
	w.planBind("acme")
	if again := w.sql(`SELECT kind FROM river_job WHERE kind = 'bind'`); len(again) != 0 {
		t.Fatal("the test shows nothing: the wish itself planned again")
	}
	bound := make(chan portal.MemberID, 10)
	w.rebind = func(_ context.Context, id portal.MemberID) error { bound <- id; return nil }
	w.run()
	select {
	case id := <-bound:
		if id != "acme" {
			t.Errorf("%s was bound, which nobody wished for", id)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the wish was lost with its job")
	}
}

// TestAPortalWhoseBindingsTookLongWaitsInTheSlowQueue, until that is a while ago.
func TestAPortalWhoseBindingsTookLongWaitsInTheSlowQueue(t *testing.T) {
	w := setup(t)
	w.install("slow", "quick")
	w.charge("slow", 15*time.Second)
	w.charge("quick", 2*time.Second)
	w.planBind("slow")
	w.planBind("quick")
	if got := strings.Join(w.sql(`SELECT concat(args->>'member_id', '=', queue) FROM river_job ORDER BY 1`), " "); got != "quick=bind slow=bind_slow" {
		t.Errorf("queues: %s", got)
	}

	// One that proves slow while it fails goes on there.
	w.install("turns")
	w.planBind("turns")
	w.charge("turns", 40*time.Second)
	w.rebind = func(context.Context, portal.MemberID) error { return portal.Problemf(portal.Unreachable, "no answer") }
	w.run()
	w.wait("the next try is in the slow queue", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE args->>'member_id' = 'turns' AND queue = 'bind_slow' AND array_length(errors, 1) > 0`)) == 1
	})
}

// charge notes that a binding of a portal took so long.
func (w *world) charge(id portal.MemberID, took time.Duration) {
	w.t.Helper()
	err := w.store.EndBinding(w.t.Context(), id, portal.BindingEnd{Took: took}, func(context.Context, pgx.Tx, bool, time.Duration) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestAWishBringsTheNextTryForward: a portal that was down for hours must not wait for hours more once it is asked.
func TestAWishBringsTheNextTryForward(t *testing.T) {
	w := setup(t)
	w.install("acme")
	w.planBind("acme")
	if _, err := w.store.BeginBinding(t.Context(), "acme"); err != nil { // as its failed try did
		t.Fatal(err)
	}
	w.sql(`UPDATE river_job SET state = 'retryable', attempt = 8, attempted_at = now() - interval '20 minutes', scheduled_at = now() + interval '1 hour'`)
	w.planBind("acme")
	if soon := w.sql(`SELECT kind FROM river_job WHERE kind = 'bind' AND scheduled_at <= now()`); len(soon) != 1 {
		t.Errorf("the try is due %v", w.sql(`SELECT (scheduled_at - now())::text FROM river_job`))
	}
	w.sql(`UPDATE river_job SET attempted_at = now(), scheduled_at = now() + interval '1 hour'`)
	if _, err := w.store.BeginBinding(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	w.planBind("acme")
	if soon := w.sql(`SELECT kind FROM river_job WHERE kind = 'bind' AND scheduled_at BETWEEN now() + interval '50 seconds' AND now() + interval '60 seconds'`); len(soon) != 1 {
		t.Errorf("right after a failure the try is due %v", w.sql(`SELECT (scheduled_at - now())::text FROM river_job`))
	}
}

// TestABindingTellsWhatThePortalAnswered, for the grace period of a removal, and is tried on where it failed.
func TestABindingTellsWhatThePortalAnswered(t *testing.T) {
	w := setup(t)
	w.install("acme")
	busy := portal.Problemf(portal.PortalBusy, "a limit is used up")
	answers := []error{busy, nil}
	w.rebind = func(context.Context, portal.MemberID) error {
		answer := answers[0]
		answers = answers[1:]
		return answer
	}
	w.planBind("acme")
	w.run()
	w.wait("bound at the second try", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'bind' AND state = 'completed'`)) == 1
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) != 2 || !errors.Is(w.told[0], busy) || w.told[1] != nil {
		t.Errorf("told %v", w.told)
	}
}

// TestAHintIsNotLostThatComesSoonAfterAnother: what it tells of may have come after the answer. Nor can a flood of them make
// the OAuth server be asked more than once in each period.
func TestAHintIsNotLostThatComesSoonAfterAnother(t *testing.T) {
	w := setup(t)
	w.install("acme")
	asked, goOn := make(chan struct{}, 10), make(chan struct{})
	w.status = func(ctx context.Context, _ portal.MemberID) error {
		asked <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return nil
	}
	hints := func() (planned []string) {
		t.Helper()
		for range 20 {
			if err := w.runner.PlanStatus(t.Context(), "acme"); err != nil {
				t.Fatal(err)
			}
		}
		return w.sql(`SELECT state::text FROM river_job WHERE kind = 'status' AND state NOT IN ('completed', 'running') AND scheduled_at < now() + interval '10 minutes'`)
	}
	if planned := hints(); len(planned) != 1 || planned[0] != "available" {
		t.Fatalf("at first: %v", planned)
	}
	stop := w.run()
	<-asked
	if planned := hints(); len(planned) != 1 {
		t.Errorf("while the question is asked: %v", planned)
	}
	close(goOn)
	w.wait("the question is answered", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'status' AND state = 'completed'`)) > 0
	})
	stop()
	w.sql(`DELETE FROM river_job WHERE kind = 'status' AND state <> 'completed'`)
	if planned := hints(); len(planned) != 1 {
		t.Errorf("after the answer: %v", planned)
	}
}

// TestNothingIsPlannedForPortalsThatAreGone.
func TestNothingIsPlannedForPortalsThatAreGone(t *testing.T) {
	w := setup(t)
	w.install("acme")
	w.planBind("acme") // a wish that nobody will have done
	if err := w.store.DeleteInstallation(t.Context(), "acme", false); err != nil {
		t.Fatal(err)
	}
	for _, id := range []portal.MemberID{"acme", "nobody"} {
		w.planBind(id)
		if err := w.runner.PlanStatus(t.Context(), id); err != nil {
			t.Error(err)
		}
		if err := w.runner.PlanRemovalCheck(t.Context(), id, portal.ClaimsRemoval, 0); err != nil {
			t.Error(err)
		}
	}
	if planned := w.sql(`SELECT concat_ws(' ', kind, args) FROM river_job`); len(planned) != 0 {
		t.Errorf("%v", planned)
	}
	w.install("acme") // it comes back, and what was wished for before is no reason to do nothing now
	w.planBind("acme")
	if planned := w.sql(`SELECT kind FROM river_job`); len(planned) != 1 {
		t.Errorf("after the installation: %v", planned)
	}
}

// TestQuestionsAboutRemovalsArePaced: anybody can send uninstall events without proof. None of them is lost either.
func TestQuestionsAboutRemovalsArePaced(t *testing.T) {
	w := setup(t)
	w.install("acme")
	plan := func(claim portal.RemovalClaim) {
		t.Helper()
		if err := w.runner.PlanRemovalCheck(t.Context(), "acme", claim, 0); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 {
		plan(portal.ClaimsRemoval)
	}
	stop := w.run()
	w.wait("asked", func() bool { return w.checks() == 1 })
	w.wait("the queue is empty", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'removal' AND state <> 'completed'`)) == 0
	})
	stop()
	for range 20 {
		plan(portal.ClaimsDeletion)
	}
	later := w.sql(`SELECT kind FROM river_job WHERE kind = 'removal' AND state = 'scheduled' AND scheduled_at BETWEEN now() + interval '5 hours' AND now() + interval '6 hours'`)
	if len(later) != 1 {
		t.Errorf("after a question: %v", w.sql(`SELECT concat_ws(' ', state, args, scheduled_at - now()) FROM river_job WHERE kind = 'removal'`))
	}
}

// TestAnAnswerThatIsToBeConfirmedIsAskedForAgain.
func TestAnAnswerThatIsToBeConfirmedIsAskedForAgain(t *testing.T) {
	w := setup(t)
	w.install("acme")
	w.again = 25 * time.Hour
	if err := w.runner.PlanRemovalCheck(t.Context(), "acme", portal.NoClaim, 0); err != nil {
		t.Fatal(err)
	}
	w.run()
	w.wait("asked again tomorrow", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'removal' AND state = 'scheduled' AND scheduled_at > now() + interval '24 hours'`)) == 1
	})
}

// TestAfterCleanNoTableNamesThePortal looks into every column of every table, after jobs of every kind and state.
func TestAfterCleanNoTableNamesThePortal(t *testing.T) {
	w := setup(t)
	const id = "member-that-goes"
	w.install(id, "member-that-stays")
	w.rebind = func(context.Context, portal.MemberID) error { return portal.Problemf(portal.Unreachable, "no answer") }
	w.status = func(context.Context, portal.MemberID) error { return nil }
	w.planBind(id)
	w.planBind("member-that-stays")
	ctx := t.Context()
	if err := w.runner.PlanStatus(ctx, id); err != nil {
		t.Fatal(err)
	}
	if err := w.runner.PlanRemovalCheck(ctx, id, portal.ClaimsRemoval, 0); err != nil {
		t.Fatal(err)
	}
	if err := w.runner.PlanRemovalCheck(ctx, id, portal.NoClaim, time.Hour); err != nil {
		t.Fatal(err)
	}
	change := portal.SettingsChange{UserID: installer, UserName: "Ann", Action: "save", After: portal.Settings{ShowEmpty: true}}
	if _, err := w.store.SaveSettings(ctx, id, 0, change); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.NoteMissing(ctx, id); err != nil {
		t.Fatal(err)
	}
	w.run()
	w.wait("jobs have run", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE args->>'member_id' = $1 AND (state = 'completed' OR array_length(errors, 1) > 0)`, id)) == 3
	})
	before := apptest.Find(t, w.url, id)
	if len(before) < 4 {
		t.Fatalf("the test shows nothing: the portal stands in %v alone", before)
	}
	erase := map[string]func() error{
		"uninstalled": func() error { return w.store.DeleteInstallation(ctx, id, true) },
		"erased":      func() error { return w.store.ErasePortal(ctx, id) },
	}
	for _, how := range []string{"uninstalled", "erased"} {
		if err := erase[how](); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{id, id + ".example"} {
			if found := apptest.Find(t, w.url, text); len(found) > 0 {
				t.Errorf("%s: %q stands in %v", how, text, found)
			}
		}
		if found := w.sql(`SELECT member_id FROM tokens WHERE user_id = $1`, installer); len(found) != 1 {
			t.Errorf("%s: tokens of the other portal: %v", how, found)
		}
		w.install(id)
		w.planBind(id)
	}
	w.store.DeleteInstallation(ctx, id, true)
	w.store.DeleteInstallation(ctx, "member-that-stays", true)
	if found := apptest.Find(t, w.url, fmt.Sprint(installer)); len(found) > 0 {
		t.Errorf("the user stands in %v", found)
	}
}

// TestAPortalMayGoWhileItsJobRuns.
func TestAPortalMayGoWhileItsJobRuns(t *testing.T) {
	w := setup(t)
	w.install("acme", "other")
	began, goOn := make(chan struct{}), make(chan struct{})
	w.rebind = func(_ context.Context, id portal.MemberID) error {
		if id == "acme" {
			close(began)
			<-goOn
		}
		return nil
	}
	w.run()
	w.planBind("acme")
	<-began
	if err := w.store.DeleteInstallation(t.Context(), "acme", true); err != nil {
		t.Fatal(err)
	}
	close(goOn)
	w.planBind("other")
	w.wait("the others go on", func() bool {
		return len(w.sql(`SELECT kind FROM river_job WHERE kind = 'bind' AND args->>'member_id' = 'other' AND state = 'completed'`)) == 1
	})
	if found := apptest.Find(t, w.url, "acme"); len(found) > 0 {
		t.Errorf("the portal came back into %v", found)
	}
	if strings.Contains(w.log.String(), "error") {
		t.Errorf("its end is told as a failure: %s", w.log.String())
	}
}
