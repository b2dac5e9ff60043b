package crawler_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// rigged is a frontier whose turns are changed on their way out.
type rigged struct {
	crawler.Frontier
	rig func(*riggedTurn)
}

func (f rigged) Open(ctx context.Context, o crawler.Order, worker string) (crawler.Turn, error) {
	turn, err := f.Frontier.Open(ctx, o, worker)
	if err != nil {
		return nil, err
	}
	t := &riggedTurn{Turn: turn}
	f.rig(t)
	return t, nil
}

// riggedTurn does what its functions do, where they are set.
type riggedTurn struct {
	crawler.Turn
	lease    time.Duration
	taken    func([]crawler.Taken)
	claim    error
	settle   error
	renew    error
	short    bool
	recalled bool
	single   bool // it takes one URL at a time
}

func (t *riggedTurn) Recalled() bool { return t.recalled || t.Turn.Recalled() }

func (t *riggedTurn) Short() bool { return t.short || t.Turn.Short() }

func (t *riggedTurn) Lease() time.Duration {
	if t.lease > 0 {
		return t.lease
	}
	return t.Turn.Lease()
}

func (t *riggedTurn) Take(ctx context.Context, n int, gap time.Duration) ([]crawler.Taken, error) {
	if t.single {
		n = 1
	}
	got, err := t.Turn.Take(ctx, n, gap)
	if t.taken != nil {
		t.taken(got)
	}
	return got, err
}

func (t *riggedTurn) Claim(ctx context.Context, e crawler.Entry) (string, bool, error) {
	if t.claim != nil {
		return "", false, t.claim
	}
	return t.Turn.Claim(ctx, e)
}

func (t *riggedTurn) Settle(ctx context.Context, done []crawler.Settlement) error {
	if t.settle != nil {
		return t.settle
	}
	return t.Turn.Settle(ctx, done)
}

func (t *riggedTurn) Renew(ctx context.Context, gap time.Duration) error {
	if t.renew != nil {
		return t.renew
	}
	return t.Turn.Renew(ctx, gap)
}

// settlements is a frontier that notes what is settled.
type settlements struct {
	crawler.Frontier
	mu   sync.Mutex
	made []crawler.Settlement
}

func (f *settlements) Open(ctx context.Context, o crawler.Order, worker string) (crawler.Turn, error) {
	turn, err := f.Frontier.Open(ctx, o, worker)
	return notingTurn{turn, f}, err
}

type notingTurn struct {
	crawler.Turn
	settlements *settlements
}

func (t notingTurn) Settle(ctx context.Context, done []crawler.Settlement) error {
	t.settlements.mu.Lock()
	t.settlements.made = append(t.settlements.made, done...)
	t.settlements.mu.Unlock()
	return t.Turn.Settle(ctx, done)
}

// flaky is a frontier that refuses the first call of each kind; settling is done
// all the same, and its answer lost.
type flaky struct {
	crawler.Frontier
	mu      sync.Mutex
	refused map[string]bool // by the kind of call
}

// refuse refuses the first call of each kind.
func (f *flaky) refuse(kind string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refused[kind] {
		return nil
	}
	f.refused[kind] = true
	return fmt.Errorf("%w: OOM command not allowed", crawler.ErrUnavailable)
}

func (f *flaky) Open(ctx context.Context, o crawler.Order, worker string) (crawler.Turn, error) {
	turn, err := f.Frontier.Open(ctx, o, worker)
	return flakyTurn{turn, f}, err
}

func (f *flaky) Admit(ctx context.Context, entries []crawler.Entry) (int, error) {
	if err := f.refuse("admit"); err != nil {
		return 0, err
	}
	return f.Frontier.Admit(ctx, entries)
}

type flakyTurn struct {
	crawler.Turn
	flaky *flaky
}

func (t flakyTurn) Take(ctx context.Context, n int, gap time.Duration) ([]crawler.Taken, error) {
	if err := t.flaky.refuse("take"); err != nil {
		return nil, err
	}
	return t.Turn.Take(ctx, n, gap)
}

func (t flakyTurn) Claim(ctx context.Context, e crawler.Entry) (string, bool, error) {
	if err := t.flaky.refuse("claim"); err != nil {
		return "", false, err
	}
	return t.Turn.Claim(ctx, e)
}

func (t flakyTurn) Close(ctx context.Context, r crawler.Rest) error {
	if err := t.flaky.refuse("close"); err != nil {
		return err
	}
	return t.Turn.Close(ctx, r)
}

func (t flakyTurn) Settle(ctx context.Context, done []crawler.Settlement) error {
	return errors.Join(t.Turn.Settle(ctx, done), t.flaky.refuse("settle"))
}
