package frontier

import (
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// budgets are a job's budgets as the process last read them. They can change while the job
// runs.
type budgets struct {
	revision int64 // of the settings
	budgeted int64 // the revision that introduced the budget of pages, if the job started without one
	pages    int64
	bytes    int64
	time     time.Duration
	domain   int64 // pages per domain; spending them does not end the job
}

// none reports whether the job has no budget that ends it.
func (b budgets) none() bool { return b.pages == 0 && b.bytes == 0 && b.time == 0 }

func budgetsOf(job crawler.BudgetSettings, revision, budgeted int64) budgets {
	return budgets{revision, budgeted, job.Pages, int64(job.Bytes), job.Time, job.PagesPerDomain}
}

// liveBudgets holds the budgets of a job for all its frontiers in the process. Reading the
// job's status refreshes them. It is safe for concurrent use.
type liveBudgets struct {
	last    atomic.Pointer[budgets]
	course  atomic.Pointer[course]  // nil before the status was read
	steered atomic.Pointer[steered] // the last step of this process; nil before
}

// note stores budgets, unless newer ones are known.
func (l *liveBudgets) note(b budgets) {
	for {
		last := l.last.Load()
		if last != nil && last.revision >= b.revision || l.last.CompareAndSwap(last, &b) {
			return
		}
	}
}

// unbudgeted reports whether the job has no budget that must be asked before URLs are taken.
func (f *Frontier) unbudgeted() bool {
	b := f.budgets()
	return b.none() && b.domain == 0 && !f.continuous()
}

// budgets returns the job's budgets, as last read.
func (f *Frontier) budgets() budgets {
	if last := f.live.last.Load(); last != nil {
		return *last
	}
	return budgetsOf(f.job.BudgetSettings, 0, 0)
}
