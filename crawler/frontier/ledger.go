package frontier

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
)

// ledger is a visit's account of the job's budget of pages. Before it takes
// URLs, a visit is promised a page for each; together, the pages fetched and
// promised never exceed the budget, so that the job ends with exactly so many.
// A job without such a budget has no ledger in Redis. Once a job ends because of
// a budget, of whatever, nothing is promised any more.
type ledger struct {
	frontier *Frontier
	visit    string
	fetched  int64 // pages that the visit settled as fetched
	done     int64 // promises that the visit has used or can not use

	budgeted int64 // the revision that brought the budget that the account is of
	since    int64 // pages that were fetched before
	out      int64 // URLs taken, and not settled
	free     int64 // of these, those taken before: they have no promise
	used     bool  // something was promised
}

// begin begins the account again if the job has a budget of pages that it had not when the
// visit was opened: what was done before is counted in the budget already.
func (l *ledger) begin(b budgets) {
	if b.budgeted != l.budgeted {
		l.budgeted, l.since, l.done, l.free = b.budgeted, l.fetched, 0, l.out
	}
}

// promise asks for pages for n URLs and returns for how many it got some, at
// least 1, or [crawler.ErrSpent].
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
		return 0, crawler.ErrSpent
	}
	l.used = l.used || b.pages > 0
	return int(got[0]), nil
}

// take notes how many URLs were taken of those that pages were promised for.
func (l *ledger) take(granted, taken int) {
	l.done += int64(granted - taken)
	l.out += int64(taken)
}

// settle notes the URLs that were settled. Those that were claimed had no promise
// of their own.
func (l *ledger) settle(done []crawler.Settlement, fetched int64) {
	l.fetched += fetched
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

// close ends the account; it may be closed again.
func (l *ledger) close(ctx context.Context) error {
	b := l.frontier.budgets()
	if b.pages == 0 && !l.used {
		return nil
	}
	_, err := l.call(ctx, -1, b.pages)
	return err
}

func (l *ledger) call(ctx context.Context, want int, budget int64) ([]int64, error) {
	base := jobBase(l.frontier.job.Name)
	call := func() ([]int64, error) {
		return runKeys(ctx, l.frontier.rdb, ledgerScript, "ledger", []string{base + nameLedger, base + nameJob},
			l.visit, l.fetched, l.done, want, budget, l.since, l.budgeted).Int64Slice()
	}
	got, err := call()
	if errors.Is(err, crawler.ErrGarbage) {
		if err = l.frontier.mendLedger(ctx); err == nil {
			got, err = call()
		}
	}
	if err == nil && len(got) != 3 {
		err = fmt.Errorf("frontier: ledger of %s: unexpected answer %v", l.visit, got)
	}
	return got, err
}
