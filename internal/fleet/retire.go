package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
)

// retire gives up a job in the background, while its visits end.
func (w *Worker) retire(name string) {
	st := w.jobWorkers[name]
	delete(w.jobWorkers, name)
	done := make(chan struct{})
	w.leaving[name] = done
	w.retiring.Go(func() {
		defer w.observer.serves(name, false)
		defer close(done)
		if err := st.Close(); err != nil && w.failed(name, err) {
			return
		} else if err != nil {
			w.conn.Log.Error("a job's results could not be closed", "job", name, "error", err)
		} else {
			w.settled(name, w.rt.name)
		}
		w.conn.Log.Info("no longer serving a job", "job", name)
	})
}

// leaves reports whether a job is still being given up, so that its results are open.
func (w *Worker) leaves(name string) bool {
	select {
	case <-w.leaving[name]:
		delete(w.leaving, name)
	default:
	}
	return w.leaving[name] != nil
}

// retireAll gives up all jobs and waits until that is done.
func (w *Worker) retireAll() {
	for name := range w.jobWorkers {
		w.retire(name)
	}
	w.retiring.Wait()
}

// noteTerm is the timeout for noting in an output what a job has settled.
const noteTerm = 30 * time.Second

// noteEnd writes to the output of a finished job how many records it should have, so that
// later readers can tell whether some are missing. While records are on their way to a
// bucket, it waits for the next round. All workers that took part write the same. Without
// the note, nothing is compared.
func (w *Worker) noteEnd(ctx, hard context.Context, job crawler.Status) {
	name := job.Job.Name
	if job.Ended.Equal(w.noted[name]) || w.jobWorkers[name] != nil || w.leaves(name) {
		return
	}
	counters, err := w.conn.Store.Counters(ctx, name)
	if err != nil || counters.Unshipped+counters.OnDisk > 0 {
		return
	}
	w.noted[name] = job.Ended
	w.retiring.Go(func() {
		ctx, cancel := context.WithTimeout(hard, noteTerm)
		defer cancel()
		if err := w.note(ctx, job, counters); err != nil && hard.Err() == nil {
			w.conn.complain("cannot record in the output what a job has settled", err, "job", name)
		}
	})
}

func (w *Worker) note(ctx context.Context, job crawler.Status, counters crawler.Counters) error {
	name := job.Job.Name
	places, err := w.conn.Store.Places(ctx, name)
	if err != nil {
		return err
	}
	return w.out.Place().In(name).NoteSettled(ctx, output.Settled{
		Job: name, Records: counters.Recorded(), Ended: job.Ended.UTC(), Places: places,
	})
}
