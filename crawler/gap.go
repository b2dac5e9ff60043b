package crawler

import (
	"context"
	"time"
)

// How the frontier learns the gap that a visit owes its host. If the visit breaks, the
// next one keeps it, and so do other jobs.

// takeNext takes up to n URLs.
func (v *visit) takeNext(ctx context.Context, n int) (got []Taken, err error) {
	err = v.tell(func(gap time.Duration) error {
		got, err = v.turn.Take(ctx, n, gap)
		return err
	})
	return got, err
}

// renew extends the turn.
func (v *visit) renew(ctx context.Context) error {
	return v.tell(func(gap time.Duration) error { return v.turn.Renew(ctx, gap) })
}

// tell makes a call that tells the frontier the gap.
func (v *visit) tell(call func(gap time.Duration) error) error {
	gap := v.pace.own()
	err := call(gap)
	if err == nil {
		v.told.Store(int64(gap))
	}
	return err
}

// announceGap makes sure that the frontier knows the gap that robots.txt asks for
// before a request is made that it applies to. It costs a call in the first visit that
// learns of it, and none later.
func (v *visit) announceGap() error {
	if v.pace.robots() <= time.Duration(v.told.Load()) {
		return nil
	}
	return v.insist(func() error { return v.within(v.renew) })
}
