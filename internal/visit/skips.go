package visit

import (
	"hash/maphash"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/signature"
)

// maxRemembered is how many skipped URLs a worker remembers of a job, so that a URL that
// every page links to counts once.
const maxRemembered = 100_000

// skips remembers the URLs that a worker has skipped, with the rule that refused them. It
// is safe for concurrent use.
type skips struct {
	seed maphash.Seed

	mu       sync.Mutex
	new, old map[uint64]bool
}

func newSkips() *skips { return &skips{seed: maphash.MakeSeed(), new: make(map[uint64]bool)} }

func (s *skips) key(u crawler.URL, rule queue.Rule) uint64 {
	return maphash.String(s.seed, u.String()) ^ maphash.String(s.seed, string(rule))
}

// first remembers that the rule refused the URL, and reports whether that is new.
func (s *skips) first(u crawler.URL, rule queue.Rule) bool {
	key := s.key(u, rule)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.new[key] || s.old[key] {
		return false
	}
	if len(s.new) >= maxRemembered/2 {
		s.old, s.new = s.new, make(map[uint64]bool)
	}
	s.new[key] = true
	return true
}

// forget makes URLs whose skip was not committed count again.
func (s *skips) forget(all []queue.Skipped) {
	if len(all) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		key := s.key(one.URL, one.Rule)
		delete(s.new, key)
		delete(s.old, key)
	}
}

// skip records that a URL found on the page that was fetched last is skipped. It is step
// deeper than that page.
func (e *urlTask) skip(u crawler.URL, step int, why queue.SkipReason) {
	e.note(queue.Skipped{URL: u, Referrer: e.at(), Depth: e.taken.Entry.Depth + step, SkipReason: why})
}

// skipTrap is skip for a URL that looks like a trap.
func (e *urlTask) skipTrap(u crawler.URL, step int, reason string) {
	e.note(queue.Skipped{
		URL: u, Referrer: e.at(), Depth: e.taken.Entry.Depth + step, Pattern: string(signature.PatternOf(u)),
		SkipReason: queue.SkipReason{Rule: queue.RuleTraps, Reason: reason},
	})
}

// skipItself records that the URL task's own URL is skipped.
func (e *urlTask) skipItself(why queue.SkipReason) {
	entry := e.taken.Entry
	s := queue.Skipped{URL: entry.URL, Referrer: entry.Referrer, Depth: entry.Depth, SkipReason: why}
	if why.Rule == queue.RuleTraps {
		s.Pattern = string(signature.PatternOf(entry.URL))
	}
	e.note(s)
}

func (e *urlTask) note(s queue.Skipped) {
	if e.visitor.skips.first(s.URL, s.Rule) {
		e.result.Skipped = append(e.result.Skipped, s)
	}
}

// at returns the URL of the page that was fetched last.
func (e *urlTask) at() crawler.URL {
	if p := e.result.Page; p != nil {
		return p.URL
	}
	return e.taken.Entry.URL
}

// unskip makes the URLs that the task skipped count again, because the task will be redone,
// perhaps by another worker.
func (e *urlTask) unskip() {
	e.visitor.skips.forget(e.result.Skipped)
	e.result.Skipped = nil
}

// The rest of this file obeys what sites say about the use of their pages, in a job that does
// more than record it.

// bars reports whether the URL is not to be fetched, because its authority reserves it for
// the job's purpose. Then the outcome is set.
func (e *urlTask) bars() bool {
	if e.visitor.job.Rights != crawler.RightsStop {
		return false
	}
	why, reserved := rights.Reserved(e.visitor.job.Purpose, "", e.result.Rights)
	if !reserved {
		return false
	}
	reason := e.reservedBy(why)
	e.skipItself(queue.SkipReason{Rule: queue.RuleRights, Reason: reason})
	e.end(crawler.OutcomeSkipped, reason)
	return true
}

// reserved withholds the content of a page that is reserved for the job's purpose, and
// reports whether it did. The page's links are followed all the same.
func (e *urlTask) reserved() bool {
	if policy := e.visitor.job.Rights; policy != crawler.RightsSkip && policy != crawler.RightsStop {
		return false
	}
	why, reserved := e.result.Reserved()
	if !reserved {
		return false
	}
	e.withhold()
	e.result.Reason = "its content is not kept: " + e.reservedBy(why)
	return true
}

func (e *urlTask) reservedBy(why crawler.Statement) string {
	return "reserved for " + string(e.visitor.job.Purpose) + ": " + rights.Text(why)
}
