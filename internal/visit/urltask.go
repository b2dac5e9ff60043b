package visit

import (
	"errors"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Bounds of one URL task.
const (
	maxRedirects = 10             // the WHATWG Fetch standard, 4.4, allows 20
	maxSpared    = 20             // failures that were the host's fault, not the URL's
	maxLost      = 3              // visits that broke while they held the URL
	maxPause     = 24 * time.Hour // longest Retry-After that is obeyed
)

// urlTask is one URL in the course of a visit: it checks robots.txt, fetches the URL,
// follows redirects, and parses the page.
type urlTask struct {
	visit     *visit
	visitor   *Visitor // the visit's
	taken     queue.Taken
	result    fetched.Result
	claimed   []queue.Taken      // redirect targets within the host, in flight
	links     []queue.Entry      // to be admitted; empty where depth decides what is admitted
	nodes     []fetched.Outlinks // the links in that case, by the URL that they were found at
	hops      int                // redirects followed
	after     time.Duration
	check     bool // the URL is only checked
	temporary bool // a redirect on the way here was not permanent
	spared    bool // a failure is the host's fault, so it does not use up a try
	unruled   bool // robots.txt was unavailable
	hold      hold // from the first request of the URL until it is done

	cookies int   // how many answers set cookies so far
	knew    []int // for each redirect of the result, cookies at the time of its request

	shown *fetched.Page // the page as a browser shows it; nil if it was not rendered

	unpaid   string // why a page that costs money was not paid for; "" if the job does not pay at all
	withheld int64  // size of a body that is not kept
	waiting  int64  // bytes that the backlog counts
}

// errStopped means that a URL task was left undone because the visit ends. Its URL stays in
// flight and returns to the queue when the visit closes.
var errStopped = errors.New("the visit ends")

func newURLTask(v *visit, t queue.Taken) *urlTask {
	w := v.visitor
	check := w.checks(t.Entry)
	e := &urlTask{visit: v, visitor: w, taken: t, check: check, hold: hold{busy: &v.requests.busy}, result: fetched.Result{
		Job: w.job.Name, Worker: w.cfg.Worker, Entry: t.Entry.Recorded(), Checked: check,
		Purpose: w.job.Purpose,
	}}
	if t.Entry.Chain.Again {
		e.result.Redirects, e.knew = []crawler.URL{t.Entry.URL}, []int{0}
	}
	return e
}

// run carries out the task. The error is errStopped or an internal error. It makes the
// result's reason printable, because the reason may quote the web.
func (e *urlTask) run() error {
	defer func() { e.result.Reason = plain.Printable(e.result.Reason) }()
	if err := e.carryOut(); err != nil {
		return err
	}
	return e.handleError()
}

// carryOut does what run says, except for telling handlers about a failure.
func (e *urlTask) carryOut() error {
	if e.taken.Entry.Lost >= maxLost {
		e.result.Class = crawler.ErrorWorker
		e.end(crawler.OutcomeFailed, fmt.Sprintf("given up: %d workers were lost while they had it",
			e.taken.Entry.Lost))
		return nil
	}
	if reason := e.visit.host.traps.refuses(e.taken.Entry); reason != "" {
		e.skipItself(queue.SkipReason{Rule: queue.RuleTraps, Reason: reason})
		e.end(crawler.OutcomeSkipped, reason)
		return nil
	}
	defer e.hold.release()
	at := e.taken.Entry.URL
	for {
		next, err := e.get(at)
		if err != nil || next.IsZero() {
			return err
		}
		at = next
		e.hops = len(e.result.Redirects)
	}
}

// end sets the outcome of the URL.
func (e *urlTask) end(o crawler.Outcome, reason string) {
	e.result.Outcome, e.result.Reason = o, reason
	e.result.At = time.Now()
}

// get fetches one URL, if robots.txt allows it. It returns the next URL to fetch, or the
// zero URL if the outcome of the task is set.
func (e *urlTask) get(at crawler.URL) (crawler.URL, error) {
	policy, fresh, err := e.visit.requests.policy(at, e.getRobots)
	if err != nil {
		return crawler.URL{}, err
	}
	if fresh || e.visitor.deep { // sitemaps are as deep as the shallowest of the URLs requested
		e.addSitemaps(at, policy.Sitemaps)
	}
	switch {
	case policy.Allowed == nil && policy.Class != "":
		e.result.Class = policy.Class
		e.end(outcomeOf(policy.Class), policy.Unavailable)
		return crawler.URL{}, nil
	case policy.Allowed == nil:
		e.unruled = true
		e.skipItself(queue.SkipReason{Rule: queue.RuleRobots, Reason: policy.Unavailable})
		e.end(crawler.OutcomeDisallowed, policy.Unavailable)
		return crawler.URL{}, nil
	case !policy.Allowed(at):
		e.skipItself(queue.SkipReason{Rule: queue.RuleRobots, Reason: "robots.txt forbids it"})
		e.end(crawler.OutcomeDisallowed, "robots.txt forbids it")
		return crawler.URL{}, nil
	}
	e.leave()
	e.result.Rights = nil
	if policy.Rights != nil {
		e.result.Rights = policy.Rights(at)
	}
	if e.bars() {
		return crawler.URL{}, nil
	}
	wanted := e.visitor.requestFor(at)
	if refused := e.prepare(&wanted); refused != "" {
		e.end(crawler.OutcomeSkipped, refused)
		return crawler.URL{}, nil
	}
	e.condition(&wanted)
	r := request{Request: wanted, rules: policy.Text, hold: &e.hold,
		resends: e.taken.Entry.Tries + e.taken.Entry.Spared}
	if e.result.Page, err = e.ask(r); err != nil {
		return crawler.URL{}, err
	}
	if err := e.pay(r); err != nil {
		return crawler.URL{}, err
	}
	if err := e.doubt(r); err != nil {
		return crawler.URL{}, err
	}
	if e.result.Page.Header.Get("Set-Cookie") != "" {
		e.cookies++
	}
	return e.judge()
}

// requestFor returns the request for a page.
func (w *Visitor) requestFor(u crawler.URL) fetched.Request {
	return fetched.Request{
		URL: u, UserAgent: w.job.UserAgent, From: w.job.Contact, BodyLimit: int64(w.job.BodyLimit),
		Timeout: w.settings().Timeout, TLS: w.job.TLS,
		Markdown: w.job.AcceptMarkdown, Identity: w.download, Record: w.needs.Exchanges, Waits: w.needs.Bodies,
	}
}

// robotsRequest returns the request for a file about a host.
func (w *Visitor) robotsRequest(u crawler.URL) fetched.Request {
	return fetched.Request{
		URL: u, UserAgent: w.job.UserAgent, From: w.job.Contact, BodyLimit: robotsLimit, Timeout: w.job.Timeout,
		TLS: w.job.TLS, Record: w.needs.Exchanges,
	}
}

// judge decides what an answer means.
func (e *urlTask) judge() (crawler.URL, error) {
	p := e.result.Page
	if e.check && p.Status >= 200 && p.Status < 300 && p.BlockPage == "" { // it does not matter how its body ends
		e.end(crawler.OutcomeFetched, "")
		return crawler.URL{}, nil
	}
	switch o := p.Outcome(); o {
	case crawler.OutcomeRedirected:
		return e.redirect()
	case crawler.OutcomeRetry:
		return crawler.URL{}, e.retry()
	case crawler.OutcomeFetched:
		e.end(o, "")
		if err := e.read(); err != nil {
			return crawler.URL{}, err
		}
		if e.reserved() {
			return crawler.URL{}, nil
		}
		return crawler.URL{}, e.handle()
	case crawler.OutcomeNotModified:
		e.unchanged()
		e.reserved()
		return crawler.URL{}, nil
	default:
		reason := failure(p)
		if e.unpaid != "" {
			reason += ", " + e.unpaid
		}
		e.end(o, reason)
		return crawler.URL{}, nil
	}
}

// incomplete reports whether the page lacks a required field.
func (e *urlTask) incomplete() bool {
	return e.result.Document != nil && len(e.result.Document.Missing) > 0
}

// bytes returns the size of the body.
func (e *urlTask) bytes() int64 {
	if e.result.Page == nil || e.result.Page.Body == nil {
		return e.withheld
	}
	return e.result.Page.Body.Size
}

// weight returns about how many bytes the result holds until it is committed, in memory or on disk.
func (e *urlTask) weight() int64 { return e.bytes() + e.result.ItemBytes() + e.result.Rendered.Held() }

// spent returns how many bytes of bodies the URL has cost: those of its page, and those that the
// page has fetched in a browser.
func (e *urlTask) spent() int64 {
	if e.result.Rendered == nil {
		return e.bytes()
	}
	return e.bytes() + e.result.Rendered.Bytes
}

// settlements appends the settlements of all URLs that the URL task held.
func (e *urlTask) settlements(all []queue.Settlement) []queue.Settlement {
	s := queue.Settlement{
		Ticket: e.taken.Ticket, Outcome: e.result.Outcome, Bytes: e.spent(), After: e.after, Incomplete: e.incomplete(),
		Items: len(e.result.Items), Cause: e.result.Cause(),
	}
	if s.Cause != "" {
		s.Failed = failedURL(e.taken.Entry, &e.result)
	}
	if !s.Outcome.Final() {
		s.Retry = e.taken.Entry
		if e.spared {
			s.Retry.Spared++
		} else {
			s.Retry.Tries++
		}
	}
	if e.visitor.job.Recrawl.On() {
		s.Page = e.sighting()
	}
	all = append(all, s)
	for _, t := range e.claimed {
		all = append(all, e.claim(t))
	}
	return all
}

// failedURL returns how a URL that failed for good is remembered.
func failedURL(entry queue.Entry, r *fetched.Result) queue.Failed {
	return queue.Failed{Entry: entry, Outcome: r.Outcome, Reason: r.Reason}
}

// claim settles a redirect target. It shares the URL task's record. If the task will be
// retried, the target is retried as well, as a task of its own.
func (e *urlTask) claim(t queue.Taken) queue.Settlement {
	if e.result.Outcome.Final() {
		return queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFollowed, Claimed: true}
	}
	return queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeRetry, Retry: t.Entry, After: e.after,
		Claimed: true}
}

// reportTo adds the settled URL to the visit's report.
func (e *urlTask) reportTo(r *queue.Report) {
	r.Count(e.result.Outcome, 1)
	if e.result.Outcome == crawler.OutcomeFetched {
		r.Pages++
	}
	if e.incomplete() {
		r.Incomplete++
	}
	r.Bytes += e.spent()
	if p := e.result.Page; p != nil {
		r.Requested++
		r.Answer += p.Duration
	}
	url := e.result.Entry.URL.String()
	if r.First == "" {
		r.First = url
	}
	r.Last = url
	if o := e.result.Outcome; r.Failure == "" && (o == crawler.OutcomeFailed || o == crawler.OutcomeBlocked) {
		r.Failure = url + ": " + e.result.Reason
	}
	if r.Trouble == "" && e.result.Reason != "" && e.result.Outcome != crawler.OutcomeRetry {
		r.Trouble = url + ": " + e.result.Reason
	}
}

// leave drops the current page. If the page was recorded, it goes on the trail.
func (e *urlTask) leave() {
	switch p := e.result.Page; {
	case p == nil:
	case p.Recording != nil:
		e.result.Trail = append(e.result.Trail, p)
	default:
		p.Release()
	}
	e.result.Page = nil
}

// getRobots makes one request for a robots.txt or another file about the host. r says what
// is special about it. If the page is recorded, it goes on the trail, and the returned page
// only borrows its body.
func (e *urlTask) getRobots(u crawler.URL, r request) (*fetched.Page, error) {
	r.Request = e.visitor.robotsRequest(u)
	p, err := e.visit.requests.fetch(r)
	if err != nil || p.Recording == nil {
		return p, err
	}
	e.result.Trail = append(e.result.Trail, p)
	lent := *p
	lent.Recording, lent.Body = nil, p.Body.Lend()
	return &lent, nil
}
