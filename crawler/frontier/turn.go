package frontier

import (
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Turn is an open visit's hold on its host. It implements [crawler.Turn].
type Turn struct {
	frontier *Frontier
	order    crawler.Order
	base     string
	wait     time.Duration
	standing crawler.Standing
	rules    atomic.Pointer[crawler.HostRules]
	short    atomic.Bool
	recalled atomic.Bool
	last     time.Time     // when an earlier visit of the job made the last request; zero when not known
	gap      time.Duration // that it owed the host
	account  ledger
	tenure   *tenure // nil: the host is not shared with other jobs
}

// Wait is how long after Open the first request may be made.
func (t *Turn) Wait() time.Duration { return t.wait }

// Owed is what earlier turns of the job left owed to the host.
func (t *Turn) Owed() (last time.Time, gap time.Duration) { return t.last, t.gap }

// Standing is what earlier turns left to be remembered of the host.
func (t *Turn) Standing() crawler.Standing { return t.standing }

// Rules are what the operator had decided when it was last asked.
func (t *Turn) Rules() crawler.HostRules { return *t.rules.Load() }

// Sharing is what the turn knows of other jobs at its host.
func (t *Turn) Sharing() crawler.Sharing {
	if t.tenure == nil {
		return crawler.Sharing{Held: true}
	}
	return t.tenure.Sharing()
}

// Short reports whether a host of the job had waited in vain for a visit, when Renew was
// last called.
func (t *Turn) Short() bool { return t.short.Load() }

// Recalled reports whether others should have the place of the visit.
func (t *Turn) Recalled() bool { return t.recalled.Load() }

// heed notes the rules that a script answered with.
func (t *Turn) heed(packed string) error {
	rules, err := crawler.UnpackHostRules(packed)
	if err != nil { // the host is visited as if there were none
		t.frontier.reports.add(t.frontier.job.Name, fmt.Sprintf("the rules of host %s cannot be read: %q", t.order.Host, packed))
		rules = crawler.HostRules{}
	}
	t.rules.Store(&rules)
	return nil
}

// Lease is for how long each call extends the turn.
func (t *Turn) Lease() time.Duration { return t.frontier.lease }

// head begins the arguments of every script of a turn.
func (t *Turn) head(more ...any) []any {
	return append([]any{string(t.order.Host), t.order.Epoch, t.frontier.lease.Milliseconds()}, more...)
}

// Take moves up to n URLs into flight. Entries that cannot be read are set aside;
// while it finds nothing else, it takes on, because none is the end of the queue.
func (t *Turn) Take(ctx context.Context, n int, gap time.Duration) ([]crawler.Taken, error) {
	for {
		taken, garbage, err := t.take(ctx, n, gap)
		if err != nil || len(garbage) == 0 {
			return taken, err
		}
		if err := t.discard(ctx, garbage); err != nil || len(taken) > 0 {
			return taken, err
		}
	}
}

// take moves URLs into flight, and returns the tickets of those that cannot be
// read.
func (t *Turn) take(ctx context.Context, n int, gap time.Duration) (taken []crawler.Taken, garbage []any, err error) {
	if err := t.tenure.last(ctx, gap); err != nil {
		return nil, nil, err
	}
	granted, err := t.account.promise(ctx, n)
	if err != nil {
		return nil, nil, err
	}
	got, err := run(ctx, t.frontier.rdb, takeScript, "take", t.base, t.head(granted, gap.Milliseconds())...).StringSlice()
	if err != nil {
		return nil, nil, err
	}
	if len(got) < 3 {
		return nil, nil, fmt.Errorf("frontier: take at %s: no answer", t.order.Host)
	}
	if err := t.heed(got[0]); err != nil {
		return nil, nil, err
	}
	t.tenure.heed(got[1])
	t.recalled.Store(got[2] != "")
	taken = make([]crawler.Taken, 0, len(got)/2)
	for i := 3; i+1 < len(got); i += 2 {
		e, err := t.unpack(got[i], got[i+1])
		if err != nil {
			garbage = append(garbage, got[i])
			continue
		}
		taken = append(taken, crawler.Taken{Ticket: got[i], Entry: e})
	}
	t.account.take(granted, len(taken)) // what cannot be read is not settled
	return taken, garbage, nil
}

// discard sets entries aside that cannot be read.
func (t *Turn) discard(ctx context.Context, tickets []any) error {
	t.frontier.reports.add(t.frontier.job.Name, fmt.Sprintf("%d entries of host %s cannot be read", len(tickets), t.order.Host))
	return run(ctx, t.frontier.rdb, discardScript, "discard", t.base, t.head(tickets...)...).Err()
}

// unpack reads an entry in flight; its ticket begins with its band.
func (t *Turn) unpack(ticket, packed string) (crawler.Entry, error) {
	if ticket == "" || ticket[0] < '0' || ticket[0] >= '0'+crawler.Bands {
		return crawler.Entry{}, fmt.Errorf("frontier: take at %s: %q is no ticket", t.order.Host, ticket)
	}
	return crawler.UnpackEntry(t.order.Host, crawler.Band(ticket[0]-'0'), packed)
}

// Claim takes a URL of this host straight into flight, if it is new.
func (t *Turn) Claim(ctx context.Context, e crawler.Entry) (ticket string, fresh bool, err error) {
	depths := t.frontier.depths
	args := depths.args(t.head(t.frontier.member(e.URL, e.Depth), int(e.Band), e.Pack()))
	ticket, err = run(ctx, t.frontier.rdb, depths.pick(claimScript, claimDepthScript), "claim", t.base, args...).Text()
	return ticket, ticket != "", err
}

// Occupy takes the host's address for this turn.
func (t *Turn) Occupy(ctx context.Context, ip netip.Addr) (crawler.Occupancy, error) {
	got, err := run(ctx, t.frontier.rdb, occupyScript, "occupy", t.base, t.head(ip.String())...).Int64Slice()
	if err != nil {
		return crawler.Occupancy{}, err
	}
	if len(got) != 2 {
		return crawler.Occupancy{}, fmt.Errorf("frontier: occupy %s: unexpected answer %v", ip, got)
	}
	return crawler.Occupancy{
		Held: got[0] >= 0, Wait: time.Duration(max(0, got[0])) * time.Millisecond, Others: int(got[1]),
	}, nil
}

// Settle ends the flight of URLs with their outcomes.
func (t *Turn) Settle(ctx context.Context, done []crawler.Settlement) error {
	segment, fetched := "", int64(0)
	for _, s := range done {
		if s.Segment != "" {
			segment = s.Segment // their records were kept together
		}
		if s.Outcome == crawler.OutcomeFetched {
			fetched++
		}
	}
	job := t.frontier.job
	args := t.head(segment, time.Duration(job.LostAfter).Milliseconds(), flag(job.Durable != crawler.DurableDisk))
	for _, s := range done {
		retry := ""
		if !s.Outcome.Final() {
			retry = s.Retry.Pack()
		}
		args = append(args, s.Ticket, string(s.Outcome), s.Bytes, retry, s.After.Milliseconds(), settlementFlags(s))
	}
	if err := run(ctx, t.frontier.rdb, settleScript, "settle", t.base, args...).Err(); err != nil {
		return err
	}
	t.account.settle(done, fetched)
	return nil
}

// settlementFlags are the flags of settle.lua.
func settlementFlags(s crawler.Settlement) (flags string) {
	if s.Over {
		flags = "o"
	}
	if s.Incomplete {
		flags += "i"
	}
	return flags
}

// Renew extends the turn. gap is the time to be kept between requests to the host
// should this turn break.
func (t *Turn) Renew(ctx context.Context, gap time.Duration) error {
	if err := t.tenure.last(ctx, gap); err != nil {
		return err
	}
	got, err := run(ctx, t.frontier.rdb, renewScript, "renew", t.base, t.head(gap.Milliseconds())...).Slice()
	if err != nil {
		return err
	}
	if len(got) != 4 {
		return fmt.Errorf("frontier: renew %s: unexpected answer %v", t.order.Host, got)
	}
	t.tenure.heed(got[1].(string))
	t.short.Store(got[2] != int64(0))
	t.recalled.Store(got[3] != "")
	return t.heed(got[0].(string))
}

// Close gives the host back.
func (t *Turn) Close(ctx context.Context, r crawler.Rest) error {
	if err := t.account.close(ctx); err != nil {
		return err
	}
	if err := t.tenure.last(ctx, max(r.Wait, r.Gap)); err != nil {
		return err
	}
	line, wanted := t.tenure.inLine()
	ago := int64(-1)
	if r.Last >= 0 {
		ago = r.Last.Milliseconds()
	}
	noted, err := run(ctx, t.frontier.rdb, closeScript, "close", t.base,
		string(t.order.Host), t.order.Epoch, ceilMS(r.Wait), r.Standing.Strikes, r.Standing.Trouble, r.Standing.Traps,
		ceilMS(r.AddressWait), ceilMS(r.NotBefore), r.Failure, ago, ceilMS(r.Gap), ceilMS(line), wanted).Text()
	if err != nil {
		return err
	}
	t.tenure.pass(ctx, noted, r.Wait)
	return nil
}

// ceilMS is a duration in milliseconds, rounded up, so that no host is due too
// early.
func ceilMS(d time.Duration) int64 {
	return max(0, int64((d+time.Millisecond-1)/time.Millisecond))
}
