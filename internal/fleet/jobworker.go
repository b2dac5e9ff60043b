package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sitemap"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/tasks"
)

// JobWorker carries out the visits of one job in a worker.
type JobWorker struct {
	// Scope is the job's scope. It grows when seeds are added.
	Scope *rules.Scope

	job     crawler.Status
	rt      *Runtime
	visitor *visit.Visitor
	homes   int64 // number of hosts added to the job's scope, as last read
	output  *Output
	server  *standby
	heard   func(queue.Report, error)                               // called after each visit
	broken  atomic.Bool                                             // pages could not be kept
	gate    *visit.Gate                                             // nil if visits do not wait for the output
	waits   func(why error)                                         // called with why pages cannot be kept, or with nil
	rests   func(h crawler.Host, reason string, wait time.Duration) // called when a host is left alone; may be nil

	tending  sync.WaitGroup
	fetcher  *timed
	lent     *fetch.Fetcher // for hosts and networks opened only for this job; nil if none are
	revision int64          // of the settings in use; only used by Update

	stopping chan struct{} // closed when visits must end
	stopOnce sync.Once
	shutOnce sync.Once
}

// NewJobWorker sets up a job worker whose scope starts with the hosts in home. It takes
// ownership of out, even if it fails. known is what is known from earlier fetches; nil if nothing
// is.
func (w *Runtime) NewJobWorker(job crawler.Status, home []crawler.Host, out *Output, known *knowledge,
	heard func(queue.Report, error)) (*JobWorker, error) {
	st := &JobWorker{job: job, revision: job.Revision, rt: w, output: out, heard: heard, stopping: make(chan struct{})}
	var err error
	if st.Scope, err = rules.NewScope(job.Job.ScopeSettings, home); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	wanted := parse.JobConfig(job.Job, out.Needs())
	wanted.Room = w.trees
	parser, err := parse.New(wanted)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	st.fetcher = &timed{Fetcher: w.Fetcher, locator: w.Fetcher, meters: w.meters, job: job.Job.Name}
	tools := out.tools(visit.Tools{
		Frontier: w.store.Frontier(job.Job), Fetcher: st.fetcher, Robots: w.robots,
		Parser: parser, Sitemaps: sitemap.Parser{Dates: job.Job.Recrawl.On()}, Locator: st.fetcher,
		Jar:      cookie.NewJar(),
		Handlers: w.handlersFor(job), Browser: w.browserFor(job.Job),
		Room: w.Fetcher.Room,
	})
	if known != nil {
		tools.Validators = known
	}
	st.gate = tools.Gate
	st.visitor, err = visit.New(job.Job, st.Scope, tools, visit.Config{
		Worker: w.name, CPU: w.cpu, HandlerTime: w.handlerTime, HandlerPlaces: w.handlerPlaces, Log: w.log,
		Trace: w.trace, Full: w.full, Grace: w.grace, KeepPause: w.keepPause,
		Settled: w.settledOf(job.Job.Name), Stops: st.Stop,
		Rests: func(h crawler.Host, reason string, wait time.Duration) {
			if st.rests != nil {
				st.rests(h, reason, wait)
			}
		},
	})
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return st, nil
}

// settledOf returns the function that is called with each settled result of a job.
func (w *Runtime) settledOf(job string) func(*fetched.Result) {
	return func(r *fetched.Result) {
		w.places.settled.Add(1)
		w.tails.hear(job, r)
		if !w.store.Private() { // otherwise no one else looks at the job
			w.counts.hear(job, r)
		}
		if w.settled != nil {
			w.settled(job, r)
		}
	}
}

// Waits sets a function that is called with the reason when the job's pages cannot be kept
// here, and with nil when they can again. Call Waits before Open.
func (st *JobWorker) Waits(hear func(why error)) { st.waits = hear }

// Rests sets a function that is called when a host of the job is left alone for a while.
// Call Rests before Open.
func (st *JobWorker) Rests(hear func(h crawler.Host, reason string, wait time.Duration)) {
	st.rests = hear
}

// CanWait reports whether visits wait while pages cannot be kept. They do not if the output
// cannot be rewritten, such as standard output.
func (st *JobWorker) CanWait() bool { return st.gate != nil }

// lend lets the job worker connect to hosts and networks that are opened only for its job. Call it
// before Open.
func (st *JobWorker) lend(ctx context.Context) error {
	opened, err := st.rt.store.Opened(ctx, st.job.Job.Name)
	if err != nil {
		return err
	}
	st.lent = st.rt.Fetcher.Lend(opened)
	st.fetcher.Fetcher, st.fetcher.locator = st.lent, st.lent
	return nil
}

// reach opens the host of a visit if it was opened for the job after lend.
func (st *JobWorker) reach(ctx context.Context, h crawler.Host) error {
	if st.lent == nil || st.lent.Allows(h) {
		return nil
	}
	opened, err := st.rt.store.IsOpened(ctx, st.job.Job.Name, h)
	if opened {
		st.lent.AllowLent(h)
	}
	return err
}

// Open starts to receive visits. They are canceled when ctx ends.
func (st *JobWorker) Open(ctx context.Context) (err error) {
	name := st.job.Job.Name
	st.rt.places.serve(name, st.visitor.Spent)
	st.server, err = newStandby(name, func() (*wire.Server, error) { return st.serve(ctx) }, st.rt.log)
	if err != nil {
		return err
	}
	st.rt.places.watch(name, st.server)
	if st.gate != nil {
		st.tending.Go(st.tend)
	}
	return nil
}

func (st *JobWorker) serve(ctx context.Context) (*wire.Server, error) {
	return wire.Serve(ctx, st.rt.redis, st.visit, wire.ServerConfig{
		Places: st.rt.places,
		Job:    st.job.Job.Name, Concurrency: st.rt.places.most, Poll: st.rt.poll, Drain: drainOf(st.rt.grace),
		Forward: forwardEvery,
		Others:  map[string]asynq.HandlerFunc{tasks.TypeSeed: tasks.SeedHandler(st.rt.store, st.rt.log)},
		Log:     st.rt.log,
	})
}

// forwardEvery is how often a worker looks, in each of its queues, for tasks that are to be retried.
// Visits never are.
const forwardEvery = 5 * time.Second

// drainOf returns how long visits may take to end, if requests under way have this grace. After the
// grace, a visit settles and closes. 0 is the default of [wire.ServerConfig].
func drainOf(grace time.Duration) time.Duration {
	if grace == 0 {
		return 0
	}
	return grace + 5*time.Second
}

// Update applies the job's current settings to its visits. Only one goroutine may call it
// at a time.
func (st *JobWorker) Update(job crawler.Status) error {
	if job.Revision == st.revision {
		return nil
	}
	if err := st.visitor.Update(job.Job); err != nil {
		return err
	}
	st.revision = job.Revision
	st.rt.log.Info("the job's settings were changed", "job", job.Job.Name, "revision", job.Revision)
	return nil
}

// openPorts opens the ports that operators named in seeds.
func (st *JobWorker) openPorts(ctx context.Context) error {
	ports, err := st.rt.store.OpenedPorts(ctx, st.job.Job.Name)
	st.Scope.OpenPorts(ports)
	return err
}

// widen adds the hosts of seeds that were added meanwhile to the scope.
func (st *JobWorker) widen(ctx context.Context) error {
	store, name := st.rt.store, st.job.Job.Name
	n, err := store.CountHomes(ctx, name)
	if err != nil || n == st.homes {
		return err
	}
	hosts, err := store.Homes(ctx, name)
	if err != nil {
		return err
	}
	st.Scope.Extend(hosts)
	st.homes = int64(len(hosts))
	return nil
}

// welcome adds the host of a visit to the scope if it belongs to a new seed that this
// worker has not heard of yet. Otherwise the links of its first pages would be lost.
func (st *JobWorker) welcome(ctx context.Context, h crawler.Host) error {
	if !st.Scope.HasPort(h) {
		if err := st.openPorts(ctx); err != nil {
			return err
		}
	}
	if st.Scope.Covers(h) {
		return nil
	}
	home, err := st.rt.store.IsHome(ctx, st.job.Job.Name, h)
	if home {
		st.Scope.Extend([]crawler.Host{h})
	}
	return err
}

// Ship starts to ship what was kept to its bucket at once.
func (st *JobWorker) Ship() { st.output.Ship() }

// Stop makes the visits end soon. More may be received, which end at once.
func (st *JobWorker) Stop() { st.stopOnce.Do(func() { close(st.stopping) }) }

// Stopped reports whether Stop was called. After that, visits do nothing.
func (st *JobWorker) Stopped() bool {
	select {
	case <-st.stopping:
		return true
	default:
		return false
	}
}

// Shut calls Stop and waits for the visits to end.
func (st *JobWorker) Shut() {
	st.Stop()
	st.shutOnce.Do(func() {
		if st.server != nil {
			st.server.close()
			st.rt.places.leave(st.job.Job.Name)
		}
		st.tending.Wait()
	})
}

// Close calls Shut and waits until the output is on disk.
func (st *JobWorker) Close() error {
	st.Shut()
	if st.lent != nil {
		st.lent.Close()
	}
	return st.output.Close()
}

// visit carries out one task.
func (st *JobWorker) visit(ctx context.Context, v wire.Visit, drain <-chan struct{}) (queue.Report, error) {
	if v.Job != st.job.Job.Name {
		return queue.Report{}, fmt.Errorf("a visit of job %q was delivered to the worker of job %q", v.Job,
			st.job.Job.Name)
	}
	if err := errors.Join(st.welcome(ctx, v.Host), st.reach(ctx, v.Host)); err != nil {
		return queue.Report{}, err
	}
	drained, release := either(drain, st.stopping)
	defer release()
	end := st.rt.meters.begin(v.Job)
	report, err := st.visitor.Visit(ctx, v.Ref(), drained)
	end(report, err)
	if err != nil && ctx.Err() == nil {
		st.rt.log.Error("a visit failed, and will be tried again", "job", v.Job, "host", v.Host, "error", err)
	}
	if errors.Is(err, visit.ErrKeep) && ctx.Err() == nil {
		st.broken.Store(true)
	}
	if sink := visit.GivenUp(err); sink != nil {
		st.fail(ctx, sink)
	}
	st.heard(report, err)
	return report, err
}

// failTerm is the timeout for ending a job that cannot continue.
const failTerm = 5 * time.Second

// fail ends the job, for the whole fleet, because a program's sink cannot keep its pages. The job
// can be resumed, because nothing is settled that was not kept. If Redis is unavailable, the worker
// leaves the job alone for some seconds, and then tries its sink again.
func (st *JobWorker) fail(ctx context.Context, why *visit.SinkError) {
	st.Stop()
	if st.rt.failed != nil {
		st.rt.failed(st.job, why)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failTerm)
	defer cancel()
	name, reason := st.job.Job.Name, reasonOf(why)
	moved, err := st.rt.store.Move(ctx, name, crawler.StateFailed, reason, crawler.StateRunning)
	switch {
	case err != nil:
		st.rt.log.Error("a job cannot go on, and cannot be ended now", "job", name, "reason", reason, "error", err)
	case moved:
		st.rt.log.Error("a job has failed: resume it when that is mended", "job", name, "reason", reason)
	}
}

// longestReason is the most bytes of an error that become the reason of a job's state.
const longestReason = 500

// reasonOf returns the reason of a job's state for an error of a program: one line, bounded.
func reasonOf(err error) string {
	text := err.Error()
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + "…"
	}
	return plain.Printable(text)
}

// timed is a fetcher that counts and times the requests of a job.
type timed struct {
	visit.Fetcher
	locator visit.Locator
	meters  *workerMeters
	job     string
}

// Locate returns the address of a host.
func (f *timed) Locate(ctx context.Context, h crawler.Host) (netip.Addr, error) {
	return f.locator.Locate(ctx, h)
}

// Fetch makes one request.
func (f *timed) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	page, err := f.Fetcher.Fetch(ctx, r)
	if page != nil {
		f.meters.asked(f.job, page.Duration)
	}
	return page, err
}

// either returns a channel that is closed when a or b is closed, or when the returned
// function is called.
func either(a, b <-chan struct{}) (<-chan struct{}, func()) {
	c, released := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(c)
		select {
		case <-a:
		case <-b:
		case <-released:
		}
	}()
	return c, func() { close(released) }
}
