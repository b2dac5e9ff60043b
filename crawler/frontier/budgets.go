package frontier

import (
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// budgets are those of a job, as the process last read them. They can change while the job runs.
type budgets struct {
	revision int64 // of the settings
	budgeted int64 // the revision that brought the budget of pages, if the job had none before
	pages    int64
	bytes    int64
	time     time.Duration
}

// none reports whether the job has no budget.
func (b budgets) none() bool { return b.pages == 0 && b.bytes == 0 && b.time == 0 }

func budgetsOf(job crawler.Job, revision, budgeted int64) budgets {
	return budgets{revision, budgeted, job.Pages, int64(job.Bytes), time.Duration(job.Time)}
}

// liveBudgets are the budgets of a job for all its frontiers in the process: reading the
// job's status refreshes them. They are safe for concurrent use.
type liveBudgets struct{ last atomic.Pointer[budgets] }

// note takes budgets over, unless newer ones are known.
func (l *liveBudgets) note(b budgets) {
	for {
		last := l.last.Load()
		if last != nil && last.revision >= b.revision || l.last.CompareAndSwap(last, &b) {
			return
		}
	}
}

// budgets returns the last that are known of the job.
func (f *Frontier) budgets() budgets {
	if last := f.live.last.Load(); last != nil {
		return *last
	}
	return budgetsOf(f.job, 0, 0)
}
