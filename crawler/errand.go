package crawler

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Bounds of one URL's way.
const (
	mostHops   = 10             // redirects, as in Fetch, 4.4 of the WHATWG with half its bound
	mostSpared = 20             // failures that were the host's, not the URL's
	mostLost   = 3              // visits that broke while they held the URL
	mostPause  = 24 * time.Hour // of a Retry-After that is obeyed
)

// errand is one URL on its way through a visit: may we, get it, follow where
// it leads, read it.
type errand struct {
	visit   *visit
	taken   Taken
	result  Result
	claimed []Taken    // where redirects led within the host
	links   []Entry    // to be admitted; none in a job in which depth decides what is
	nodes   []Outlinks // what is admitted instead, by the URL that leads there
	hops    int        // redirects that were followed
	after   time.Duration
	spared  bool // a failure is the host's: it uses no try up
	midway  bool // it follows redirects: to leave it undone would ask for the first URL again

	withheld int64 // bytes of a body that is not kept
}

// errStopped says that an errand was left undone because the visit ends; its
// URL stays in flight and goes back to the queue when the visit closes.
var errStopped = errors.New("the visit ends")

func newErrand(v *visit, t Taken) *errand {
	return &errand{visit: v, taken: t, result: Result{
		Job: v.job.Name, Worker: v.cfg.Worker, Entry: t.Entry,
	}}
}

// run goes the whole way. The error is errStopped or trouble of our own. Whatever
// the reason quotes of the web, it is a line that can be shown.
func (e *errand) run() error {
	defer func() { e.result.Reason = Printable(e.result.Reason) }()
	if e.taken.Entry.Lost >= mostLost {
		e.end(OutcomeFailed, fmt.Sprintf("given up: %d workers were lost while they had it", e.taken.Entry.Lost))
		return nil
	}
	if reason := e.visit.traps.refuses(e.taken.Entry); reason != "" {
		e.end(OutcomeSkipped, reason)
		return nil
	}
	at := e.taken.Entry.URL
	for {
		next, err := e.get(at)
		if err != nil || next.IsZero() {
			return err
		}
		if at = next; !e.midway {
			e.midway = true
			e.visit.asking.Add(1)
			defer e.visit.asking.Add(-1)
		}
		e.hops = len(e.result.Redirects)
	}
}

// end decides the URL's fate.
func (e *errand) end(o Outcome, reason string) {
	e.result.Outcome, e.result.Reason = o, reason
	e.result.At = time.Now()
}

// get asks for one URL, if robots.txt allows. It returns where to go on, or
// the zero URL when the errand's fate is decided.
func (e *errand) get(at URL) (URL, error) {
	ruling, fresh, err := e.visit.ruling(at, e.getRobots)
	if err != nil {
		return URL{}, err
	}
	if fresh || e.visit.deep { // which are as deep as the nearest of the URLs that are asked for
		e.addSitemaps(at, ruling.Sitemaps)
	}
	switch {
	case ruling.Allowed == nil:
		e.end(OutcomeDisallowed, ruling.Unavailable)
		return URL{}, nil
	case !ruling.Allowed(at):
		e.end(OutcomeDisallowed, "robots.txt forbids it")
		return URL{}, nil
	}
	e.result.Signals = ruling.Signals
	e.leave()
	e.result.Page, err = e.visit.fetch(request{rules: ruling.Text, Request: Request{
		URL: at, UserAgent: e.visit.job.UserAgent, From: e.visit.job.Contact, BodyLimit: int64(e.visit.job.BodyLimit),
		Timeout: time.Duration(e.visit.settings().Timeout), Identity: e.visit.identity, Record: e.visit.record, Waits: e.visit.bodies,
	}})
	if err != nil {
		return URL{}, err
	}
	return e.judge()
}

// judge decides what the answer means.
func (e *errand) judge() (URL, error) {
	p := e.result.Page
	switch o := p.Outcome(); o {
	case OutcomeRedirected:
		return e.redirect()
	case OutcomeRetry:
		return URL{}, e.retry()
	case OutcomeFetched:
		e.end(o, "")
		if err := e.read(); err != nil {
			return URL{}, err
		}
		return URL{}, e.handle()
	default:
		e.end(o, failure(p))
		return URL{}, nil
	}
}

// failure words what was wrong with a page.
func failure(p *Page) string {
	switch {
	case p.Fault != nil:
		return p.Fault.Text
	case p.Status >= 300 && p.Status != http.StatusNotModified:
		return "the server answered " + strconv.Itoa(p.Status) + " " + http.StatusText(p.Status)
	}
	return ""
}

// retry puts the URL back for later, or gives it up. The error is that of
// salvage.
func (e *errand) retry() error {
	p, entry := e.result.Page, e.taken.Entry
	asked := retryAfter(p)
	e.spared = (asked > 0 || p.Unreachable()) && entry.Spared < mostSpared
	switch {
	case e.spared: // the host as a whole is left alone
	case entry.Tries >= e.visit.settings().Retries:
		reason := fmt.Sprintf("%s (tried %d times)", failure(p), entry.Tries+entry.Spared+1)
		if p.Partial() {
			return e.salvage(reason)
		}
		e.end(OutcomeFailed, reason)
		return nil
	default:
		e.after = min(max(asked, backoff(time.Duration(e.visit.settings().RetryPause), entry.Tries, e.visit.cfg.Jitter)), mostPause)
	}
	e.end(OutcomeRetry, failure(p))
	return nil
}

// salvage takes a page whose end never comes for what came of it: it is read as
// far as it goes. reason is why there is no more.
func (e *errand) salvage(reason string) error {
	e.end(OutcomeFetched, "")
	err := e.read()
	if e.result.Reason != "" { // what reading it brought up
		reason = e.result.Reason + ": " + reason
	}
	e.result.Reason = reason
	return err
}

// backoff is the pause after so many tries: the first one, doubled with each,
// and up to a quarter more, so that what failed together does not come back
// together. jitter says how much more.
func backoff(first time.Duration, tries int, jitter Jitter) time.Duration {
	pause := min(first, mostPause)
	for i := 0; i < tries && pause < mostPause; i++ {
		pause *= 2
	}
	return pause + jitter.within(pause/4)
}

// Jitter returns a duration from 0 to most, which is not negative. It is called by
// several goroutines at once. Nil stands for a random one.
type Jitter func(most time.Duration) time.Duration

func (j Jitter) within(most time.Duration) time.Duration {
	if j == nil {
		return rand.N(most + 1)
	}
	return j(most)
}

// retryAfter reads how long a host wants to be left alone (RFC 9110, 10.2.3):
// seconds or a date, with 429 and 503.
func retryAfter(p *Page) time.Duration {
	if p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable {
		return 0
	}
	value := p.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(mostPause/time.Second))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(0, time.Until(date)), mostPause)
	}
	return 0
}

// redirect goes where the page points: within the host at once, to another host
// by way of its queue.
func (e *errand) redirect() (URL, error) {
	from, to := e.result.Page.URL, e.result.Page.Location
	entry := e.taken.Entry
	if to.IsZero() {
		e.end(OutcomeFailed, fmt.Sprintf("redirects to %q, which is no URL to crawl", clip(e.result.Page.Header.Get("Location"))))
		return URL{}, nil
	}
	been := to == from || to == entry.URL || contains(e.result.Redirects, to)
	if been && !e.welcomed() {
		e.end(OutcomeFailed, "redirects in a loop, to "+to.String())
		return URL{}, nil
	}
	e.result.Redirects = append(e.result.Redirects, to)
	if entry.Hops+len(e.result.Redirects) > mostHops {
		e.end(OutcomeFailed, fmt.Sprintf("more than %d redirects", mostHops))
		return URL{}, nil
	}
	if refused := e.refuses(to); refused != "" {
		e.end(OutcomeRedirected, refused)
		return URL{}, nil
	}
	if been { // it is in flight, or has its answer
		return to, nil
	}
	target := Entry{
		URL: to, Via: entry.URL, Depth: entry.Depth, Band: entry.Band,
		Hops: entry.Hops + len(e.result.Redirects), Sitemap: entry.Sitemap, Embeds: entry.Embeds,
	}
	if to.Host() != from.Host() {
		e.add(target, 0, -1)
		e.end(OutcomeRedirected, "")
		return URL{}, nil
	}
	var ticket string
	var fresh bool
	err := e.visit.insist(func() (err error) {
		ticket, fresh, err = e.visit.turn.Claim(e.visit.doing, target)
		return err
	})
	if err != nil {
		return URL{}, err
	}
	if e.visit.deep { // the URL that leads there may come nearer
		e.add(target, 0, -1)
	}
	if !fresh { // it has, or had, its own turn
		e.end(OutcomeRedirected, "")
		return URL{}, nil
	}
	e.claimed = append(e.claimed, Taken{ticket, target})
	return to, nil
}

// welcomed reports whether the page gave a cookie with which the same URL may say
// something else: so sites try out whether cookies come back.
func (e *errand) welcomed() bool {
	return e.visit.jar != nil && e.result.Page.Header.Get("Set-Cookie") != ""
}

// refuses says why a redirect may not be followed; "" when it may. A job that
// follows no links follows redirects all the same.
func (e *errand) refuses(to URL) string {
	switch entry := e.taken.Entry; {
	case entry.Sitemap > 0:
		return e.visit.scope.RefusesSitemap(to)
	case entry.Embeds > 0:
		return e.visit.scope.RefusesResource(to, entry.Embeds)
	}
	return e.visit.scope.Refuses(to, e.taken.Entry.Depth)
}

func contains(urls []URL, u URL) bool {
	for _, x := range urls {
		if x == u {
			return true
		}
	}
	return false
}

// read parses the page and gathers its links.
func (e *errand) read() error {
	doc, trouble, err := e.visit.parse(e.result.Page, e.taken.Entry.Sitemap > 0)
	if err != nil {
		return err
	}
	e.result.Document, e.result.Reason = doc, trouble
	if e.visit.job.Traps && (doc == nil || !doc.Sitemap) {
		e.visit.traps.learn(e.taken.Entry, e.result.Page, doc)
	}
	switch {
	case doc.unread() && trouble == "" && e.taken.Entry.Sitemap > 0 && e.visit.sitemaps != nil:
		e.result.Reason = "it was named as a sitemap and is none"
		return nil
	case doc == nil:
		return nil
	case doc.Sitemap && e.visit.job.Follow && !doc.NoFollow:
		e.result.Reason = doc.Fault
		e.addListed(doc)
		return nil
	}
	e.result.Reason = doc.Trouble
	if !doc.NoFollow && e.visit.job.Follow && e.leads() {
		e.follow(doc.Links)
	}
	if doc.NoIndex && e.visit.job.Follow && !e.visit.job.KeepNoindex {
		e.withhold()
		return nil
	}
	if missing := doc.missing(); missing != "" && doc.Trouble == "" {
		e.result.Reason = missing
	}
	e.embed(doc.Resources)
	e.deduplicate(doc.Canonical)
	return nil
}

// withhold keeps the content of a page that asks for it out of the results.
func (e *errand) withhold() {
	doc := *e.result.Document
	doc.Title, doc.Simhash, doc.Fields, doc.Missing = "", "", nil, nil
	doc.Text, doc.Markdown, doc.Article = "", "", nil
	doc.References = slices.Clone(doc.References)
	for i := range doc.References {
		doc.References[i].Text = ""
	}
	e.result.Document = &doc
	e.withheld = e.bytes()
	e.result.Page.Release()
}

// unburden gives back what nobody is to read any more: a sink that wants no bodies
// keeps what was made of them.
func (e *errand) unburden() {
	if p := e.result.Page; p != nil && p.Body != nil && !e.visit.bodies {
		p.Body.Release()
	}
}

// deduplicate obeys the canonical form that the page names. It is no link to
// another page, and as deep as this one.
func (e *errand) deduplicate(canonical URL) {
	at, entry := e.result.Page.URL, e.taken.Entry
	if !e.visit.job.Canonical || canonical.IsZero() || canonical == at || canonical == entry.URL ||
		e.visit.scope.Refuses(canonical, e.asked(0)) != "" {
		return
	}
	e.result.DuplicateOf = canonical
	if e.visit.job.Follow {
		e.add(Entry{URL: canonical, Via: at, Band: BandNormal}, 0, e.visit.job.Depth)
	}
}

// leads reports whether the links of the page are the job's. Those of a resource
// are only where it would be a page of the job as well.
func (e *errand) leads() bool {
	entry := e.taken.Entry
	return entry.Embeds == 0 || e.visit.scope.Refuses(e.result.Page.URL, e.asked(0)) == ""
}

// follow gathers the links that belong to the job.
func (e *errand) follow(links []Link) {
	depth := e.taken.Entry.Depth + 1
	rules, set := e.visit.rules, e.visit.rules.On(e.result.Page.URL)
	e.expect(len(links)) // of most pages, most belong to it
	for _, l := range links {
		most := e.visit.job.Depth
		if len(rules) > 0 {
			reach, followed := rules.Reach(set, l)
			if most = nearer(most, reach); !followed {
				continue
			}
		}
		link := Entry{URL: l.URL, Via: e.result.Page.URL, Depth: depth, Band: BandNormal}
		if !l.NoFollow && e.visit.scope.Refuses(l.URL, e.asked(1)) == "" && (l.URL.Host() != e.visit.order.Host || e.visit.traps.refuses(link) == "") {
			e.add(link, 1, most)
		}
	}
}

// embed gathers the resources that belong to the job. They go first, so that
// they are those of the page as it was.
func (e *errand) embed(resources []URL) {
	embeds := e.taken.Entry.Embeds + 1
	for _, u := range resources {
		if e.visit.scope.RefusesResource(u, embeds) == "" {
			e.add(Entry{URL: u, Via: e.result.Page.URL, Band: BandFirst, Embeds: embeds}, 1, -1)
		}
	}
}

// incomplete reports whether the page lacks a required field.
func (e *errand) incomplete() bool {
	return e.result.Document != nil && len(e.result.Document.Missing) > 0
}

// bytes is the size of the body.
func (e *errand) bytes() int64 {
	if e.result.Page == nil || e.result.Page.Body == nil {
		return e.withheld
	}
	return e.result.Page.Body.Size
}

// settlements are the fates of all URLs that the errand held.
func (e *errand) settlements(all []Settlement) []Settlement {
	s := Settlement{Ticket: e.taken.Ticket, Outcome: e.result.Outcome, Bytes: e.bytes(), After: e.after, Incomplete: e.incomplete()}
	if !s.Outcome.Final() {
		s.Retry = e.taken.Entry
		if e.spared {
			s.Retry.Spared++
		} else {
			s.Retry.Tries++
		}
	}
	all = append(all, s)
	for _, t := range e.claimed {
		all = append(all, e.claim(t))
	}
	return all
}

// claim settles a URL that a redirect led to. It shares the errand's record,
// unless that is to be tried again: then it goes back as well, and is fetched in
// its own name.
func (e *errand) claim(t Taken) Settlement {
	if e.result.Outcome.Final() {
		return Settlement{Ticket: t.Ticket, Outcome: OutcomeFollowed, Claimed: true}
	}
	return Settlement{Ticket: t.Ticket, Outcome: OutcomeRetry, Retry: t.Entry, After: e.after, Claimed: true}
}
