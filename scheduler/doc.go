// Package scheduler decides which hosts get a visit. For each running job it arms the hosts
// that are due and enqueues a visit for each, but no more than the fleet can run. It sweeps
// the visits of lost workers, and finishes the job when nothing is left to do or a budget
// is spent.
//
// Everything it knows is in the frontier, and each step there is atomic. Any number of
// schedulers may run at the same time, without a leader.
package scheduler
