package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// fakeFleet keeps the jobs of a fleet in memory. Jobs run as soon as they are created.
type fakeFleet struct {
	mu    sync.Mutex
	jobs  map[string]*fakeJob
	order []string

	err     error // returned by all methods, if set
	hung    bool  // no method answers: each waits for its context
	members []waiting.Member
	vitals  redisconn.Vitals

	onSeed  func(url string)   // called with each URL before it is admitted
	endSeed func(n int64) bool // reports whether the job ends at a line
}

// fakeJob is a job of a fakeFleet.
type fakeJob struct {
	status   crawler.Status
	counters crawler.Counters
	seen     map[crawler.URL]bool
	broken   error // the error of Counters
	history  forecast.History
	places   []queue.Kept
	hosts    []crawler.HostStatus
	queued   []queue.Location
	robots   []queue.Robots
	failures []string
	waiting  waiting.Waiting
	failed   []queue.Failed
	spread   spread.Counts
	recent   []tail.Row
	events   []event.Event
	webhooks []event.Deliveries
	tailed   int // calls of Tail
}

func newFakeFleet() *fakeFleet { return &fakeFleet{jobs: make(map[string]*fakeJob)} }

// lock locks the fleet. It waits or fails if the fleet is told to.
func (f *fakeFleet) lock(ctx context.Context) error {
	f.mu.Lock()
	err, hung := f.err, f.hung
	if err == nil && !hung {
		return ctx.Err()
	}
	f.mu.Unlock()
	if hung {
		<-ctx.Done()
		err = ctx.Err()
	}
	f.mu.Lock()
	return err
}

// find finds a job. The fleet is locked on return, also after an error.
func (f *fakeFleet) find(ctx context.Context, name string) (*fakeJob, error) {
	if err := f.lock(ctx); err != nil {
		return nil, err
	}
	r := f.jobs[name]
	if r == nil {
		return nil, fmt.Errorf("job %q: %w", name, queue.ErrNoJob)
	}
	return r, nil
}

func (f *fakeFleet) CreateClosed(ctx context.Context, job crawler.Job) error {
	defer f.mu.Unlock()
	if err := f.lock(ctx); err != nil {
		return err
	}
	if f.jobs[job.Name] != nil {
		return fmt.Errorf("job %q: %w", job.Name, queue.ErrJobExists)
	}
	now := time.Now()
	f.jobs[job.Name] = &fakeJob{
		status: crawler.Status{Job: job, State: crawler.StateRunning, Created: now, Started: now},
		seen:   make(map[crawler.URL]bool),
	}
	f.order = append(f.order, job.Name)
	return nil
}

func (f *fakeFleet) Jobs(ctx context.Context) ([]crawler.Status, error) {
	defer f.mu.Unlock()
	if err := f.lock(ctx); err != nil {
		return nil, err
	}
	var all []crawler.Status
	for _, name := range f.order {
		if r := f.jobs[name]; r != nil {
			all = append(all, r.status)
		}
	}
	return all, nil
}

func (f *fakeFleet) Status(ctx context.Context, name string) (crawler.Status, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return crawler.Status{}, err
	}
	return r.status, nil
}

func (f *fakeFleet) Estimate(
	ctx context.Context, job crawler.Status, numbers crawler.Counters,
) (forecast.Estimate, error) {
	samples, err := f.Recent(ctx, job.Job.Name, forecast.EstimateSamples)
	if err != nil || len(samples) == 0 {
		return forecast.Estimate{}, err
	}
	hosts, err := f.Hosts(ctx, job.Job.Name, forecast.EstimateHosts)
	return forecast.EstimateOf(job, numbers, samples, hosts), err
}

func (f *fakeFleet) Use(ctx context.Context, job crawler.Status, numbers crawler.Counters) (forecast.Use, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, job.Job.Name)
	if err != nil {
		return forecast.Use{}, err
	}
	use := forecast.UseOf(job.Job.Name, f.members, numbers)
	use.Advice = use.Advise(numbers, r.hosts, time.Now())
	return use, nil
}

func (f *fakeFleet) Counters(ctx context.Context, name string) (crawler.Counters, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return crawler.Counters{}, err
	}
	return r.counters, r.broken
}

func (f *fakeFleet) Waiting(ctx context.Context, job crawler.Status, _ crawler.Counters) (waiting.Waiting, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, job.Job.Name)
	if err != nil {
		return waiting.Waiting{}, err
	}
	return r.waiting, nil
}

func (f *fakeFleet) Recent(ctx context.Context, name string, limit int) ([]forecast.Sample, error) {
	h, err := f.History(ctx, name)
	return h.Seconds[max(0, len(h.Seconds)-limit):], err
}

func (f *fakeFleet) History(ctx context.Context, name string) (forecast.History, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return forecast.History{}, err
	}
	return r.history, nil
}

func (f *fakeFleet) Tail(ctx context.Context, name string, since int64) (tail.Excerpt, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return tail.Excerpt{}, err
	}
	r.tailed++
	rows := r.recent[min(int(since), len(r.recent)):]
	return tail.Excerpt{Rows: slices.Clone(rows), Next: since + int64(len(rows))}, nil
}

func (f *fakeFleet) HostTail(ctx context.Context, name string, host crawler.Host) ([]tail.Row, error) {
	found, err := f.Tail(ctx, name, 0)
	rows := slices.DeleteFunc(found.Rows, func(r tail.Row) bool { return r.Host != host })
	slices.Reverse(rows)
	return rows, err
}

func (f *fakeFleet) Spread(ctx context.Context, name string) (spread.Counts, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.spread, nil
}

func (f *fakeFleet) Events(ctx context.Context, name string) ([]event.Event, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.events, nil
}

func (f *fakeFleet) Deliveries(ctx context.Context, name string) ([]event.Deliveries, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.webhooks, nil
}

func (f *fakeFleet) Places(ctx context.Context, name string) ([]queue.Kept, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.places, nil
}

func (f *fakeFleet) Failures(ctx context.Context, name string) ([]string, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.failures, nil
}

func (f *fakeFleet) Failed(ctx context.Context, name string, _ int) ([]queue.Failed, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.failed), nil
}

func (f *fakeFleet) Retry(ctx context.Context, name string, which queue.FailedFilter) (int, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return 0, err
	}
	if r.status.State == crawler.StateCancelled {
		return 0, fmt.Errorf("job %q: %w", name, queue.ErrJobEnded)
	}
	before := len(r.failed)
	r.failed = slices.DeleteFunc(r.failed, which.Admits)
	return before - len(r.failed), nil
}

// Refetch finds as many URLs as the name of the worker is long.
func (f *fakeFleet) Refetch(ctx context.Context, name, lost string) (int64, error) {
	defer f.mu.Unlock()
	_, err := f.find(ctx, name)
	return int64(len(lost)), err
}

func (f *fakeFleet) Hosts(ctx context.Context, name string, limit int) ([]crawler.HostStatus, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.hosts[:min(limit, len(r.hosts))], nil
}

func (f *fakeFleet) Host(ctx context.Context, name string, host crawler.Host) (crawler.HostStatus, error) {
	hosts, err := f.Hosts(ctx, name, 1<<20)
	for _, h := range hosts {
		if h.Host == host {
			return h, err
		}
	}
	return crawler.HostStatus{}, cmp.Or(err, fmt.Errorf("job %s, host %q: %w", name, host, queue.ErrNoHost))
}

func (f *fakeFleet) Govern(ctx context.Context, name string, host crawler.Host,
	change func(*crawler.HostRules) error, forgive bool) error {
	h, err := f.Host(ctx, name, host)
	if err != nil {
		return err
	}
	if err := change(&h.Rules); err != nil {
		return err
	}
	f.change(name, func(r *fakeJob) {
		for i := range r.hosts {
			if one := &r.hosts[i]; one.Host == host {
				one.Rules = h.Rules
				if forgive {
					one.ConsecutiveFailures, one.GivenUp, one.Trouble = 0, false, ""
				}
			}
		}
	})
	return nil
}

func (f *fakeFleet) Queued(ctx context.Context, name string, _ crawler.Host, limit int) ([]queue.Location, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.queued[:min(limit, len(r.queued))], nil
}

func (f *fakeFleet) Robots(ctx context.Context, name string, _ crawler.Host) ([]queue.Robots, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return r.robots, nil
}

func (f *fakeFleet) Members(ctx context.Context) ([]waiting.Member, error) {
	defer f.mu.Unlock()
	err := f.lock(ctx)
	return f.members, err
}

func (f *fakeFleet) Vitals(ctx context.Context) (redisconn.Vitals, error) {
	defer f.mu.Unlock()
	err := f.lock(ctx)
	return f.vitals, err
}

func (f *fakeFleet) Pause(ctx context.Context, name string) error {
	return f.move(ctx, name, crawler.StatePaused, crawler.StateRunning, crawler.StatePaused)
}

func (f *fakeFleet) Resume(ctx context.Context, name string) error {
	return f.move(ctx, name, crawler.StateRunning, crawler.StateRunning, crawler.StatePaused, crawler.StateDone)
}

func (f *fakeFleet) Set(ctx context.Context, name string, revision int64,
	changes setting.Changes) (setting.Adjustment, error) {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return setting.Adjustment{}, err
	}
	if revision >= 0 && revision != r.status.Revision {
		return setting.Adjustment{}, fmt.Errorf("job %q: %w", name, queue.ErrJobChanged)
	}
	job, notes, err := setting.Change(r.status.Job, changes)
	if err != nil {
		return setting.Adjustment{}, err
	}
	r.status.Revision++
	done := setting.Adjustment{Changed: setting.Differences(r.status.Job, job, time.Now(), r.status.Revision),
		Notes: notes}
	r.status.Job, r.status.Changes = job, append(r.status.Changes, done.Changed...)
	return done, nil
}

func (f *fakeFleet) Cancel(ctx context.Context, name string) error {
	return f.move(ctx, name, crawler.StateCancelled, crawler.StateRunning, crawler.StatePaused)
}

func (f *fakeFleet) move(ctx context.Context, name string, to crawler.State, from ...crawler.State) error {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return err
	}
	for _, state := range from {
		if r.status.State == state {
			r.status.State = to
			return nil
		}
	}
	if !r.status.State.Ended() {
		return fmt.Errorf("job %q is %s: %w", name, r.status.State, queue.ErrJobState)
	}
	return fmt.Errorf("job %q: %w", name, queue.ErrJobEnded)
}

func (f *fakeFleet) Remove(ctx context.Context, name string) error {
	defer f.mu.Unlock()
	if _, err := f.find(ctx, name); err != nil {
		return err
	}
	delete(f.jobs, name)
	return nil
}

func (f *fakeFleet) SeedClosed(ctx context.Context, name string, urls iter.Seq2[string, error],
	progress func(crawler.Seeding)) (crawler.Seeding, error) {
	var seeding crawler.Seeding
	line := int64(0)
	for text, err := range urls {
		if err != nil {
			return seeding, err
		}
		line++
		if f.endSeed != nil && f.endSeed(line) {
			return seeding, fmt.Errorf("job %q: %w", name, queue.ErrJobEnded)
		}
		if text == "" {
			continue
		}
		if f.onSeed != nil {
			f.onSeed(text)
		}
		if err := f.admit(ctx, name, line, text, &seeding); err != nil {
			return seeding, err
		}
		progress(seeding)
	}
	return seeding, nil
}

func (f *fakeFleet) admit(ctx context.Context, name string, line int64, text string, seeding *crawler.Seeding) error {
	defer f.mu.Unlock()
	r, err := f.find(ctx, name)
	if err != nil {
		return err
	}
	seed, err := seedfile.ParseSeed(text)
	if err != nil {
		return err // the list reports the refusal
	}
	url, err := crawler.ParseURL(seed.URL)
	switch {
	case err != nil:
		queue.Refuse(seeding, crawler.Refusal{Line: line, URL: text, Reason: err.Error()})
	case r.seen[url]:
		seeding.Seen++
	default:
		r.seen[url] = true
		seeding.Admitted++
		r.counters.Seen++
		r.counters.Waiting++
	}
	return nil
}

// change changes a job without the dashboard.
func (f *fakeFleet) change(name string, how func(*fakeJob)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how(f.jobs[name])
}

// fail makes all methods return err.
func (f *fakeFleet) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// hang makes all methods wait for their contexts.
func (f *fakeFleet) hang() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hung = true
}
