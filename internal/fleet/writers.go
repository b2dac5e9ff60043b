package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// writers tell each job, in Redis, that this worker has files open in the job's folder: the
// job's end waits until they are finished, by the worker or by who adopts them. It is safe
// for concurrent use.
type writers struct {
	store  *frontier.Store
	worker string
	folder func(job string) string

	mu   sync.Mutex
	told map[string]time.Time // by job, when it was last told
}

// Times of what a job is told of its writers.
const (
	writerTerm  = time.Minute // for which its end waits for one that says no more
	writerEvery = writerTerm / 4
)

func newWriters(store *frontier.Store, worker string, folder func(job string) string) *writers {
	return &writers{store: store, worker: worker, folder: folder, told: make(map[string]time.Time)}
}

// opens tells a job that files are open, unless it was told a moment ago.
func (w *writers) opens(ctx context.Context, job string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.told[job]) < writerEvery {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	err := w.store.Await(ctx, job, w.worker, crawler.OpenFiles+w.folder(job), writerTerm)
	if err == nil {
		w.told[job] = time.Now()
	}
	return err
}

// finished tells a job that all files of a writer are finished.
func (w *writers) finished(job, writer string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if writer == w.worker {
		delete(w.told, job)
	}
	ctx, cancel := context.WithTimeout(context.Background(), ReadyTerm) // also when the worker ends
	defer cancel()
	return w.store.Await(ctx, job, writer, "", 0)
}
