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
}

// promise asks for pages for n URLs and returns for how many it got some, at
// least 1, or [crawler.ErrSpent].
func (l *ledger) promise(ctx context.Context, n int) (int, error) {
	if job := l.frontier.job; job.Pages == 0 && job.Bytes == 0 && job.Time == 0 {
		return n, nil
	}
	got, err := l.call(ctx, n)
	if err != nil {
		return 0, err
	}
	if got[0] == 0 {
		return 0, crawler.ErrSpent
	}
	return int(got[0]), nil
}

// settle notes the URLs that were settled. Those that were claimed had no promise
// of their own.
func (l *ledger) settle(done []crawler.Settlement, fetched int64) {
	l.fetched += fetched
	for _, s := range done {
		if !s.Claimed {
			l.done++
		}
	}
}

// close ends the account; it may be closed again.
func (l *ledger) close(ctx context.Context) error {
	if l.frontier.job.Pages == 0 {
		return nil
	}
	_, err := l.call(ctx, -1)
	return err
}

func (l *ledger) call(ctx context.Context, want int) ([]int64, error) {
	base := jobBase(l.frontier.job.Name)
	call := func() ([]int64, error) {
		return runKeys(ctx, l.frontier.rdb, ledgerScript, "ledger", []string{base + nameLedger, base + nameJob},
			l.visit, l.fetched, l.done, want, l.frontier.job.Pages).Int64Slice()
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
