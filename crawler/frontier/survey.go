package frontier

import (
	"context"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// survey is what a visit finds out about the other jobs at its host before it takes
// the hold.
type survey struct {
	*tenure
	wait   time.Duration // until a request may be made, for those before
	last   time.Time     // when the last request was made
	gap    time.Duration // the longest that another job owes
	others []party       // with URLs there, the most recent last
	rivals []party       // of these, that want the host now
}

// succeed finds out whether the host's holder has a visit open there. Then this one
// lines up, and settled is true. Otherwise it learns when the holder made its last
// request, and how long the host was to be left alone.
func (s *survey) succeed(ctx context.Context, holder party) (settled bool, err error) {
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
	case o.gone: // its visit may be under way for as long as its lease lasts
		s.last, s.wait = time.Now(), Lease
	default:
		s.wait, s.last = max(s.wait, o.wait), later(s.last, o.last)
	}
	if o.owes {
		s.others = append(s.others, holder) // ask looks at it again, with all others
	}
	return false, nil
}

// lineUp tells the visit that holds the host that this job wants it. It reports false
// when that visit has ended meanwhile.
func (s *survey) lineUp(ctx context.Context, holder party) (bool, error) {
	told, err := run(ctx, s.frontier.rdb, rivalScript, "rival", shardBase(holder.job, holder.shard),
		string(s.host), s.me.String(), s.delay.Milliseconds()).Int()
	if err != nil {
		return false, err
	}
	s.line = lineTerm
	if told == 0 { // broken, and not released yet
		s.line = reprieve
	}
	return true, nil
}

// ask asks all other jobs what they owe the host. Those that owe nothing are
// forgotten.
func (s *survey) ask(ctx context.Context) error {
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

// breakVisits sweeps a job that is paused, whose visits no scheduler sweeps.
func (f *Frontier) breakVisits(ctx context.Context, job string) error {
	status, err := f.store.Status(ctx, job)
	if err != nil {
		return err
	}
	_, err = f.store.Frontier(status.Job).Sweep(ctx, 0)
	return err
}
