package visit

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file has what a visit does only in a continuous job: it reports what became of each page,
// and leaves hosts whose URLs have to wait for the budget.

// sighting returns what a URL task has found out about its page.
func (e *urlTask) sighting() queue.Sighting {
	s := queue.Sighting{Entry: e.taken.Entry, Follows: e.follows(), Returns: e.returns()}
	switch e.result.Outcome {
	case crawler.OutcomeNotModified:
		s.Same = true
	case crawler.OutcomeGone:
		s.Gone = true
	case crawler.OutcomeRedirected:
		s.Found, s.Moved, s.Content = true, true, hashOf(e.result.Redirects)
	case crawler.OutcomeFetched:
		s.Content, s.Text, s.Found = e.content()
	}
	if e.taken.Entry.Sitemap > 0 {
		s.Keeps = e.keeps()
	}
	return s
}

// returns reports whether the page is to be fetched again whatever its outcome: it redirects to where
// a rule forbids to follow, which may change, or robots.txt was unavailable.
func (e *urlTask) returns() bool { return len(e.result.Redirects) > 0 || e.unruled }

// keeps returns how long a sitemap or a feed stays as it is, according to itself or its server: the
// longer of the two times.
func (e *urlTask) keeps() (d time.Duration) {
	if doc := e.result.Document; doc != nil {
		d = doc.Keeps
	}
	if p := e.result.Page; p != nil {
		d = max(d, freshFor(p.Header))
	}
	return d
}

// follows reports whether the page is that of another URL of the host, to which this one redirects
// and which is not fetched on its own.
func (e *urlTask) follows() bool {
	return len(e.claimed) > 0 || e.taken.Entry.Page.Follows && len(e.result.Redirects) > 0
}

// content returns the fingerprint of the main text, or else a hash of the body. ok is false if
// there is neither.
func (e *urlTask) content() (content uint32, text, ok bool) {
	if doc := e.result.Document; doc != nil && doc.Fingerprint != nil {
		return *doc.Fingerprint, true, true
	}
	if p := e.result.Page; p != nil && p.Body != nil {
		return binary.BigEndian.Uint32(p.Body.Digest[:]), false, true
	}
	return 0, false, false
}

// hashOf hashes where redirects lead.
func hashOf(redirects []crawler.URL) uint32 {
	sum := fnv.New32a()
	if n := len(redirects); n > 0 {
		sum.Write([]byte(redirects[n-1].String()))
	}
	return sum.Sum32()
}

// noteChange notes in the result what became of the page, if the job is continuous.
func (e *urlTask) noteChange() {
	if e.visitor.job.Recrawl.On() && e.result.Outcome.Final() {
		e.result.Change = e.sighting().Change(e.visitor.settings().Recrawl.WithDefaults().Distance)
	}
}

// rationed reports whether an error says that the budget of a continuous job allows no URL for now.
// If so, it ends the visit.
func (t *taker) rationed(err error) bool {
	var rationed *queue.Rationed
	if !errors.As(err, &rationed) {
		return false
	}
	t.host.notBefore = rationed.Wait
	t.life.end(queue.EndSpent)
	return true
}
