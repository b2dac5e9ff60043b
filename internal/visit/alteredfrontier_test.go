package visit_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// alteredFrontier wraps a frontier, and returns leases with altered methods.
type alteredFrontier struct {
	visit.Frontier
	alter func(*alteredLease)
}

// Open takes no URLs, so that Take takes all of them.
func (f alteredFrontier) Open(ctx context.Context, o queue.VisitRef, worker string,
	_ visit.Want) (visit.HostLease, error) {
	lease, err := f.Frontier.Open(ctx, o, worker, visit.Want{})
	if err != nil {
		return nil, err
	}
	t := &alteredLease{HostLease: lease}
	f.alter(t)
	return t, nil
}

// alteredLease is a lease that calls its functions instead of the wrapped methods, if they are set.
type alteredLease struct {
	visit.HostLease
	lease    time.Duration
	taken    func([]queue.Taken)
	claim    error
	settle   error
	renew    error
	lost     func() bool // renew applies only if it is nil or true; until then, renewing does nothing
	short    bool
	recalled bool
	single   bool // take one URL at a time
}

func (t *alteredLease) Recalled() bool { return t.recalled || t.HostLease.Recalled() }

func (t *alteredLease) Short() bool { return t.short || t.HostLease.Short() }

func (t *alteredLease) Lease() time.Duration {
	if t.lease > 0 {
		return t.lease
	}
	return t.HostLease.Lease()
}

func (t *alteredLease) Take(ctx context.Context, n int, gap time.Duration) ([]queue.Taken, error) {
	if t.single {
		n = 1
	}
	got, err := t.HostLease.Take(ctx, n, gap)
	if t.taken != nil {
		t.taken(got)
	}
	return got, err
}

func (t *alteredLease) Claim(ctx context.Context, e queue.Entry) (string, bool, error) {
	if t.claim != nil {
		return "", false, t.claim
	}
	return t.HostLease.Claim(ctx, e)
}

func (t *alteredLease) Settle(ctx context.Context, done []queue.Settlement) error {
	if t.settle != nil {
		return t.settle
	}
	return t.HostLease.Settle(ctx, done)
}

func (t *alteredLease) Finish(ctx context.Context, done []queue.Settlement, r queue.Rest) (bool, error) {
	if t.settle != nil {
		return false, t.settle
	}
	return t.HostLease.Finish(ctx, done, r)
}

func (t *alteredLease) Renew(ctx context.Context, gap time.Duration) error {
	switch {
	case t.renew == nil:
		return t.HostLease.Renew(ctx, gap)
	case t.lost != nil && !t.lost():
		return nil
	}
	return t.renew
}

// settlements is a frontier that records the settlements of its visits.
type settlements struct {
	visit.Frontier
	mu   sync.Mutex
	made []queue.Settlement
}

func (f *settlements) Open(ctx context.Context, o queue.VisitRef, worker string,
	want visit.Want) (visit.HostLease, error) {
	lease, err := f.Frontier.Open(ctx, o, worker, want)
	return recordingLease{lease, f}, err
}

type recordingLease struct {
	visit.HostLease
	settlements *settlements
}

func (t recordingLease) Settle(ctx context.Context, done []queue.Settlement) error {
	t.settlements.note(done)
	return t.HostLease.Settle(ctx, done)
}

func (t recordingLease) Finish(ctx context.Context, done []queue.Settlement, r queue.Rest) (bool, error) {
	t.settlements.note(done)
	return t.HostLease.Finish(ctx, done, r)
}

func (f *settlements) note(done []queue.Settlement) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made = append(f.made, done...)
}

// unreliableFrontier is a frontier that returns an error from the first call of each kind. The
// calls to open, settle and finish take effect, so that only the reply is lost.
type unreliableFrontier struct {
	visit.Frontier
	mu      sync.Mutex
	refused map[string]bool // by kind of call
}

// refuse refuses the first call of each kind.
func (f *unreliableFrontier) refuse(kind string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused[kind] {
		return nil
	}
	f.refused[kind] = true
	return fmt.Errorf("%w: OOM command not allowed", queue.ErrUnavailable)
}

// Open takes no URLs, so that Take takes all of them.
func (f *unreliableFrontier) Open(ctx context.Context, o queue.VisitRef, worker string,
	want visit.Want) (visit.HostLease, error) {
	lease, err := f.Frontier.Open(ctx, o, worker, visit.Want{Call: want.Call})
	if err == nil {
		err = f.refuse("open")
	}
	return unreliableLease{lease, f}, err
}

func (f *unreliableFrontier) Admit(ctx context.Context, entries []queue.Entry) (int, error) {
	if err := f.refuse("admit"); err != nil {
		return 0, err
	}
	return f.Frontier.Admit(ctx, entries)
}

type unreliableLease struct {
	visit.HostLease
	flaky *unreliableFrontier
}

func (t unreliableLease) Take(ctx context.Context, n int, gap time.Duration) ([]queue.Taken, error) {
	if err := t.flaky.refuse("take"); err != nil {
		return nil, err
	}
	return t.HostLease.Take(ctx, n, gap)
}

func (t unreliableLease) Claim(ctx context.Context, e queue.Entry) (string, bool, error) {
	if err := t.flaky.refuse("claim"); err != nil {
		return "", false, err
	}
	return t.HostLease.Claim(ctx, e)
}

func (t unreliableLease) Close(ctx context.Context, r queue.Rest) error {
	if err := t.flaky.refuse("close"); err != nil {
		return err
	}
	return t.HostLease.Close(ctx, r)
}

func (t unreliableLease) Finish(ctx context.Context, done []queue.Settlement, r queue.Rest) (bool, error) {
	closed, err := t.HostLease.Finish(ctx, done, r)
	return closed, errors.Join(err, t.flaky.refuse("finish"))
}

func (t unreliableLease) Settle(ctx context.Context, done []queue.Settlement) error {
	return errors.Join(t.HostLease.Settle(ctx, done), t.flaky.refuse("settle"))
}
