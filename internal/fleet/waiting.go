package fleet

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/internal/wire"
)

// This file stops a job worker from receiving visits while the job's pages cannot be kept,
// so that other workers can visit the hosts meanwhile.

// Durations for a job worker whose pages cannot be kept.
const (
	calmTerm   = 2 * time.Second // how long pages must have been kept before that is reported
	serveAgain = time.Second     // pause before trying again to start a server
)

// tend stops receiving visits while pages cannot be kept, and resumes when they can.
func (st *JobWorker) tend(ctx context.Context) {
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

// calms waits until pages can be kept, and have been for a while, so that brief changes are
// not reported. It returns false if the job worker stops first.
func (st *JobWorker) calms(ctx context.Context) bool {
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

func (st *JobWorker) tell(why error) {
	if st.waits != nil {
		st.waits(why)
	}
}

// pause stops receiving visits. Those under way continue.
func (st *JobWorker) pause() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.server.Pause()
}

// resume receives visits again. It returns false if the job worker stops.
func (st *JobWorker) resume(ctx context.Context) bool {
	for {
		fresh, err := st.serve(ctx)
		if err == nil {
			return st.exchange(fresh)
		}
		st.rt.log.Warn("visits cannot be received", "job", st.job.Job.Name, "error", err)
		select {
		case <-time.After(serveAgain):
		case <-st.stopping:
			return false
		}
	}
}

// exchange replaces the server that receives visits.
func (st *JobWorker) exchange(fresh *wire.Server) bool {
	st.mu.Lock()
	old := st.server
	st.server = fresh
	st.mu.Unlock()
	st.tending.Go(old.Close)
	select {
	case <-st.stopping: // Shut may have closed the old server
		fresh.Close()
		return false
	default:
		return true
	}
}
