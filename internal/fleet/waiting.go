package fleet

import "time"

// This file stops a job worker from receiving visits while the job's pages cannot be kept,
// so that other workers can visit the hosts meanwhile.

// calmTerm is how long pages must have been kept before that is reported.
const calmTerm = 2 * time.Second

// tend stops receiving visits while pages cannot be kept, and resumes when they can.
func (st *JobWorker) tend() {
	for {
		select {
		case <-st.gate.Shut():
		case <-st.stopping:
			return
		}
		st.server.pause()
		st.tell(st.gate.Reason())
		if !st.calms() {
			return
		}
		st.tell(nil)
	}
}

// calms waits until pages can be kept, and have been for a while, so that brief changes are
// not reported. It returns false if the job worker stops first.
func (st *JobWorker) calms() bool {
	for {
		select {
		case <-st.gate.Opened():
		case <-st.stopping:
			return false
		}
		if !st.server.resume(st.stopping) {
			return false
		}
		select {
		case <-time.After(calmTerm):
			return true
		case <-st.gate.Shut():
			st.server.pause()
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
