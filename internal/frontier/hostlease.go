package frontier

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// HostLease is an open visit's lease on its host. It implements [visit.HostLease].
type HostLease struct {
	frontier *Frontier
	ref      queue.VisitRef
	base     string
	wait     time.Duration
	health   queue.HostHealth
	rules    atomic.Pointer[crawler.HostRules]
	short    atomic.Bool
	recalled atomic.Bool
	last     time.Time     // time of the last request of an earlier visit of the job; zero if unknown
	gap      time.Duration // the gap that it owed the host
	account  ledger
	domain   domainAccount
	sketches sketches
	lock     *hostLock // nil if the host is not shared with other jobs
	start    visit.Start
	ration   ration
	tracker  *tracker // nil if the job is not continuous
}

// Wait returns how long after Open the first request may be made.
func (l *HostLease) Wait() time.Duration { return l.wait }

// Owed returns what earlier visits of the job owe the host.
func (l *HostLease) Owed() (last time.Time, gap time.Duration) { return l.last, l.gap }

// HostHealth returns what earlier visits remembered about the host.
func (l *HostLease) HostHealth() queue.HostHealth { return l.health }

// Rules returns the operator's decisions about the host, as last read.
func (l *HostLease) Rules() crawler.HostRules { return *l.rules.Load() }

// Start returns what Open has taken.
func (l *HostLease) Start() visit.Start { return l.start }

// Sharing returns what is known of other jobs at the host.
func (l *HostLease) Sharing() queue.Sharing {
	if l.lock == nil {
		return queue.Sharing{Held: true}
	}
	return l.lock.Sharing()
}

// Short reports whether, at the last call to Renew, a host of the job had been due for a
// while without a visit.
func (l *HostLease) Short() bool { return l.short.Load() }

// Recalled reports whether the visit should end soon to give up its place.
func (l *HostLease) Recalled() bool { return l.recalled.Load() }

// heed stores the rules that a script returned.
func (l *HostLease) heed(packed string) error {
	rules, err := queue.UnpackHostRules(packed)
	if err != nil { // visit the host as if it had no rules
		l.frontier.reports.add(l.frontier.job.Name,
			fmt.Sprintf("the rules of host %s cannot be read: %q", l.ref.Host, packed))
		rules = crawler.HostRules{}
	}
	l.rules.Store(&rules)
	return nil
}

// Lease returns how long each call extends the lease.
func (l *HostLease) Lease() time.Duration { return l.frontier.lease }

// head returns the first arguments of every script of a lease.
func (l *HostLease) head(more ...any) []any {
	return append([]any{string(l.ref.Host), l.ref.Epoch, l.frontier.lease.Milliseconds()}, more...)
}

// Take moves up to n URLs into flight. It sets entries aside that cannot be decoded. If it
// finds only such entries, it repeats, because returning none would mean that the queue is
// empty. It also repeats where a sealed block comes next, once that is unsealed.
func (l *HostLease) Take(ctx context.Context, n int, gap time.Duration) (all []queue.Taken, err error) {
	for {
		taken, err := l.take(ctx, n-len(all), gap)
		all = append(all, taken.urls...)
		if err == nil && len(taken.garbage) > 0 {
			if err := l.discard(ctx, taken.garbage); err != nil {
				return all, err
			}
		}
		again := len(all) == 0 && len(taken.garbage) > 0
		if err == nil && taken.behind != "" && len(all) < n {
			again, err = true, l.unseal(ctx, taken.behind, n)
		}
		if err != nil && len(all) > 0 {
			return all, nil // they are in flight; the next call meets the error again
		}
		if err != nil || !again {
			return all, err
		}
	}
}

// took is what a call of take.lua took for a visit.
type took struct {
	urls    []queue.Taken
	garbage []any  // tickets of entries that cannot be decoded
	behind  string // the band of a sealed block that comes next, and the block; "" if none does
}

// take moves URLs into flight.
func (l *HostLease) take(ctx context.Context, n int, gap time.Duration) (took, error) {
	if err := l.lock.last(ctx, gap); err != nil {
		return took{}, err
	}
	granted, err := l.account.promise(ctx, n)
	if err != nil {
		return took{}, err
	}
	t := &taking{ref: l.ref, most: granted, gap: gap}
	if l.tracker != nil {
		if err := l.ration.ask(ctx, granted); err != nil {
			return took{}, err
		}
		t.rationed, t.low, t.others = true, l.ration.low, l.ration.others
	}
	if err := l.frontier.takes.at(l.base).do(ctx, t); err != nil {
		return took{}, err
	}
	got, err := t.got, t.err
	if err != nil {
		return took{}, err
	}
	if err := l.heed(got[0]); err != nil {
		return took{}, err
	}
	l.lock.heed(got[1])
	l.recalled.Store(got[2] != "")
	taken := took{behind: got[4]}
	taken.urls, taken.garbage = l.unpackAll(got[takeAnswer:])
	l.account.take(granted, len(taken.urls)) // entries that cannot be decoded are never settled
	l.domain.take(len(taken.urls))
	l.ration.take(taken.urls)
	if rationed := got[3]; rationed != "" && len(got) == takeAnswer && taken.behind == "" {
		return took{}, l.ration.lineUp(ctx, rationed)
	}
	return taken, nil
}

// unpackAll decodes entries in flight, each after its ticket. It returns the tickets of
// those that cannot be decoded.
func (l *HostLease) unpackAll(got []string) (taken []queue.Taken, garbage []any) {
	taken = make([]queue.Taken, 0, len(got)/2)
	for i := 0; i+1 < len(got); i += 2 {
		e, err := l.unpack(got[i], got[i+1])
		if err != nil {
			garbage = append(garbage, got[i])
			continue
		}
		taken = append(taken, queue.Taken{Ticket: got[i], Entry: e})
	}
	return taken, garbage
}

// discard sets aside entries that cannot be decoded.
func (l *HostLease) discard(ctx context.Context, tickets []any) error {
	l.frontier.reports.add(l.frontier.job.Name, fmt.Sprintf("%d entries of host %s cannot be read", len(tickets),
		l.ref.Host))
	return run(ctx, l.frontier.rdb, discardScript(), "discard", l.base, l.head(tickets...)...).Err()
}

// unpack decodes an entry in flight. Its ticket begins with its band.
func (l *HostLease) unpack(ticket, packed string) (queue.Entry, error) {
	if ticket == "" || ticket[0] < '0' || ticket[0] >= '0'+queue.Bands {
		return queue.Entry{}, fmt.Errorf("frontier: take at %s: %q is no ticket", l.ref.Host, ticket)
	}
	return queue.UnpackEntry(l.ref.Host, queue.Band(ticket[0]-'0'), packed)
}

// Claim takes a URL of this host straight into flight, if it is new.
func (l *HostLease) Claim(ctx context.Context, e queue.Entry) (ticket string, fresh bool, err error) {
	f := l.frontier
	m := f.markOf(e.URL, e.Depth)
	var found findings
	for {
		args := f.seenArgs(l.head(m.group, m.member, int(e.Band), e.Pack()), found)
		ticket, err = run(ctx, f.rdb, f.depths.pick(claimScript(), claimDepthScript()), "claim", l.base, args...).Text()
		if err != nil || !isSpilled(ticket) {
			return ticket, ticket != "", err
		}
		if found, _, err = f.decide(ctx, l.base, []doubt{{m.member, ticket}}); err != nil {
			return "", false, err
		}
	}
}

// Occupy claims the host's address for this visit.
func (l *HostLease) Occupy(ctx context.Context, ip netip.Addr) (queue.Occupancy, error) {
	got, err := run(ctx, l.frontier.rdb, occupyScript(), "occupy", l.base, l.head(ip.String())...).Int64Slice()
	if err != nil {
		return queue.Occupancy{}, err
	}
	if len(got) != 2 {
		return queue.Occupancy{}, fmt.Errorf("frontier: occupy %s: unexpected answer %v", ip, got)
	}
	return queue.Occupancy{
		Held: got[0] >= 0, Wait: time.Duration(max(0, got[0])) * time.Millisecond, Others: int(got[1]),
	}, nil
}

// Settle takes URLs out of flight, with their outcomes.
func (l *HostLease) Settle(ctx context.Context, done []queue.Settlement) error {
	one, err := l.settling(ctx, done, nil)
	if err != nil {
		return err
	}
	_, err = l.settle(ctx, done, one)
	return err
}

// settle carries out a settling.
func (l *HostLease) settle(ctx context.Context, done []queue.Settlement, s *settling) (ended bool, err error) {
	if err := l.frontier.settles.at(l.base).do(ctx, s); err != nil {
		return false, err
	}
	if s.err != nil {
		return false, s.err
	}
	if l.tracker != nil {
		l.tracker.keep(s.lessons)
	}
	l.account.settle(done, s.pages)
	l.domain.settle(done, s.pages)
	return s.ended, nil
}

// Finish settles URLs, and closes the visit if the host has no URL left. Where there is a
// budget of pages, it only settles: the visit's account must be closed before its host.
func (l *HostLease) Finish(ctx context.Context, done []queue.Settlement, r queue.Rest) (closed bool, err error) {
	if !l.frontier.unbudgeted() || l.account.used || l.domain.used {
		return false, l.Settle(ctx, done)
	}
	if err := l.lock.last(ctx, max(r.Wait, r.Gap)); err != nil {
		return false, err
	}
	one, err := l.settling(ctx, done, l.restArgs(r))
	if err != nil {
		return false, err
	}
	if closed, err = l.settle(ctx, done, one); closed {
		l.lock.pass(ctx, one.rivals, r.Wait)
	}
	return closed, err
}

// settling returns a call of settle.lua. rest is how the visit leaves its host if it may end, as
// arguments of close.lua; nil if it may not.
func (l *HostLease) settling(ctx context.Context, done []queue.Settlement, rest []any) (*settling, error) {
	lessons, err := l.learn(ctx, done)
	if err != nil {
		return nil, err
	}
	args := append([]any{string(l.ref.Host), l.ref.Epoch, flag(rest != nil)}, rest...)
	return &settling{host: l.ref.Host, lessons: lessons, args: append(args, l.settlementArgs(done, lessons)...)}, nil
}

// learn returns what fetches teach about the pages of a continuous job.
func (l *HostLease) learn(ctx context.Context, done []queue.Settlement) (learned, error) {
	if l.tracker == nil {
		return learned{}, nil
	}
	now, links, err := l.frontier.linked(ctx, done)
	if err != nil {
		return learned{}, err
	}
	return l.tracker.learn(ctx, done, now, links)
}

// settlementArgs returns the arguments of settle.lua for URLs.
func (l *HostLease) settlementArgs(done []queue.Settlement, lessons learned) []any {
	segment := ""
	for _, s := range done {
		if s.Segment != "" {
			segment = s.Segment // their records were kept together
		}
	}
	job := l.frontier.job
	args := []any{segment, job.LostAfter.Milliseconds(), flag(job.Durable != crawler.DurableDisk)}
	args = append(args, notes(done, segment, lessons)...)
	for i, s := range done {
		retry := ""
		if !s.Outcome.Final() {
			retry = s.Retry.Pack()
		}
		args = append(args, s.Ticket, string(s.Outcome), s.Bytes, retry, s.After.Milliseconds(), settlementFlags(s),
			lessons.of(i))
	}
	return args
}

// notes counts the skipped URLs and the causes of failures, and has the URLs that failed and what
// was learned, as arguments of settle.lua: the number of counters, then the name and value of
// each. segment has the records.
func notes(done []queue.Settlement, segment string, lessons learned) []any {
	numbers := make(map[string]int64)
	var failed []any
	for _, settlement := range done {
		if cause := settlement.Cause; cause != "" {
			if numbers[counterCause+cause]++; numbers[counterCause+cause] <= mostFailed {
				failed = appendFailed(failed, cause, settlement.Failed, segment)
			}
		}
		for _, s := range settlement.Skipped {
			numbers[counterSkipped+string(s.Rule)]++
			if s.Pattern != "" {
				numbers[counterTraps+s.TrapName()]++
			}
		}
	}
	maps.Copy(numbers, lessons.counters)
	args := make([]any, 1, 1+2*len(numbers)+2*len(lessons.priors)+2+len(failed))
	args[0] = len(numbers) + len(lessons.priors) + len(failed)/2
	for _, name := range slices.Sorted(maps.Keys(numbers)) {
		args = append(args, name, numbers[name])
	}
	for _, pattern := range slices.Sorted(maps.Keys(lessons.priors)) {
		args = append(args, counterPrior+pattern, lessons.priors[pattern].Append(nil))
	}
	if lessons.signals != nil {
		args[0] = args[0].(int) + 1
		args = append(args, counterPrior+fieldSignals, lessons.signals.Append(nil))
	}
	return append(args, failed...)
}

// appendFailed appends the name and value of a URL that failed to the arguments of settle.lua.
func appendFailed(args []any, cause string, f queue.Failed, segment string) []any {
	if f.Segment = segment; f.Entry.URL.IsZero() {
		return args
	}
	if packed := f.Pack(); packed != "" {
		args = append(args, nameFailed+cause, packed)
	}
	return args
}

// settlementFlags returns the flags for settle.lua.
func settlementFlags(s queue.Settlement) (flags string) {
	if s.Over {
		flags = "o"
	}
	if s.Incomplete {
		flags += "i"
	}
	if s.Items > 0 {
		flags += "n" + strconv.Itoa(s.Items)
	}
	return flags
}

// Renew extends the lease. gap is the time to keep between requests to the host if this visit
// breaks.
func (l *HostLease) Renew(ctx context.Context, gap time.Duration) error {
	if err := l.lock.last(ctx, gap); err != nil {
		return err
	}
	got, err := run(ctx, l.frontier.rdb, renewScript(), "renew", l.base, l.head(gap.Milliseconds())...).Slice()
	if err != nil {
		return err
	}
	if len(got) != 4 {
		return fmt.Errorf("frontier: renew %s: unexpected answer %v", l.ref.Host, got)
	}
	l.lock.heed(got[1].(string))
	l.short.Store(got[2] != int64(0))
	l.recalled.Store(got[3] != "")
	return l.heed(got[0].(string))
}

// Close gives the host back.
func (l *HostLease) Close(ctx context.Context, r queue.Rest) error {
	if err := l.account.close(ctx); err != nil {
		return err
	}
	if err := l.domain.close(ctx); err != nil {
		return err
	}
	if err := l.ration.close(ctx); err != nil {
		return err
	}
	if err := l.lock.last(ctx, max(r.Wait, r.Gap)); err != nil {
		return err
	}
	args := append([]any{string(l.ref.Host), l.ref.Epoch}, l.restArgs(r)...)
	noted, err := run(ctx, l.frontier.rdb, closeScript(), "close", l.base, args...).Text()
	if err != nil {
		return err
	}
	l.lock.pass(ctx, noted, r.Wait)
	return nil
}

// restArgs returns the arguments of close.lua behind the epoch.
func (l *HostLease) restArgs(r queue.Rest) []any {
	line, wanted := l.lock.inLine()
	ago := int64(-1)
	if r.Last >= 0 {
		ago = r.Last.Milliseconds()
	}
	return []any{
		ceilMS(r.Wait), r.HostHealth.ConsecutiveFailures, r.HostHealth.Trouble, r.HostHealth.Traps,
		ceilMS(r.AddressWait), ceilMS(r.NotBefore), r.Failure, ago, ceilMS(r.Gap), ceilMS(line), wanted,
		string(r.HostHealth.Class), ceilMS(r.Kept), r.HostHealth.Latency.Pack(), flag(r.GivenUp),
	}
}

// ceilMS returns a duration in milliseconds, rounded up so that no host is due too early.
func ceilMS(d time.Duration) int64 {
	return max(0, int64((d+time.Millisecond-1)/time.Millisecond))
}
