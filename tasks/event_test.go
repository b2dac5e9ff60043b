package tasks_test

import (
	"encoding/base64"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testhook"
	"github.com/trawlcrawler/trawl/internal/webhook"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/tasks"
)

// eventFixture is a job with webhooks in a Redis of its own: schedulers of a fleet share the queue
// of events.
type eventFixture struct {
	*queueTest
	*wire.Dispatcher
	store *frontier.Store
	fleet *tasks.Client
	dir   string // of secrets
}

func newEventFixture(t *testing.T, hooks ...crawler.Webhook) *eventFixture {
	t.Helper()
	url := "redis://" + redistest.Own(t).TCP + "/0"
	f := &eventFixture{queueTest: newQueueTest(t, url), store: storeAt(t, url), dir: t.TempDir()}
	f.fleet, f.Dispatcher = tasks.NewClient(f.store, f.redis), wire.NewDispatcher(f.redis, 0)
	t.Cleanup(func() { f.fleet.Close(); f.Dispatcher.Close() })
	f.job.Job.Webhooks = hooks
	if err := f.fleet.Create(t.Context(), f.job.Job); err != nil {
		t.Fatal(err)
	}
	return f
}

// deliver delivers events until the test ends, with short pauses.
func (f *eventFixture) deliver(pauses ...time.Duration) {
	f.t.Helper()
	if len(pauses) == 0 {
		pauses = slices.Repeat([]time.Duration{time.Second}, 90)
	}
	sender := webhook.NewSender(webhook.Config{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Pauses: pauses, Secrets: webhook.Secrets{Dir: f.dir}})
	s, err := wire.ServeEvents(f.t.Context(), f.redis, f.store, sender, func(string, error) {}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(s.Close)
}

func (f *eventFixture) move(to crawler.State) {
	f.t.Helper()
	moved, err := f.store.Move(f.t.Context(), f.queue, to, "", f.status().State)
	if err != nil || !moved {
		f.t.Fatalf("the job does not become %s: %v", to, err)
	}
}

// replace makes the settings of the job those of a status that was read before.
func (f *eventFixture) replace(settings crawler.Status) {
	f.t.Helper()
	if _, err := f.store.Replace(f.t.Context(), settings, frontier.Replacement{Job: settings.Job}); err != nil {
		f.t.Fatal(err)
	}
}

func (f *eventFixture) status() crawler.Status {
	f.t.Helper()
	status, err := f.store.Status(f.t.Context(), f.queue)
	if err != nil {
		f.t.Fatal(err)
	}
	return status
}

// pass passes on the events of the job as it is in a status.
func (f *eventFixture) pass(status crawler.Status) {
	f.t.Helper()
	if err := f.PassOn(f.t.Context(), f.store, status); err != nil {
		f.t.Error(err)
	}
}

func (f *eventFixture) write(secret string, lines ...string) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, secret), []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *eventFixture) delivered() []event.Deliveries {
	f.t.Helper()
	all, err := f.fleet.Deliveries(f.t.Context(), f.queue)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range all {
		if all[i].Last != nil && f.status().Now.Sub(*all[i].Last) > time.Hour {
			f.t.Errorf("the last delivery was on %v", all[i].Last)
		}
		all[i].Last = nil
	}
	return all
}

func hookSecret(b string) string {
	return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(b, 32)))
}

// A scheduler that dies after it has enqueued events and before it has recorded that is the same as
// two that pass on what they read at the same time.
func TestEventsThatArePassedOnRepeatedlyArriveOnce(t *testing.T) {
	t.Parallel()
	all, some := testhook.New(t), testhook.New(t)
	f := newEventFixture(t, crawler.Webhook{URL: all.URL},
		crawler.Webhook{URL: some.URL, Events: []crawler.EventName{crawler.EventDone}})
	created := f.status()
	f.move(crawler.StateRunning)
	f.move(crawler.StatePaused)
	before := f.status()
	var schedulers sync.WaitGroup
	for range 10 {
		schedulers.Go(func() { f.pass(before) })
	}
	schedulers.Wait()
	f.pass(before)
	f.deliver()
	all.WaitFor(t.Context(), "began", "paused")
	f.pass(before) // the tasks are done, and still known
	f.move(crawler.StateRunning)
	f.move(crawler.StateDone)
	f.pass(f.status())
	f.pass(created)
	if left, err := f.fleet.FlushEvents(t.Context(), f.queue); err != nil || left != 0 {
		t.Errorf("%d events are left: %v", left, err)
	}
	got := testhook.Names(all.Accepted())
	if diff := cmp.Diff([]string{"began", "paused", "resumed", "done"}, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if got := testhook.Names(some.Accepted()); !slices.Equal(got, []string{"done"}) {
		t.Errorf("the webhook for the end got %q", got)
	}
	want := []event.Deliveries{{URL: all.URL, Delivered: 4}, {URL: some.URL, Delivered: 1}}
	if diff := cmp.Diff(want, f.delivered()); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestAReceiverThatWasDeadGetsAllEvents(t *testing.T) {
	t.Parallel()
	r := testhook.New(t)
	f := newEventFixture(t, crawler.Webhook{URL: r.URL})
	r.Stop()
	f.deliver()
	f.move(crawler.StateRunning)
	for range 3 {
		f.move(crawler.StatePaused)
		f.move(crawler.StateRunning)
		f.pass(f.status())
	}
	f.waitFor("a failed try of each", func(d event.Deliveries) bool { return d.Failed >= 7 && d.Error != "" })
	r.Start()
	want := []string{"began", "paused", "resumed", "paused", "resumed", "paused", "resumed"}
	r.Wait(t.Context(), "all events", func() bool { return len(r.Accepted()) >= len(want) })
	if got := testhook.Names(r.Accepted()); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	f.waitFor("7 deliveries", func(d event.Deliveries) bool { return d.Delivered == 7 && d.GivenUp == 0 })
}

// waitFor waits until the first webhook of the job was told what is wanted.
func (f *eventFixture) waitFor(what string, enough func(event.Deliveries) bool) {
	f.t.Helper()
	for !enough(f.delivered()[0]) {
		select {
		case <-time.After(20 * time.Millisecond):
		case <-f.t.Context().Done():
			f.t.Fatalf("waiting for %s: %+v", what, f.delivered())
		}
	}
}

func TestASecretIsReplacedWhileEventsAreOnTheirWay(t *testing.T) {
	t.Parallel()
	older, newer := hookSecret("a"), hookSecret("b")
	r := testhook.New(t, older)
	f := newEventFixture(t, crawler.Webhook{URL: r.URL, Secret: "shop"})
	f.deliver()
	f.move(crawler.StateRunning)
	for i, step := range []func(){
		func() { f.write("shop", older) },
		func() { f.write("shop", newer, older) },
		func() { r.Trust(newer) },
		func() { f.write("shop", newer) },
	} {
		step()
		f.move(crawler.StatePaused)
		f.move(crawler.StateRunning)
		f.pass(f.status())
		r.Wait(t.Context(), "the events of a step", func() bool { return len(r.Accepted()) >= 3+2*i })
	}
	if got := r.Refused(); len(got) > 0 {
		t.Errorf("refused: %q", got)
	}
	f.write("shop", hookSecret("c")) // a mistake, which is mended later
	f.move(crawler.StateDone)
	f.pass(f.status())
	r.Wait(t.Context(), "a refusal", func() bool { return len(r.Refused()) > 0 })
	f.write("shop", newer)
	r.WaitFor(t.Context(), "done")
	if n := len(r.Accepted()); n != 10 {
		t.Errorf("%d events were accepted, want 10", n)
	}
}

func TestAReceiverThatIsGoneGetsNoMoreEventsUntilTheJobChanges(t *testing.T) {
	t.Parallel()
	r := testhook.New(t)
	r.Answer(func(testhook.Event) int { return 410 })
	f := newEventFixture(t, crawler.Webhook{URL: r.URL})
	f.deliver()
	f.move(crawler.StateRunning)
	f.pass(f.status())
	f.waitFor("410", func(d event.Deliveries) bool { return d.Disabled })
	r.Answer(nil)
	f.move(crawler.StatePaused)
	f.pass(f.status())
	f.replace(f.status())
	f.move(crawler.StateDone)
	f.pass(f.status())
	r.WaitFor(t.Context(), "done")
	if got := testhook.Names(r.Accepted()); !slices.Equal(got, []string{"done"}) {
		t.Errorf("got %q, want only the event after the change", got)
	}
}

func TestAnEventIsGivenUpAfterTheLastTry(t *testing.T) {
	t.Parallel()
	r := testhook.New(t)
	r.Answer(func(testhook.Event) int { return 500 })
	f := newEventFixture(t, crawler.Webhook{URL: r.URL})
	f.deliver(0, 0)
	f.move(crawler.StateRunning)
	f.pass(f.status())
	f.waitFor("the end", func(d event.Deliveries) bool { return d.GivenUp > 0 })
	if n := len(r.Refused()); n != 3 {
		t.Errorf("the event was tried %d times, want 3", n)
	}
	want := []event.Deliveries{{URL: r.URL, Failed: 3, GivenUp: 1, Error: f.delivered()[0].Error}}
	if diff := cmp.Diff(want, f.delivered()); diff != "" || !strings.Contains(want[0].Error, "500") ||
		strings.Contains(want[0].Error, "/hook") {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
	info, err := f.inspector.ListArchivedTasks(wire.EventQueue)
	for len(info) == 0 && (err == nil || strings.Contains(err.Error(), "NOT_FOUND")) && t.Context().Err() == nil {
		info, err = f.inspector.ListArchivedTasks(wire.EventQueue)
	}
	if err != nil || len(info) != 1 || strings.Contains(string(info[0].Payload), "whsec_") {
		t.Errorf("archived: %v (%v)", info, err)
	}
}

func TestTheEndOfARemovedJobIsTold(t *testing.T) {
	t.Parallel()
	r := testhook.New(t)
	f := newEventFixture(t, crawler.Webhook{URL: r.URL})
	f.move(crawler.StateRunning)
	f.move(crawler.StateCancelled)
	if err := f.fleet.Remove(t.Context(), f.queue); err != nil {
		t.Fatal(err)
	}
	f.deliver()
	r.WaitFor(t.Context(), "began", "cancelled")
	if _, err := f.inspector.ListCompletedTasks(wire.EventQueue, asynq.PageSize(1)); err != nil {
		t.Error(err)
	}
}
