package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/output"
)

// noteTerm is in which time it must be noted in an output what a job has settled.
const noteTerm = 30 * time.Second

// noteEnd notes in the output of a job that is done how many records it should have, so
// that whoever reads it later sees whether some are missing. It waits for the next round
// while records are on their way to a bucket. All workers that took part note the same.
// Without the note nothing is compared.
func (w *Worker) noteEnd(ctx, hard context.Context, job crawler.Status) {
	name := job.Job.Name
	if job.Ended.Equal(w.noted[name]) || w.stations[name] != nil || w.leaves(name) {
		return
	}
	numbers, err := w.door.Store.Counters(ctx, name)
	if err != nil || numbers.Unshipped+numbers.OnDisk > 0 {
		return
	}
	w.noted[name] = job.Ended
	w.retiring.Go(func() {
		ctx, cancel := context.WithTimeout(hard, noteTerm)
		defer cancel()
		if err := w.note(ctx, job, numbers); err != nil && hard.Err() == nil {
			w.door.complain("it cannot be noted in the output what a job has settled", err, "job", name)
		}
	})
}

func (w *Worker) note(ctx context.Context, job crawler.Status, numbers crawler.Counters) error {
	name := job.Job.Name
	places, err := w.door.Store.Places(ctx, name)
	if err != nil {
		return err
	}
	return w.out.Place().In(name).NoteSettled(ctx, output.Settled{
		Job: name, Records: numbers.Recorded(), Ended: job.Ended.UTC(), Places: places,
	})
}
