// What happens to a URL whose fetch failed: it is retried later, or given up.

package visit

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/blockpage"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// failure describes what was wrong with a page; "" if nothing was.
func failure(p *fetched.Page) string {
	switch {
	case p.Fault != nil:
		return p.Fault.Text
	case p.BlockPage != "":
		return fmt.Sprintf("the server answered %d with a block page: %s", p.Status, blockpage.About(p.BlockPage))
	case p.Status >= 300 && p.Status != http.StatusNotModified:
		text := "the server answered " + strconv.Itoa(p.Status) + " " + http.StatusText(p.Status)
		if p.Hint != "" {
			text += ": " + p.Hint
		}
		if price := p.Price(); price != "" {
			text += ": it asks for " + urltext.Clip(price)
		}
		return text
	}
	return ""
}

// retry schedules the URL to be tried again, or gives it up. The error is the one of
// salvage.
func (e *urlTask) retry() error {
	p, entry := e.result.Page, e.taken.Entry
	asked := retryAfter(p)
	turned := asked > 0 || p.Unreachable()
	e.spared = turned && entry.Spared < maxSpared ||
		(turned || p.Refused()) && e.visit.host.health.refuses(entry.Tries+entry.Spared+1)
	switch {
	case e.spared: // the pause is the host's, not the URL's
	case p.BlockPage != "" && (!p.Waits() || entry.Tries >= e.visitor.settings().Retries):
		e.end(crawler.OutcomeBlocked, failure(p)+tried(entry)) // the host answers other URLs
		return nil
	case entry.Tries >= e.visitor.settings().Retries:
		reason := failure(p) + tried(entry)
		if p.Partial() {
			return e.salvage(reason)
		}
		e.end(crawler.OutcomeFailed, reason)
		return nil
	default:
		pause := backoff(e.visitor.settings().RetryPause, entry.Tries, e.visitor.cfg.Jitter)
		e.after = min(max(asked, pause), maxPause)
	}
	e.end(crawler.OutcomeRetry, failure(p))
	return nil
}

// salvage accepts a page whose end never arrives, and parses the part that did. reason says
// why the rest is missing.
func (e *urlTask) salvage(reason string) error {
	e.end(crawler.OutcomeFetched, "")
	err := e.read()
	if e.result.Reason != "" { // problems found while parsing
		reason = e.result.Reason + ": " + reason
	}
	e.result.Reason = reason
	return err
}

// backoff returns the pause after the given number of tries: first, doubled with each try,
// at most maxPause, plus up to a quarter so that simultaneous failures are not retried
// simultaneously. jitter decides how much is added.
func backoff(first time.Duration, tries int, jitter Jitter) time.Duration {
	pause := min(first, maxPause)
	for i := 0; i < tries && pause < maxPause; i++ {
		pause *= 2
	}
	return pause + jitter.within(pause/4)
}

// Jitter returns a duration from 0 to most. most is never negative. Jitter is called by
// several goroutines at once. A nil Jitter is random.
type Jitter func(most time.Duration) time.Duration

func (j Jitter) within(most time.Duration) time.Duration {
	if j == nil {
		return rand.N(most + 1)
	}
	return j(most)
}

// retryAfter returns how long a host asks to be left alone (RFC 9110, 10.2.3), in seconds
// or as a date. Only 429 and 503 count.
func retryAfter(p *fetched.Page) time.Duration {
	if !p.Waits() {
		return 0
	}
	value := p.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, time.Until(date)), maxPause)
	}
	return 0
}

// tried says how often the URL was requested, as the end of a reason.
func tried(e queue.Entry) string {
	if n := e.Tries + e.Spared + 1; n > 1 {
		return fmt.Sprintf(" (tried %d times)", n)
	}
	return " (tried once)"
}
