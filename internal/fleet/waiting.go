package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/tasks"
)

// How a station receives no visits while the job's pages cannot be kept: others have the
// hosts meanwhile.

// Times of a station whose pages cannot be kept.
const (
	calmTerm   = 2 * time.Second // for which they can be kept again before that is told
	serveAgain = time.Second     // before a server is started again that could not be
)

// tend stops receiving visits when pages cannot be kept, and goes on when they can.
func (st *Station) tend(ctx context.Context) {
	for {
		select {
		case <-st.gate.Shut():
		case <-st.stopping:
			return
		}
		st.pause()
		st.tell(st.gate.Reason())
		if !st.calms(ctx) {
			return
		}
		st.tell(nil)
	}
}

// calms waits until pages can be kept, and have been for a while: room that comes and goes
// is not told of each time. It reports false when the station stops before.
func (st *Station) calms(ctx context.Context) bool {
	for {
		select {
		case <-st.gate.Opened():
		case <-st.stopping:
			return false
		}
		if !st.resume(ctx) {
			return false
		}
		select {
		case <-time.After(calmTerm):
			return true
		case <-st.gate.Shut():
			st.pause()
		case <-st.stopping:
			st.tell(nil)
			return false
		}
	}
}

func (st *Station) tell(why error) {
	if st.waits != nil {
		st.waits(why)
	}
}

// pause lets no more visits come. Those that are under way go on.
func (st *Station) pause() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.server.Pause()
}

// resume lets visits come again. It reports false when the station stops.
func (st *Station) resume(ctx context.Context) bool {
	for {
		fresh, err := st.serve(ctx)
		if err == nil {
			return st.exchange(fresh)
		}
		st.workshop.log.Warn("visits cannot be received", "job", st.job.Job.Name, "error", err)
		select {
		case <-time.After(serveAgain):
		case <-st.stopping:
			return false
		}
	}
}

// exchange receives visits by another server from now on.
func (st *Station) exchange(fresh *tasks.Server) bool {
	st.mu.Lock()
	old := st.server
	st.server = fresh
	st.mu.Unlock()
	st.tending.Go(old.Close)
	select {
	case <-st.stopping: // the one that was closed may have been the old one
		fresh.Close()
		return false
	default:
		return true
	}
}
