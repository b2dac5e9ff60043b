// Package scheduler decides whose turn it is. For each running job it arms the
// hosts that are due and enqueues a visit for each, no more than the fleet can
// carry out; sweeps the visits whose worker was lost; and finishes the job when
// nothing is left to do or a budget is spent.
//
// Everything it knows lies in the frontier, and each step there is atomic: any
// number of schedulers may run at once, and none is special.
package scheduler
