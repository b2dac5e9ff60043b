package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/parse"
	"github.com/trawlcrawler/trawl/crawler/sitemap"
	"github.com/trawlcrawler/trawl/tasks"
)

// Station is where a worker carries out the visits of one job.
type Station struct {
	// Scope is the job's. It grows with the seeds that are brought.
	Scope *crawler.Scope

	job      crawler.Status
	workshop *Workshop
	visitor  *crawler.Visitor
	homes    int64 // hosts that were added to the job's scope, as far as is known
	output   *Output
	server   *tasks.Server
	heard    func(crawler.Report, error) // of each visit
	broken   atomic.Bool                 // its pages could not be kept
	gate     *crawler.Gate               // nil where nothing can be waited for
	waits    func(why error)             // hears why its pages cannot be kept now, and nil when they can again

	mu       sync.Mutex // held to change the server
	tending  sync.WaitGroup
	fetcher  *timed
	lent     *fetch.Fetcher // to what is opened for the job alone; nil when nothing is
	revision int64          // of the settings that visits go by; for Update alone

	stopping chan struct{} // closed when visits are to end
	stopOnce sync.Once
	shutOnce sync.Once
}

// NewStation sets up a station that starts from the hosts of home. It owns out
// from now on, also when it fails.
func (w *Workshop) NewStation(job crawler.Status, home []crawler.Host, out *Output, heard func(crawler.Report, error)) (*Station, error) {
	st := &Station{job: job, revision: job.Revision, workshop: w, output: out, heard: heard, stopping: make(chan struct{})}
	var err error
	if st.Scope, err = crawler.NewScope(job.Job, home); err != nil {
		return nil, errors.Join(err, out.Close())
	}
	wanted := parse.JobConfig(job.Job)
	wanted.Room = w.trees
	parser, err := parse.New(wanted)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	st.fetcher = &timed{Fetcher: w.Fetcher, locator: w.Fetcher, meters: w.meters, job: job.Job.Name}
	tools := out.tools(crawler.Tools{
		Frontier: w.store.Frontier(job.Job), Fetcher: st.fetcher, Robots: w.robots,
		Parser: parser, Sitemaps: sitemap.Parser{}, Locator: st.fetcher, Jar: fetch.NewJar(), Handlers: w.handlersFor(job),
		Room: w.Fetcher.Room,
	})
	st.gate = tools.Gate
	st.visitor, err = crawler.NewVisitor(job.Job, st.Scope, tools, crawler.VisitorConfig{
		Worker: w.name, CPU: w.cpu, HandlerTime: w.handlerTime, HandlerPlaces: w.handlerPlaces, Log: w.log,
		Full: w.full,
	})
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	return st, nil
}

// Waits lets a function hear why the job's pages cannot be kept here now, and nil when
// they can again. It is called before Open.
func (st *Station) Waits(hear func(why error)) { st.waits = hear }

// CanWait reports whether visits wait when pages cannot be kept: not where what is written
// cannot be taken back, as on standard output.
func (st *Station) CanWait() bool { return st.gate != nil }

// lend lets the station connect to what is opened for its job alone. It is called
// before Open.
func (st *Station) lend(ctx context.Context) error {
	opened, err := st.workshop.store.Opened(ctx, st.job.Job.Name)
	if err != nil {
		return err
	}
	st.lent = st.workshop.Fetcher.Lend(opened)
	st.fetcher.Fetcher, st.fetcher.locator = st.lent, st.lent
	return nil
}

// reach opens the host of a visit that was opened for the job since lend.
func (st *Station) reach(ctx context.Context, h crawler.Host) error {
	if st.lent == nil || st.lent.Allows(h) {
		return nil
	}
	opened, err := st.workshop.store.IsOpened(ctx, st.job.Job.Name, h)
	if opened {
		st.lent.AllowLent(h)
	}
	return err
}

// Open begins to receive visits. They are cut off when ctx ends.
func (st *Station) Open(ctx context.Context) (err error) {
	st.workshop.places.serve(st.job.Job.Name)
	if st.server, err = st.serve(ctx); err == nil && st.gate != nil {
		st.tending.Go(func() { st.tend(ctx) })
	}
	return err
}

func (st *Station) serve(ctx context.Context) (*tasks.Server, error) {
	return tasks.Serve(ctx, st.workshop.redis, st.visit, tasks.ServerConfig{
		Places: st.workshop.places,
		Job:    st.job.Job.Name, Concurrency: st.workshop.places.most, Poll: st.workshop.poll, Store: st.workshop.store, Log: st.workshop.log,
	})
}

// Update lets the visits go by the settings that the job has now. It is called by one goroutine at a time.
func (st *Station) Update(job crawler.Status) error {
	if job.Revision == st.revision {
		return nil
	}
	if err := st.visitor.Update(job.Job); err != nil {
		return err
	}
	st.revision = job.Revision
	st.workshop.log.Info("the job's settings were changed", "job", job.Job.Name, "revision", job.Revision)
	return nil
}

// widen takes the hosts of seeds that were brought meanwhile into the scope.
func (st *Station) widen(ctx context.Context) error {
	store, name := st.workshop.store, st.job.Job.Name
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

// welcome takes the host of a visit into the scope that is a seed's and was not
// heard of yet: else the links of its first pages would be lost.
func (st *Station) welcome(ctx context.Context, h crawler.Host) error {
	if st.Scope.Covers(h) && st.Scope.HasPort(h) {
		return nil
	}
	store, name := st.workshop.store, st.job.Job.Name
	if !st.job.Job.Bounded() { // its homes are few
		homes, err := store.Homes(ctx, name)
		st.Scope.Extend(homes)
		return err
	}
	home, err := store.IsHome(ctx, name, h)
	if home {
		st.Scope.Extend([]crawler.Host{h})
	}
	return err
}

// Ship brings what is kept to its bucket at once.
func (st *Station) Ship() { st.output.Ship() }

// Stop lets the visits end soon; more may come, and end at once.
func (st *Station) Stop() { st.stopOnce.Do(func() { close(st.stopping) }) }

// Stopped reports whether Stop was called: no visit does anything any more.
func (st *Station) Stopped() bool {
	select {
	case <-st.stopping:
		return true
	default:
		return false
	}
}

// Shut stops and waits for the visits to end.
func (st *Station) Shut() {
	st.Stop()
	st.shutOnce.Do(func() {
		st.mu.Lock()
		server := st.server
		st.mu.Unlock()
		if server != nil {
			server.Close()
			st.workshop.places.leave(st.job.Job.Name)
		}
		st.tending.Wait()
	})
}

// Close shuts, and waits for the output to be on disk.
func (st *Station) Close() error {
	st.Shut()
	if st.lent != nil {
		st.lent.Close()
	}
	return st.output.Close()
}

// visit is what the station does with a task.
func (st *Station) visit(ctx context.Context, v tasks.Visit, drain <-chan struct{}) (crawler.Report, error) {
	if v.Job != st.job.Job.Name {
		return crawler.Report{}, fmt.Errorf("a visit of job %q came to the station of %q", v.Job, st.job.Job.Name)
	}
	if err := errors.Join(st.welcome(ctx, v.Host), st.reach(ctx, v.Host)); err != nil {
		return crawler.Report{}, err
	}
	drained, release := either(drain, st.stopping)
	defer release()
	end := st.workshop.meters.begin(v.Job)
	report, err := st.visitor.Visit(ctx, v.Order(), drained)
	end(report, err)
	if err != nil && ctx.Err() == nil {
		st.workshop.log.Error("a visit failed, and will be tried again", "job", v.Job, "host", v.Host, "error", err)
	}
	if errors.Is(err, crawler.ErrKeep) && ctx.Err() == nil {
		st.broken.Store(true)
	}
	st.heard(report, err)
	return report, err
}

// timed is a fetcher whose requests are counted for a job.
type timed struct {
	crawler.Fetcher
	locator crawler.Locator
	meters  *workerMeters
	job     string
}

// Locate returns the address of a host.
func (f *timed) Locate(ctx context.Context, h crawler.Host) (netip.Addr, error) {
	return f.locator.Locate(ctx, h)
}

// Fetch makes one request.
func (f *timed) Fetch(ctx context.Context, r crawler.Request) (*crawler.Page, error) {
	page, err := f.Fetcher.Fetch(ctx, r)
	if page != nil {
		f.meters.asked(f.job, page.Duration)
	}
	return page, err
}

// either returns a channel that is closed when a or b is, or when it is
// released.
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
