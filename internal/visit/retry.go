// What happens to a URL whose fetch failed: it is paid for, retried later, or given up.

package visit

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/blockpage"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/price"
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

// pay asks for a page again that costs money, and offers the price that the server named, if the
// job may pay that much for a page and has not spent too much. Otherwise unpaid says why not. The
// money is reserved before, so that the job never spends more than it may: if the answer is lost,
// it counts as spent.
func (e *urlTask) pay(r request) error {
	job, p := e.visitor.settings(), e.result.Page
	if p.Status != http.StatusPaymentRequired || p.Price() == "" || job.MaxPrice == "" || e.check {
		return nil
	}
	cost, err := price.Parse(p.Price())
	if err != nil {
		return nil // the record has what the server says
	}
	most, spendable := prices(job)
	if !cost.Within(most) {
		e.unpaid = "more than max_price, which is " + urltext.Clip(job.MaxPrice)
		return nil
	}
	reserved, err := e.spend(cost.Micros, spendable.Micros)
	if err != nil {
		return err
	}
	if !reserved {
		e.unpaid = "the job would spend more than max_spend, which is " + urltext.Clip(job.MaxSpend)
		return nil
	}
	e.leave()
	r.Header = maps.Clone(r.Header)
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header[identity.HeaderOffer] = []string{cost.String()}
	if e.result.Page, err = e.ask(r); err != nil {
		return err
	}
	if over := cost.Micros - e.charged(cost); over != 0 {
		_, err = e.spend(-over, spendable.Micros)
	}
	return err
}

// charged returns what the page has cost, in millionths: what the server says, in the currency of
// the offer, or else the offer; nothing if an error was the answer.
func (e *urlTask) charged(offer price.Price) int64 {
	p := e.result.Page
	if p.Fault == nil && (p.Status < 200 || p.Status >= 300) {
		return 0
	}
	if paid, err := price.Parse(p.Charged()); err == nil && paid.Currency == offer.Currency {
		return paid.Micros
	}
	return offer.Micros
}

// spend reserves money, or gives some back, in millionths.
func (e *urlTask) spend(amount, most int64) (reserved bool, err error) {
	err = e.visit.lease.retry(func() (err error) {
		reserved, err = e.visitor.frontier.Spend(e.visit.life.doing, amount, most)
		return err
	})
	return reserved, err
}

// prices returns what the job may pay for a page, and in all. Its settings are valid.
func prices(job *crawler.Job) (most, spendable price.Price) {
	most, _ = price.Parse(job.MaxPrice)
	spendable, _ = price.Parse(job.MaxSpend)
	return most, spendable
}
