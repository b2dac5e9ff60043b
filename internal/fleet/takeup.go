package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// How long a job is left to other workers after its pages could not be kept here and
// waiting in its visits would not help: the first time, and the longest. Each time doubles.
const (
	restFirst = 5 * time.Second
	restMost  = 10 * time.Minute
)

// rest is how long a job is left to others.
type rest struct {
	until time.Time
	term  time.Duration
}

// longer returns the next rest, starting now.
func (r rest) longer() rest {
	term := min(max(restFirst, 2*r.term), restMost)
	return rest{time.Now().Add(term), term}
}

// serve makes sure that a running job has a job worker with its current settings.
func (w *Worker) serve(hard context.Context, job crawler.Status) {
	name := job.Job.Name
	st := w.jobWorkers[name]
	if st != nil && st.broken.Load() {
		w.rests[name] = w.rests[name].longer()
		w.retire(name)
		return
	}
	if st != nil && job.Ending == "" && st.Stopped() { // the budget was raised; a new job worker continues
		w.retire(name)
		return
	}
	if st == nil {
		if time.Now().Before(w.rests[name].until) || w.leaves(name) {
			return
		}
		known, ready := w.recall(hard, job)
		if !ready {
			return
		}
		var err error
		if st, err = w.take(hard, job, known); err != nil {
			w.conn.Ready.Set(name, err)
			w.conn.complain("the job cannot be served", err, "job", name)
			return
		}
		w.jobWorkers[name], w.known[name] = st, true
		w.observer.serves(name, true)
	}
	if job.Ending != "" {
		st.Stop()
	}
	if job.Closing {
		st.Ship()
	}
	if err := st.Update(job); err != nil {
		w.conn.complain("the job's settings cannot be used", err, "job", name)
	}
	if err := st.widen(hard); err != nil {
		w.conn.complain("the job's scope cannot be read", err, "job", name)
	}
}

// take sets up a job worker for a job. known is what is known from earlier fetches.
func (w *Worker) take(hard context.Context, job crawler.Status, known *knowledge) (*JobWorker, error) {
	seeds, err := rules.SeedEntries(job.Job)
	if err != nil {
		return nil, err
	}
	var home []crawler.Host
	for _, e := range seeds {
		home = append(home, e.URL.Host())
	}
	if w.writers != nil {
		if err := w.writers.opens(hard, job.Job.Name); err != nil {
			return nil, err
		}
	}
	out, err := w.open(job, known)
	if err != nil {
		return nil, err
	}
	if w.rests[job.Job.Name] != (rest{}) {
		if err := w.out.Writable(w.folder(job.Job.Name)); err != nil {
			return nil, errors.Join(err, out.Close())
		}
	}
	var st *JobWorker
	where := w.out.Where(w.folder(job.Job.Name))
	st, err = w.rt.NewJobWorker(job, home, out, known, func(r queue.Report, err error) {
		w.hear(hard, job, where, r, lost(st, err))
	})
	if err != nil {
		w.failed(job.Job.Name, err)
		return nil, err
	}
	if w.local != nil && w.local.Sole {
		w.openPorts(st.Scope)
	}
	st.Waits(func(why error) { w.waits(job.Job.Name, why) })
	if w.local != nil {
		st.Rests(func(h crawler.Host, reason string, wait time.Duration) {
			w.local.Rests(job.Job.Name, h, reason, wait)
		})
	}
	w.conn.Ready.Set(job.Job.Name, nil)
	if err = errors.Join(st.widen(hard), st.openPorts(hard)); err == nil && job.Opens && !w.access.closed &&
		w.local == nil {
		err = st.lend(hard)
	}
	if err == nil {
		w.access.keeps(hard, job, where, 0)
		err = st.Open(hard)
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	w.conn.Log.Info("now serving a job", "job", job.Job.Name)
	return st, nil
}

// claim claims the place of a job's results for the job. A local crawl has already checked
// the contents of its folder, and only records the job there.
func (w *Worker) claim(ctx context.Context, job crawler.Status) error {
	beneath := w.folder(job.Job.Name)
	if w.local != nil {
		w.out.stamp(ctx, job, beneath)
		return nil
	}
	aside, err := w.out.claim(ctx, job, beneath)
	if aside != "" {
		w.conn.Log.Info("set aside the results of an earlier job of this name", "job", job.Job.Name, "folder", aside)
	}
	return err
}
