// Package explain finds out what happened to a URL of a crawl, and why: from the frontier, from
// what the crawl has written, and from the settings of its job. It makes no requests.
//
// An [Explanation] begins with [New]. Each source that the caller has adds what it knows, and
// [Explanation.Compare] comes last.
package explain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/signature"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// Explanation is what happened to a URL.
type Explanation struct {
	Given string        `json:"given"`
	URL   crawler.URL   `json:"url"`
	Job   string        `json:"job"`
	State crawler.State `json:"state"`
	Why   string        `json:"why"` // why the job is in this state

	As     Role   `json:"as"`     // what the crawl treats it as; "" if unknown
	Scope  string `json:"scope"`  // why it is out of scope in that role, or as a page; "" if it is in scope
	Else   Role   `json:"else"`   // the role in which it may be in scope, if As is "" and Scope is not
	Trap   string `json:"trap"`   // why it is left alone, if it belongs to a trap
	Robots string `json:"robots"` // what robots.txt says

	Place    queue.Place         `json:"place"`              // where it is in the frontier; "" if that is unknown
	Via      crawler.URL         `json:"via"`                // the page that linked to it; zero for a seed
	Depth    int                 `json:"depth"`              // links from a seed
	Tries    int                 `json:"tries"`              // how often it was tried
	Before   int64               `json:"before"`             // URLs of its host that are fetched before it
	Priority crawler.Priority    `json:"priority,omitempty"` // while it waits or is in flight
	DueMS    int64               `json:"due_ms"`             // until it is tried again
	Host     *crawler.HostStatus `json:"host"`               // nil if the frontier does not know it
	Record   *crawler.Record     `json:"record"`             // its last record; nil for none
	Requests []sink.Request      `json:"requests"`           // requests that were made for it

	// Lost says that the URL is settled but its record is missing from the output.
	Lost bool `json:"lost,omitempty"`
	// Records compares what the job has settled with the output. It is nil if either is
	// unknown.
	Records *account.Comparison `json:"records,omitempty"`

	// OfAnother says that the results belong to an earlier job of the same name, and were
	// not read.
	OfAnother string `json:"of_another,omitempty"`

	// Unread says which places of the output were not searched, and why.
	Unread []string `json:"unread,omitempty"`

	// Damaged describes files and lines of the results that could not be read.
	Damaged []string `json:"damaged,omitempty"`

	// Called is the name of the crawl for trawl job refetch. If it is empty when the frontier
	// is searched, it becomes the name of the job.
	Called string `json:"-"`
	// Own says that the output that is searched belongs to the crawl itself. The caller sets it.
	Own bool `json:"-"`
	// Scattered says that records of the job are in several places. The caller may set it.
	Scattered bool `json:"-"`
	// Results is the output that was searched; "" for none.
	Results string `json:"-"`

	embeds int // how many resources in a row led to it from a page
	recall
}

// New returns an explanation of the URL u, which the user wrote as given. Nothing is known yet.
func New(given string, u crawler.URL) *Explanation { return &Explanation{Given: given, URL: u} }

// FromFrontier explains the URL from the frontier of a job, and returns the status of the job.
// The error wraps [queue.ErrNoJob] if there is no such job.
func (x *Explanation) FromFrontier(ctx context.Context, store *frontier.Store, job string) (crawler.Status, error) {
	status, err := store.Status(ctx, job)
	if err != nil {
		return status, err
	}
	return status, x.fromJob(ctx, store, job, status)
}

func (x *Explanation) fromJob(
	ctx context.Context, store *frontier.Store, job string, status crawler.Status,
) (err error) {
	x.Job, x.State, x.Why, x.Called = job, status.State, status.Reason, cmp.Or(x.Called, job)
	if x.numbers, err = store.Counters(ctx, job); err != nil && !errors.Is(err, queue.ErrGarbage) {
		return err
	}
	places, err := store.Places(ctx, job)
	if err != nil {
		return err
	}
	elsewhere := func(k queue.Kept) bool { return k.Where != places[0].Where }
	x.Scattered = x.Scattered || slices.ContainsFunc(places, elsewhere)
	homes, err := store.Homes(ctx, job)
	if err != nil {
		return err
	}
	found, err := store.Frontier(status.Job).Find(ctx, x.URL)
	if err != nil {
		return err
	}
	x.Place, x.Before, x.DueMS = found.Place, found.Before, found.Due.Milliseconds()
	if e := found.Entry; !e.URL.IsZero() {
		x.Via, x.Depth, x.Tries, x.embeds = e.Referrer, e.Depth, e.Tries+e.Spared, e.Embeds
		x.Priority = e.Band.Priority()
		x.As = roleOf(e.Sitemap, e.Embeds)
	}
	if err := x.FromSettings(status.Job, homes); err != nil {
		return err
	}
	host, err := store.Frontier(status.Job).Host(ctx, x.URL.Host())
	if err != nil && !errors.Is(err, queue.ErrNoHost) {
		return err
	}
	if err == nil {
		x.Host = &host
		for _, m := range host.Traps {
			if m.Pattern == string(signature.PatternOf(x.URL)) {
				x.Trap = queue.TrapReason(m)
			}
		}
	}
	return x.ofRobots(ctx, store, status.Job.PolitenessSettings)
}

// ofRobots explains what robots.txt says, as far as the fleet remembers it. It requests
// nothing.
func (x *Explanation) ofRobots(ctx context.Context, store *frontier.Store, polite crawler.PolitenessSettings) error {
	if polite.IgnoreRobots {
		x.Robots = "the job ignores it"
		return nil
	}
	known, err := robots.New(store.RobotsCache(), robots.Config{}).Recall(ctx, polite.ProductToken(), x.URL)
	if err != nil {
		return err
	}
	switch at := known.At.UTC().Format(time.RFC3339); {
	case known.At.IsZero():
		x.Robots = "unknown: it was not requested in the last day"
	case known.Rules == nil:
		x.Robots = fmt.Sprintf("forbids everything: %s (at %s)", known.Unavailable, at)
	default:
		verdict, line := "allows it", known.Rules.Line(x.URL)
		if !known.Rules.Allowed(x.URL) {
			verdict = "forbids it"
		}
		if line != "" {
			verdict += fmt.Sprintf(", by the line %q", line)
		}
		x.Robots = fmt.Sprintf("%s (fetched at %s)", verdict, at)
	}
	return nil
}
