package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// writers tells each job, in Redis, that this worker has files open in the job's folder.
// The job does not end until they are finished, by this worker or by one that adopts them.
// It is safe for concurrent use.
type writers struct {
	store  *frontier.Store
	worker string
	folder func(job string) string
	lull   *lull

	mu  sync.Mutex
	due map[string]due // by job: when to tell it again
}

// due is when to tell a job again that files are open.
type due struct {
	at   time.Time // at any time
	lull time.Time // during a lull, in which no job ends
}

// Durations of reports about writers. During a lull, jobs are told less often, and wait longer.
const (
	writerTerm  = time.Minute // how long a job's end waits for a writer that stops reporting
	writerEvery = writerTerm / 4
	writerLong  = 3 * roundLong // writerTerm during a lull
)

func newWriters(store *frontier.Store, worker string, lull *lull, folder func(job string) string) *writers {
	return &writers{store: store, worker: worker, folder: folder, lull: lull, due: make(map[string]due)}
}

// opens tells a job that files are open, unless it was told a moment ago.
func (w *writers) opens(ctx context.Context, job string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, long := time.Now(), w.lull.On()
	term, next := writerTerm, w.due[job].at
	if long {
		term, next = writerLong, w.due[job].lull
	}
	if now.Before(next) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	err := w.store.Await(ctx, job, w.worker, waiting.OpenFiles+w.folder(job), term)
	if err == nil {
		told := due{at: now.Add(writerEvery)}
		if long {
			told.lull = now.Add(writerLong / 3)
		}
		w.due[job] = told
	}
	return err
}

// finished tells a job that all files of a writer are finished.
func (w *writers) finished(job, writer string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if writer == w.worker {
		delete(w.due, job)
	}
	ctx, cancel := context.WithTimeout(context.Background(), ReadyTerm) // must work even when the worker ends
	defer cancel()
	return w.store.Await(ctx, job, writer, "", 0)
}

// Manifest tells Redis about the segments in a spool. Each staging folder of the spool is a
// segment, named like its writer. Manifest implements [spool.Manifest].
type Manifest struct {
	store *frontier.Store

	mu   sync.Mutex
	next map[string]time.Time // by job: when its segments must be prolonged again
}

// NewManifest returns a manifest of segments that are recorded in a store.
func NewManifest(store *frontier.Store) *Manifest {
	return &Manifest{store: store, next: make(map[string]time.Time)}
}

// Shipped settles the URLs of a segment for good. It does nothing for a job that was
// removed.
func (m *Manifest) Shipped(ctx context.Context, job, writer string) error {
	status, err := m.store.Status(ctx, job)
	if errors.Is(err, queue.ErrNoJob) {
		return nil
	}
	if err == nil {
		_, err = m.store.Frontier(status.Job).Shipped(ctx, writer)
	}
	return err
}

// Waiting reports that the worker of these segments is alive, four times within the time
// after which it would count as lost.
func (m *Manifest) Waiting(ctx context.Context, writers map[string][]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for job := range m.next {
		if writers[job] == nil {
			delete(m.next, job)
		}
	}
	for job, segments := range writers {
		if time.Now().Before(m.next[job]) {
			continue
		}
		status, err := m.store.Status(ctx, job)
		switch {
		case errors.Is(err, queue.ErrNoJob):
			m.next[job] = time.Now().Add(time.Minute)
			continue
		case err != nil:
			return err
		}
		if err := m.store.Frontier(status.Job).Prolong(ctx, segments); err != nil {
			return err
		}
		m.next[job] = time.Now().Add(status.Job.LostAfter / 4)
	}
	return nil
}
