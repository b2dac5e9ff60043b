package dashboard

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// live tells clients that watch jobs what happens to these. Each watched job has one poller, which
// reads Redis for any number of clients and ends when the last of them leaves. It is safe for
// concurrent use.
type live struct {
	read func(ctx context.Context, job string, pages bool, since int64) (moment, error)

	once    sync.Once // registers end with the server
	pollers sync.WaitGroup

	mu      sync.Mutex
	feeds   map[string]*feed
	clients int
	ended   bool // the server shuts down
}

// feed is a job that is watched.
type feed struct {
	watchers map[*watcher]bool // with whether it wants recent pages
	stop     context.CancelFunc
}

// watcher is a client that watches a job.
type watcher struct {
	moments chan moment // the next one; closed when there will be no more
}

// moment is a job at one time.
type moment struct {
	sheet   sheet
	pages   tail.Excerpt // what its workers have reported since the moment before
	err     error        // why the job cannot be read now
	figures map[string]string
}

const (
	liveEvery  = time.Second
	mostLive   = 500 // clients at once
	liveBuffer = 4   // moments that a slow client may be behind before it misses some
)

func newLive(read func(context.Context, string, bool, int64) (moment, error)) *live {
	return &live{read: read, feeds: make(map[string]*feed)}
}

// watch starts to watch a job. pages says that recent pages are wanted. The caller must call
// leave.
func (l *live) watch(job string, pages bool) (w *watcher, leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, nil, &problem{http.StatusServiceUnavailable, "the dashboard is shutting down", nil}
	}
	if l.clients >= mostLive {
		return nil, nil, &problem{http.StatusTooManyRequests,
			"too many clients watch jobs: close some pages, or try again later", nil}
	}
	l.clients++
	w = &watcher{moments: make(chan moment, liveBuffer)}
	f := l.feeds[job]
	if f == nil {
		ctx, stop := context.WithCancel(context.Background())
		f = &feed{watchers: make(map[*watcher]bool), stop: stop}
		l.feeds[job] = f
		l.pollers.Go(func() { l.poll(ctx, job, f) })
	}
	f.watchers[w] = pages
	return w, func() { l.leave(job, f, w) }, nil
}

func (l *live) leave(job string, f *feed, w *watcher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients--
	delete(f.watchers, w)
	if len(f.watchers) == 0 {
		l.drop(job, f)
	}
}

// drop ends a feed. l.mu is held.
func (l *live) drop(job string, f *feed) {
	f.stop()
	if l.feeds[job] == f {
		delete(l.feeds, job)
	}
}

// poll reads a job once a second until ctx ends or the job is gone.
func (l *live) poll(ctx context.Context, job string, f *feed) {
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	since := int64(0)
	for {
		now, err := l.read(ctx, job, l.wantsPages(f), since)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			since = max(since, now.pages.Next)
		}
		now.err = err
		l.tell(f, now)
		if errors.Is(err, queue.ErrNoJob) {
			l.close(job, f)
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *live) wantsPages(f *feed) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, pages := range f.watchers {
		if pages {
			return true
		}
	}
	return false
}

// tell passes a moment to all watchers. A watcher that is behind misses it.
func (l *live) tell(f *feed, now moment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range f.watchers {
		select {
		case w.moments <- now:
		default:
		}
	}
}

// close ends a feed and tells its watchers that there will be no more.
func (l *live) close(job string, f *feed) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(job, f)
	for w := range f.watchers {
		close(w.moments)
		delete(f.watchers, w)
	}
}

// end ends all feeds, so that the server can shut down, and waits for the pollers.
func (l *live) end() {
	l.mu.Lock()
	l.ended = true
	for job, f := range l.feeds {
		l.drop(job, f)
		for w := range f.watchers {
			close(w.moments)
			delete(f.watchers, w)
		}
	}
	l.mu.Unlock()
	l.pollers.Wait()
}

// endWith makes the streams end when their server shuts down, which would wait for them.
func (l *live) endWith(r *http.Request) {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		l.once.Do(func() { server.RegisterOnShutdown(l.end) })
	}
}

// readMoment reads a job for the clients that watch it.
func (d *Dashboard) readMoment(ctx context.Context, job string, pages bool, since int64) (now moment, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, job)
	if err != nil {
		return now, err
	}
	if now.sheet, err = d.sheet(ctx, status); err != nil {
		return now, err
	}
	now.figures = figuresOf(now.sheet)
	if pages {
		now.pages, err = d.jobs.Tail(ctx, job, since)
	}
	return now, err
}

// figuresOf returns the figures of a job's page by their names.
func figuresOf(sh sheet) map[string]string {
	if sh.Counters == nil {
		return nil
	}
	texts := make(map[string]string)
	for _, f := range topFigures(sh) {
		texts[f.Name] = f.Value
		texts[f.Name+" more"] = f.More
	}
	return texts
}
