package frontier

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// ledger is a visit's account of the job's budget of pages. Before a visit takes URLs, a
// page must be promised for each. The pages fetched and promised together never exceed the
// budget, so the job ends with exactly that many. A job without a budget of pages has no
// ledger in Redis. Once a job ends because of any budget, no more pages are promised.
type ledger struct {
	frontier *Frontier
	visit    string
	fetched  int64 // pages of the visit that are settled as fetched and known to the ledger in Redis
	done     int64 // promises that the visit has used or will not use

	budgeted int64 // the revision that introduced the budget
	since    int64 // pages that were fetched before that
	out      int64 // URLs taken but not settled
	free     int64 // those taken before the budget existed, without a promise
	used     bool  // whether pages were ever promised
}

// begin restarts the account if the job got a budget of pages after the visit was opened.
// What was done before is already counted in the budget.
func (l *ledger) begin(b budgets) {
	if b.budgeted != l.budgeted {
		l.budgeted, l.since, l.done, l.free = b.budgeted, l.fetched, 0, l.out
	}
}

// promise requests pages for n URLs. It returns how many were promised, at least 1, or
// [queue.ErrSpent].
func (l *ledger) promise(ctx context.Context, n int) (int, error) {
	b := l.frontier.budgets()
	if b.none() {
		return n, nil
	}
	l.begin(b)
	got, err := l.call(ctx, n, b.pages)
	if err != nil {
		return 0, err
	}
	if got[0] == 0 {
		return 0, queue.ErrSpent
	}
	l.used = l.used || b.pages > 0
	return int(got[0]), nil
}

// take records how many URLs were taken of those for which pages were granted.
func (l *ledger) take(granted, taken int) {
	l.done += int64(granted - taken)
	l.out += int64(taken)
}

// settle records the URLs that were settled, and the total of pages that the visit has
// fetched according to Redis. Claimed URLs had no promise of their own.
func (l *ledger) settle(done []queue.Settlement, fetched int64) {
	l.fetched = fetched
	for _, s := range done {
		switch {
		case s.Claimed:
			continue
		case l.free > 0:
			l.free--
		default:
			l.done++
		}
		l.out--
	}
}

// close closes the account. It may be called again.
func (l *ledger) close(ctx context.Context) error {
	b := l.frontier.budgets()
	if b.pages == 0 && !l.used {
		return nil
	}
	_, err := l.call(ctx, -1, b.pages)
	return err
}

func (l *ledger) call(ctx context.Context, want int, budget int64) ([]int64, error) {
	return l.callAs(ctx, nameLedger, want, budget, l.budgeted, l.frontier.mendLedger)
}

// callAs calls the script for the named ledger. If that is garbage, it lets mend restart
// the ledger and calls again.
func (l *ledger) callAs(ctx context.Context, name string, want int, budget int64, budgeted any,
	mend func(context.Context) error) ([]int64, error) {
	base := jobBase(l.frontier.job.Name)
	call := func() ([]int64, error) {
		return runKeys(ctx, l.frontier.rdb, ledgerScript(), "ledger", []string{base + name, base + nameJob},
			l.visit, l.fetched, l.done, want, budget, l.since, budgeted).Int64Slice()
	}
	got, err := call()
	if errors.Is(err, queue.ErrGarbage) {
		if err = mend(ctx); err == nil {
			got, err = call()
		}
	}
	if err == nil && len(got) != 3 {
		err = fmt.Errorf("frontier: ledger of %s: unexpected answer %v", l.visit, got)
	}
	return got, err
}
