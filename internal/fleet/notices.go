package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// notices are what a worker tells its jobs, in Redis, of why it can not keep their
// pages. Jobs of which all is well cost nothing.
type notices struct {
	store  *frontier.Store
	worker string
	told   map[string]notice // by job
}

// notice is the last that a job was told.
type notice struct {
	reason string
	at     time.Time
}

// noticeEvery is how often a trouble that lasts is told again, before Redis forgets
// it.
const noticeEvery = frontier.TroubleTerm / 3

func newNotices(store *frontier.Store, worker string) *notices {
	return &notices{store, worker, make(map[string]notice)}
}

// tell tells what is wrong with each job that has a reason, and the others that
// nothing is any more.
func (n *notices) tell(ctx context.Context, reasons map[string]string) error {
	for job := range n.told {
		if reasons[job] != "" {
			continue
		}
		if err := n.store.Trouble(ctx, job, n.worker, ""); err != nil {
			return err
		}
		delete(n.told, job)
	}
	for job, reason := range reasons {
		if last := n.told[job]; reason == last.reason && time.Since(last.at) < noticeEvery {
			continue
		}
		if err := n.store.Trouble(ctx, job, n.worker, reason); err != nil {
			return err
		}
		n.told[job] = notice{reason, time.Now()}
	}
	return nil
}
