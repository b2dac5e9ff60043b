package frontier

import (
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// otherJobs collects what a visit learns about the other jobs at its host before it takes the
// hold.
type otherJobs struct {
	*hostLock
	wait   time.Duration // until a request may be made, because of other jobs
	last   time.Time     // when the last request was made
	gap    time.Duration // the longest gap that another job owes
	others []party       // other jobs with URLs there, the most recent last
	rivals []party       // those of them that want the host now
}

// succeed checks whether the holder has an open visit at the host. If it has, this visit
// lines up, and settled is true. Otherwise succeed learns when the holder made its last
// request, and how long the host must be left alone.
func (s *otherJobs) succeed(ctx context.Context, holder party) (settled bool, err error) {
	f := s.frontier
	o, err := f.look(ctx, holder, s.host)
	if err != nil {
		return false, err
	}
	if o.open && o.state == crawler.StatePaused && o.lapsed > unswept {
		if err := f.breakVisits(ctx, holder.job); err != nil {
			return false, err
		}
		if o, err = f.look(ctx, holder, s.host); err != nil {
			return false, err
		}
	}
	if o.open {
		return s.lineUp(ctx, holder)
	}
	s.others = withoutParty(s.others, holder)
	switch {
	case o.gone && o.quiet:
		s.last = time.Now()
	case o.gone: // its visit may continue until its lease ends
		s.last, s.wait = time.Now(), Lease
	default:
		s.wait, s.last = max(s.wait, o.wait), later(s.last, o.last)
	}
	if o.owes {
		s.others = append(s.others, holder) // ask looks at it again, like all others
	}
	return false, nil
}

// lineUp tells the visit that holds the host that this job wants it. If that visit was
// broken, this job retries soon.
func (s *otherJobs) lineUp(ctx context.Context, holder party) (bool, error) {
	told, err := run(ctx, s.frontier.rdb, rivalScript(), "rival", shardBase(holder.job, holder.shard),
		string(s.host), s.me.String(), s.delay.Milliseconds()).Int()
	if err != nil {
		return false, err
	}
	s.line = lineTerm
	if told == 0 { // broken but not released yet
		s.line = reprieve
	}
	return true, nil
}

// ask asks all other jobs what they owe the host. It forgets those that owe nothing.
func (s *otherJobs) ask(ctx context.Context) error {
	var kept []party
	for _, p := range s.others {
		o, err := s.frontier.look(ctx, p, s.host)
		if err != nil {
			return err
		}
		if o.gone || !o.owes {
			continue
		}
		kept = append(kept, p)
		s.gap = max(s.gap, o.gap)
		if o.wants {
			s.rivals = append(s.rivals, p)
		}
	}
	s.others = slices.Clip(kept)
	return nil
}

// breakVisits sweeps a paused job, because no scheduler does.
func (f *Frontier) breakVisits(ctx context.Context, job string) error {
	status, err := f.store.Status(ctx, job)
	if err != nil {
		return err
	}
	_, err = f.store.Frontier(status.Job).Sweep(ctx, 0)
	return err
}
