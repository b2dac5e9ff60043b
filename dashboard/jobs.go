package dashboard

import (
	"context"
	"iter"

	"github.com/trawlcrawler/trawl/crawler"
)

// Jobs are the jobs of a fleet. All methods are safe for concurrent use and end
// with their context. Those that name a job return [crawler.ErrNoJob] where
// there is none of that name.
type Jobs interface {
	// Create stores a valid job, which a scheduler then starts. It returns
	// [crawler.ErrJobExists] if there is one of that name.
	Create(ctx context.Context, job crawler.Job) error
	// Jobs lists all jobs with their states.
	Jobs(ctx context.Context) ([]crawler.Status, error)
	// Status returns one job with its state.
	Status(ctx context.Context, name string) (crawler.Status, error)
	// Counters returns the numbers of a job.
	Counters(ctx context.Context, name string) (crawler.Counters, error)
	// Waiting says what a job waits for, if no page of it is fetched at the moment,
	// given its status and numbers as they were just read.
	Waiting(ctx context.Context, job crawler.Status, numbers crawler.Counters) (crawler.Waiting, error)

	// Pause lets a job begin no more visits. To pause a paused job does nothing.
	// It returns [crawler.ErrJobEnded] for a job that has ended.
	Pause(ctx context.Context, name string) error
	// Resume goes on with a job that is paused or done. It returns
	// [crawler.ErrJobEnded] for one with which nobody can.
	Resume(ctx context.Context, name string) error
	// Set changes settings of a job, all or none; revision is that of the settings which are
	// changed, or -1. The error is a [crawler.SettingError], or wraps [crawler.ErrJobChanged] if
	// another changed them, or [crawler.ErrJobEnded] for a job that is cancelled.
	Set(ctx context.Context, name string, revision int64, changes crawler.Changes) (crawler.Adjustment, error)
	// Cancel ends a job and forgets what waits. It returns
	// [crawler.ErrJobEnded] for a job that has ended.
	Cancel(ctx context.Context, name string) error
	// Remove forgets a job, all of it.
	Remove(ctx context.Context, name string) error

	// Seed brings URLs to a job, which may not end meanwhile, and calls progress
	// now and then with what became of them so far. urls yields the lines of a
	// list. One that holds no URL is the empty string: it is passed over, and
	// counts only in [crawler.Refusal].Line. A string that is no URL is refused
	// and the list goes on; an error ends it and is returned. It returns
	// [crawler.ErrJobEnded] for a job that has ended. The Seeding tells what was
	// done also beside an error.
	Seed(ctx context.Context, name string, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error)
}
