package localcrawl

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
	"github.com/trawlcrawler/trawl/internal/webhook"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// Result is the outcome of a run.
type Result struct {
	Status   crawler.Status   // the job's last status
	Counters crawler.Counters // of the job
	Pages    int64            // of this run
	Took     time.Duration
	// Interrupted says that the context ended before the job did.
	Interrupted bool
	// Elsewhere lists where other workers of the Redis keep pages of the job.
	Elsewhere []queue.Kept
}

const (
	// poll is how long an empty queue is left alone. There is only one queue, so it can be
	// polled more often than those of a fleet, and the crawl ends sooner.
	poll = 10 * time.Millisecond
	// lookEvery is how often to check whether a job has ended, in case a notification was
	// missed.
	lookEvery = 250 * time.Millisecond
)

// Run crawls until the job has ended, ctx ends, or a local error occurs. Meanwhile it
// admits the seeds; nil means those of the job's settings. When ctx ends, Run finishes what
// is under way and returns no error. If there is an error, the result says what was done so
// far. Call Run once, and only if there is something to do.
func (r *Runner) Run(ctx context.Context, seeds iter.Seq[Seed]) (Result, error) {
	if seeds == nil {
		seeds = r.own
	}
	frontier := r.store().Frontier(r.cfg.Job)
	before, err := frontier.Counters(ctx)
	if err != nil {
		return Result{}, err
	}
	r.counted = before
	running := crawler.Status{Job: r.cfg.Job, State: crawler.StateRunning}
	first := r.note(running, before, nil)
	first.Settled = 0 // where other workers keep pages is known at the end
	if err := r.writeNote(first); err != nil {
		return Result{}, err
	}
	began := time.Now()
	status, runErr := r.crawl(ctx, seeds)
	counters, err := frontier.Counters(context.WithoutCancel(ctx))
	if err != nil {
		return Result{Status: status, Counters: r.counted, Pages: r.counted.Pages() - before.Pages(),
			Took: time.Since(began)}, errors.Join(runErr, err)
	}
	result := Result{
		Status: status, Counters: counters, Pages: counters.Pages() - before.Pages(), Took: time.Since(began),
		Interrupted: ctx.Err() != nil && !status.State.Ended(), Elsewhere: r.elsewhere(ctx, counters.Pages()),
	}
	if result.Interrupted {
		runErr = errors.Join(runErr, r.park(ctx))
	}
	noted := status
	if runErr != nil { // the next run has something to finish
		noted = running
	}
	// If this note cannot be written, the first one stays, and the next run continues.
	return result, errors.Join(runErr, r.writeNote(r.note(noted, counters, result.Elsewhere)), r.leave(ctx))
}

// countEvery is how old the counters may be that are known if Redis is lost.
const countEvery = time.Second

// count reads the counters of the crawled job now and then, so that they are known if Redis is
// lost.
func (r *Runner) count(ctx context.Context, job crawler.Job) {
	if job.Name != r.cfg.Job.Name || time.Since(r.countedAt) < countEvery {
		return
	}
	if counters, err := r.store().Frontier(job).Counters(ctx); err == nil {
		r.counted, r.countedAt = counters, time.Now()
	}
}

// writeNote writes a note into the folder, if there is one.
func (r *Runner) writeNote(n Note) error {
	if r.folder == nil {
		return nil
	}
	return r.folder.write(n)
}

// leave removes a job that cannot be continued from a shared Redis. No other worker serves
// it.
func (r *Runner) leave(ctx context.Context) error {
	if r.folder != nil || r.Redis.Private {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	queues := wire.NewDispatcher(r.Redis.Endpoint, 0)
	defer queues.Close()
	if _, err := queues.Forget(r.cfg.Job.Name); err != nil {
		return err
	}
	if err := r.store().Remove(ctx, r.cfg.Job.Name); err != nil && !errors.Is(err, queue.ErrNoJob) {
		return err
	}
	return nil
}

// parkTerm is the timeout for pausing a job that no one works on.
const parkTerm = 5 * time.Second

// park pauses an interrupted job on a shared Redis if no other process works on it, so that
// it does not look as if it were running. The next run resumes it.
func (r *Runner) park(ctx context.Context) error {
	if r.folder == nil || r.Redis.Private {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), parkTerm)
	defer cancel()
	status, err := r.store().Status(ctx, r.cfg.Job.Name)
	if err != nil || status.State != crawler.StateRunning {
		return err
	}
	processes, err := r.store().Processes(ctx)
	if err != nil {
		return err
	}
	others := waiting.Service{Processes: processes}
	if others.Carries(status) {
		return nil
	}
	_, err = r.store().Move(ctx, status.Job.Name, crawler.StatePaused, "its crawl was interrupted",
		crawler.StateRunning)
	return err
}

// crawl runs the worker and the scheduler until the job has ended and everything is closed.
func (r *Runner) crawl(ctx context.Context, seeds iter.Seq[Seed]) (crawler.Status, error) {
	hard, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	working, stop := context.WithCancel(ctx)
	defer stop()
	r.stop = stop
	if err := r.prepare(); err != nil {
		return crawler.Status{Job: r.cfg.Job, State: crawler.StateRunning}, err
	}
	var running, killing sync.WaitGroup
	running.Go(func() { r.run(working, hard, func(ctx context.Context) { r.seed(ctx, seeds) }) })
	killing.Go(func() { r.killOn(hard, kill) })
	status, err := r.wait(working)
	if err == nil && status.State.Ended() {
		r.tell(working)
	}
	stop()
	running.Wait()
	kill()
	killing.Wait()
	r.failed()
	switch {
	case errors.Is(r.failure, ErrRedisLost):
		return status, fmt.Errorf("%w; %s", r.failure, r.cfg.Words.Again)
	case r.failure != nil:
		return status, r.failure
	case ctx.Err() != nil:
		return status, nil
	}
	return status, err
}

// tellTerm is how long a crawl that has ended waits for the receivers of its events.
const tellTerm = 30 * time.Second

// tell waits until the webhooks of the job were told its end. Where others use the Redis, their
// schedulers tell them.
func (r *Runner) tell(ctx context.Context) {
	if r.webhooks() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, tellTerm)
	defer cancel()
	left, err := r.Client.FlushEvents(ctx, r.cfg.Job.Name)
	switch {
	case err != nil:
		r.cfg.Log.Warn("webhooks may not have been told of all events", "error", err)
	case left > 0:
		r.cfg.Log.Warn("webhooks were not told of all events", "events", left)
	}
}

// webhooks returns how the events of the job are sent, or nil if this process does not send
// them: the job has no webhooks, or a fleet has schedulers for that. The receivers may have any
// address, because the operator of the process has named them.
func (r *Runner) webhooks() *webhook.Config {
	if len(r.cfg.Job.Webhooks) == 0 || !r.Redis.Private {
		return nil
	}
	return &webhook.Config{AllowPrivate: true}
}

// prepare creates the worker and the scheduler.
func (r *Runner) prepare() error {
	worker := fleet.WorkerConfig{
		Name: r.workerName(), Concurrency: r.cfg.Concurrency, Fetch: r.cfg.Fetch, Jobs: r.jobs(),
		Browser:     r.cfg.Browser,
		HandlerTime: r.cfg.HandlerTime, HandlerPlaces: r.cfg.HandlerPlaces, Grace: r.cfg.Grace,
		KeepPause: r.cfg.KeepPause, Spill: r.cfg.Spill, Observer: fleet.Observer{Failed: r.cfg.Hear.Failed},
		Local: &fleet.Local{
			Process: r.cfg.Process, Place: r.place(), Sole: !r.cfg.Out.PerJob, Downloads: r.downloads(), Poll: poll,
			Heard: r.heard, Waits: r.waits, Rests: r.rests, Failed: func(_ string, err error) { r.fail(err) },
		},
	}
	worker.Fetch.TempDir = r.temp()
	err := r.setUp(worker, r.cfg.Handlers, fleet.SchedulerConfig{
		Name: fleet.HostName(), Jobs: r.jobs(), Ended: func(crawler.Status) { r.wake() },
		Seeds:    r.cfg.Handlers != nil, // handlers may enqueue such tasks
		Webhooks: r.webhooks(),
	})
	if err != nil {
		return err
	}
	for _, h := range r.homes {
		r.worker.Allow(h)
	}
	return nil
}

// downloads reports whether the worker only downloads files.
func (r *Runner) downloads() bool {
	return !r.cfg.Out.PerJob && r.cfg.Out.Sink == nil && slices.Equal(r.cfg.Job.Format, []string{"files"}) &&
		fetched.Needs{Verbatim: true}.Download(r.cfg.Job)
}

// workerName returns the name of the worker. A worker that is alone keeps its name, so that
// it finishes the files that an earlier process left open.
func (r *Runner) workerName() string {
	switch {
	case r.cfg.Name != "":
		return r.cfg.Name
	case r.Redis.Private || !r.cfg.Out.PerJob:
		return fleet.HostName()
	}
	return fleet.WorkerName()
}

// place returns the worker's name among those that keep pages of the job.
func (r *Runner) place() string {
	if r.cfg.Out.PerJob {
		return r.workerName()
	}
	return ownPlace
}

// jobs returns the jobs to carry out. In a private Redis these include the jobs that
// handlers create, because no one else would carry them out.
func (r *Runner) jobs() []string {
	if r.Redis.Private && r.cfg.Out.PerJob {
		return nil
	}
	return []string{r.cfg.Job.Name}
}

// wake makes await check the job now.
func (r *Runner) wake() {
	select {
	case r.ended <- struct{}{}:
	default: // a wakeup is pending already
	}
}

// heard handles a visit's report. A visit that failed is tried again. But if pages cannot
// be kept, and only a person can fix that, there is no point in fetching more. The
// exception is sinks of handlers, which belong to the program and are tried again.
func (r *Runner) heard(job string, report queue.Report, lost error) {
	if job == r.cfg.Job.Name {
		r.cfg.Hear.Visit(report)
	}
	r.scheduler.Nudge(job) // it may have been the job's last visit
	if lost != nil && r.cfg.Handlers == nil {
		r.fail(fmt.Errorf("%w; %s when that is mended", lost, r.cfg.Words.Again))
	}
}

// waits reports why pages cannot be kept.
func (r *Runner) waits(_ string, why error) { r.cfg.Hear.Waits(why) }

// rests reports that a host of the job is left alone for a while.
func (r *Runner) rests(job string, h crawler.Host, reason string, wait time.Duration) {
	if job == r.cfg.Job.Name {
		r.cfg.Hear.Rests(h, reason, wait)
	}
}

// killOn cancels requests under way when the user does not want to wait for them.
func (r *Runner) killOn(hard context.Context, kill func()) {
	select {
	case <-r.cfg.Kill:
		kill()
	case <-hard.Done():
	}
}

// wait waits for the end of the job, and of jobs created by its handlers that only this
// process carries out.
func (r *Runner) wait(ctx context.Context) (crawler.Status, error) {
	status, err := r.await(ctx, r.cfg.Job)
	for err == nil && r.jobs() == nil {
		all, err := r.store().Statuses(ctx)
		if err != nil {
			return status, err
		}
		next := slices.IndexFunc(all, func(s crawler.Status) bool { return !s.State.Ended() && s.Job.Schedule == "" })
		if next < 0 {
			break
		}
		if err := r.lacking(all[next].Job); err != nil {
			return status, err
		}
		if _, err := r.await(ctx, all[next].Job); err != nil {
			return status, err
		}
	}
	return status, err
}

// ErrNoHandlers says that a job needs handlers that the program does not provide.
var ErrNoHandlers = errors.New("the program does not provide all handlers of the job")

// lacking returns an error if the program lacks handlers that the job needs.
func (r *Runner) lacking(job crawler.Job) error {
	lacks := slices.DeleteFunc(slices.Clone(job.Handlers), func(name string) bool {
		return r.handlers != nil && r.handlers.Has([]string{name})
	})
	if len(lacks) == 0 {
		return nil
	}
	return fmt.Errorf("job %q: %w: %s", job.Name, ErrNoHandlers, strings.Join(lacks, ", "))
}

// await waits for the end of one job, and returns its last status. It waits through errors
// of Redis, which the scheduler reports.
func (r *Runner) await(ctx context.Context, job crawler.Job) (crawler.Status, error) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	last := crawler.Status{Job: job, State: crawler.StateRunning}
	for {
		status, err := r.store().Status(ctx, job.Name)
		switch {
		case errors.Is(err, queue.ErrNoJob):
			return last, fmt.Errorf("job %q was removed before its end: %w", job.Name, err)
		case err == nil && status.State.Ended():
			return status, nil
		case err == nil:
			last = status
			r.count(ctx, job)
		}
		select {
		case <-tick.C:
		case <-r.ended:
		case <-ctx.Done():
			return last, ctx.Err()
		}
	}
}
