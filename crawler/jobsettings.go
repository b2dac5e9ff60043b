package crawler

import (
	"slices"
	"strings"
	"time"
)

// ScopeSettings say which URLs a job fetches: which links it follows, in which order and how far, and
// which URLs are the same page.
type ScopeSettings struct {
	// Follow says whether links of pages are admitted. Default true; trawl fetch sets it to
	// false.
	Follow bool `json:"follow" yaml:"follow"`
	// FollowRules say which links of which pages are followed. Default none: all links in
	// scope. At most 64.
	FollowRules []FollowRule `json:"follow_rules,omitempty" yaml:"follow_rules"`
	// Sitemaps says whether sitemaps are read for pages to admit: those that the robots.txt
	// files of the job's hosts name, those that the crawl comes across, and those that
	// their indexes list. Default false.
	Sitemaps bool `json:"sitemaps" yaml:"sitemaps"`
	// LLMsText requests /llms.txt of each of the job's hosts, and admits the pages in scope
	// that it links to, as those of a sitemap. Default false.
	LLMsText bool `json:"llms_txt" yaml:"llms_txt"`
	// Scope says which links are in scope: "host", those to the hosts of the seeds
	// (default); "domain", those to their registrable domains; "any".
	Scope ScopeKind `json:"scope" yaml:"scope"`
	// SeedRedirects says what to do with a seed that redirects to a host outside the scope:
	// "follow" (default) adds that host to the seeds' hosts; "stay" does not.
	SeedRedirects SeedRedirects `json:"seed_redirects" yaml:"seed_redirects"`
	// Include lists regular expressions (RE2). A link must match one of them anywhere in
	// its URL. Default none: every link.
	Include []string `json:"include,omitempty" yaml:"include"`
	// Exclude lists regular expressions. A link must match none of them.
	Exclude []string `json:"exclude,omitempty" yaml:"exclude"`
	// Priorities give URLs a [Priority]: that of the first rule that the URL matches. A
	// priority given with a seed takes precedence. Default none: the usual priorities. At
	// most 64.
	Priorities []PriorityRule `json:"priorities,omitempty" yaml:"priorities"`
	// Depth is the largest distance of a page from a seed, in links: 0 is only the seeds,
	// -1 (default) has no limit. The shortest path counts, whichever was found first.
	Depth int `json:"depth" yaml:"depth"`
	// Check says what to do with links, and with resources that the job asks for, that lead out
	// of scope: "none" (default) skips them; "links" checks them. A URL that is checked is
	// requested once, by HEAD or, if that fails, by a GET whose body is not read to its end.
	// Pages in scope that are one link deeper than Depth are fetched as well, but their links
	// lead nowhere. Exclude, robots.txt and politeness apply as to every URL. "" is "none".
	Check CheckKind `json:"check,omitempty" yaml:"check"`
	// Same lists rules by which URLs are treated as the same page: order, tracking,
	// session, slash, index, www, scheme. It cannot change after the job was created.
	// Default none: URLs are compared as the standard says.
	Same []string `json:"same,omitempty" yaml:"same"`
	// Canonical admits the canonical form that a page names, if it is in scope, and records
	// the page as a duplicate of it. Default false.
	Canonical bool `json:"canonical" yaml:"canonical"`
	// Traps skips URLs that look like a trap: endless new URLs of one pattern that return
	// nothing new. Default true.
	Traps bool `json:"traps" yaml:"traps"`
	// MaxURLLength is the longest URL of a link, in bytes. Default 2,048, as in the
	// sitemaps protocol; 0: no limit.
	MaxURLLength int `json:"max_url_length" yaml:"max_url_length"`
	// MaxRepeats is how often a segment may occur in the path of a link. Default 3; 0: no
	// limit.
	MaxRepeats int `json:"max_repeats" yaml:"max_repeats"`
	// MaxParams is the largest number of parameters in the query of a link. Default 32; 0:
	// no limit.
	MaxParams int `json:"max_params" yaml:"max_params"`
	// Resources also admits what pages embed: images, style sheets, scripts, fonts, media.
	// Resources belong to their page: Scope, Include and Depth do not apply to them, but
	// Exclude does. Default false.
	Resources bool `json:"resources" yaml:"resources"`
	// ResourceScope says which hosts resources may be on, as Scope does for links. Default
	// "any", because a browser loads them from any host.
	ResourceScope ScopeKind `json:"resource_scope" yaml:"resource_scope"`
}

// Bounded reports whether the scope depends on the hosts of the seeds.
func (s ScopeSettings) Bounded() bool {
	return s.Scope != ScopeAny || s.Resources && s.ResourceScope != ScopeAny
}

// Checks reports whether the job checks what leads out of scope.
func (s ScopeSettings) Checks() bool { return s.Check == CheckLinks }

// Reach is the largest depth, in links from a seed, that the job requests; -1 for no limit.
// It is Depth, or one more in a job that checks links, because the links of the deepest pages
// are checked.
func (s ScopeSettings) Reach() int {
	if s.Depth >= 0 && s.Checks() {
		return s.Depth + 1
	}
	return s.Depth
}

// DepthLimit is the largest depth, in links from a seed, up to which depth decides whether
// a link is followed; -1 if depth never decides. Beyond it, a link is followed at any depth
// or not at all.
func (s ScopeSettings) DepthLimit() int {
	limit := -1
	for _, r := range s.FollowRules {
		limit = max(limit, r.Depth)
	}
	if s.Depth >= 0 {
		limit = s.Reach()
	}
	if limit == 0 { // everything admitted is as deep as a seed, or no rule has a limit
		return -1
	}
	return limit
}

// BudgetSettings say when a job ends, and how much it fetches of one site.
type BudgetSettings struct {
	// Pages ends the job after this many pages were fetched. 0: no limit.
	Pages int64 `json:"pages" yaml:"pages"`
	// Bytes ends the job after bodies of this many bytes were fetched. 0: no limit.
	Bytes Size `json:"bytes" yaml:"bytes"`
	// Items ends the job after its handlers have emitted this many items. Pages under way are
	// finished, so that there may be more. 0: no limit.
	Items int64 `json:"items,omitempty" yaml:"items"`
	// Time ends the job this long after its start. 0: no limit.
	Time time.Duration `json:"time" yaml:"time"`
	// PagesPerHost is the largest number of pages fetched from each host. 0: no limit.
	PagesPerHost int64 `json:"pages_per_host" yaml:"pages_per_host"`
	// PagesPerDomain is the largest number of pages fetched from all hosts of a registrable
	// domain, according to the Public Suffix List. It bounds domains in which every name
	// has an address, so that links can make up any number of hosts. Default 0: no limit.
	PagesPerDomain int64 `json:"pages_per_domain" yaml:"pages_per_domain"`
	// MaxPrice is the most that the job pays for a page whose server answers 402 and names a
	// price, such as "USD 0.01". The page is then asked for again, with an offer of that
	// price. It requires MaxSpend. Default "": nothing is ever offered.
	MaxPrice string `json:"max_price,omitempty" yaml:"max_price"`
	// MaxSpend is the most that the job pays in all, in the same currency, such as "USD 5".
	// Further pages that cost money end as payment_required. Default "".
	MaxSpend string `json:"max_spend,omitempty" yaml:"max_spend"`
}

// PolitenessSettings say how a job treats the hosts that it visits, and how it identifies itself to them.
type PolitenessSettings struct {
	// Delay is the shortest time between the starts of two requests to a host. Default 1s.
	Delay time.Duration `json:"delay" yaml:"delay"`
	// AddressDelay is the shortest time between the starts of two requests to an IP
	// address, for any of its hosts. So a server with a thousand hosts does not get a
	// thousand times as many requests. It requires shards to be 1. Default "auto" (-1), which
	// [Job.AddressGap] explains; 0: none.
	AddressDelay time.Duration `json:"address_delay" yaml:"address_delay" duration:"auto"`
	// AddressExempt lists networks that AddressDelay does not apply to, such as
	// 192.0.2.0/24. Default none.
	AddressExempt []string `json:"address_exempt,omitempty" yaml:"address_exempt"`
	// Politeness says which jobs share a host: "fleet" (default), all jobs of the fleet:
	// one visit at a time, with the longest delay that any of them owes the host; "job",
	// only this job, for sites of your own.
	Politeness Politeness `json:"politeness" yaml:"politeness"`
	// Throttle makes the time between two requests to a host at least this many times its
	// response time, divided by PerHost, up to 30s, so that a slow host gets fewer
	// requests. Default 2; 0 keeps only Delay. Without a Delay it has no effect.
	Throttle float64 `json:"throttle" yaml:"throttle"`
	// PerHost is the largest number of connections to a host at once. Default 1, at most
	// 256.
	PerHost int `json:"per_host" yaml:"per_host"`
	// UserAgent is sent with every request. Its first product token is the name that
	// robots.txt is matched against. Default that of [DefaultJob], which names Trawl and says
	// where to read about it.
	UserAgent string `json:"user_agent" yaml:"user_agent"`
	// Contact is how to reach the operator of the crawl, such as an e-mail address. It is
	// sent as From (RFC 9110, 10.1.2). Default none.
	Contact string `json:"contact,omitempty" yaml:"contact"`
	// IgnoreRobots fetches even what robots.txt forbids. Use it only for sites of your own.
	IgnoreRobots bool `json:"ignore_robots" yaml:"ignore_robots"`
	// CrawlDelayCap is the longest Crawl-delay that a robots.txt can ask for. Default 1m.
	CrawlDelayCap time.Duration `json:"crawl_delay_cap" yaml:"crawl_delay_cap"`
}

// ProductToken returns the name of the job's user agent in robots.txt files: the letters,
// hyphens and underscores at the start of User-Agent (RFC 9309, 2.2.1).
func (s PolitenessSettings) ProductToken() string {
	end := strings.IndexFunc(s.UserAgent, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
	})
	if end < 0 {
		return s.UserAgent
	}
	return s.UserAgent[:end]
}

// RequestSettings say how one request is made, and how much of the answer is read.
type RequestSettings struct {
	// TLS says which https servers are accepted: "modern" (default), TLS 1.2 and 1.3 with
	// ciphers that are considered secure; "legacy", also old ciphers of TLS 1.2, with RSA
	// key exchange and with CBC.
	TLS TLSKind `json:"tls" yaml:"tls"`
	// Cookies sends cookies back to the hosts that set them. Each worker has its own cookie
	// jar for the job, only in memory, so a host may see as many visitors as there are
	// workers. Default false.
	Cookies bool `json:"cookies" yaml:"cookies"`
	// AcceptMarkdown asks servers for Markdown rather than HTML. Where they send it, it is the
	// page's main content as it is, and its links are followed. It is for jobs that keep
	// nothing but that: it requires Markdown or the format markdown, and excludes what is made
	// of HTML. Default false.
	AcceptMarkdown bool `json:"accept_markdown" yaml:"accept_markdown"`
	// Conditional says which requests are conditional, so that servers do not send what has not
	// changed since an earlier fetch: "auto" (default), "always" or "never". "" is "auto".
	Conditional Conditional `json:"conditional,omitempty" yaml:"conditional"`
	// BodyLimit is the largest number of bytes of a body that are kept, after decoding.
	// Default 32MiB.
	BodyLimit Size `json:"body_limit" yaml:"body_limit"`
	// Timeout is the longest time for one request, from its start to the last byte. Default
	// 1m.
	Timeout time.Duration `json:"timeout" yaml:"timeout"`
	// MinRate is the lowest transfer rate of a body, in bytes per second over 20s. A slower
	// body is cut off, and what has arrived is kept. Default 100; 0: no limit.
	MinRate Size `json:"min_rate" yaml:"min_rate"`
	// Render says which pages a browser renders: "never" (default), "auto" (those that need it)
	// or "always". A page is fetched by HTTP first. "" is "never".
	Render RenderMode `json:"render,omitempty" yaml:"render"`
	// RenderRequests says how requests of a rendered page to its own host are paced: "each"
	// (default) or "page". "" is "each".
	RenderRequests RenderPace `json:"render_requests,omitempty" yaml:"render_requests"`
	// RenderScope says which hosts a rendered page may request from: "host", its own; "domain"
	// (default), those of its registrable domain; "any". "" is "domain".
	RenderScope ScopeKind `json:"render_scope,omitempty" yaml:"render_scope"`
	// RenderTime is the longest time of one page in the browser. Default 30s.
	RenderTime time.Duration `json:"render_time,omitempty" yaml:"render_time"`
	// Rendering says what is done with a page in the browser, and what is kept of it.
	Rendering Rendering `json:"rendering,omitzero" yaml:"rendering"`
}

// VisitTerm is the longest time of one visit of the job: two minutes and two requests,
// because a visit takes no URLs after half a minute and each request has its own timeout. In a
// job that renders, a page may also wait for a place in a browser, and be rendered again.
func (s RequestSettings) VisitTerm() time.Duration {
	term := 2*time.Minute + 2*s.Timeout
	if s.Renders() {
		term += 6 * s.RenderTime
	}
	return term
}

// RetrySettings say how often a job tries again what failed, and when it gives up.
type RetrySettings struct {
	// RobotsTries is how often to try to fetch a robots.txt before giving up the URLs that
	// depend on it. They end as failed if the host cannot be reached, and as disallowed if
	// it responds (RFC 9309, 2.3.1.4). Default 5, with growing pauses.
	RobotsTries int `json:"robots_tries" yaml:"robots_tries"`
	// HostTries is how often in a row a host may refuse a request (429, 503, block page) or be
	// unreachable (name, connection, TLS) before it is given up and its URLs end as failed.
	// Default 8: after four minutes of pauses that double.
	HostTries int `json:"host_tries" yaml:"host_tries"`
	// Retries is how often a URL is retried after a failure that may pass. Default 3.
	// Refusals and unreachable hosts count for HostTries instead, unless the host answers
	// other URLs in the meantime.
	Retries int `json:"retries" yaml:"retries"`
	// RetryPause is the pause before the first retry; it doubles with each retry. Default
	// 2s.
	RetryPause time.Duration `json:"retry_pause" yaml:"retry_pause"`
}

// OutputSettings say what a job writes, and when a page counts as written.
type OutputSettings struct {
	// Format names the sinks: jsonl, jsonl.gz, jsonl.zst, files, warc, parquet, links,
	// markdown, items, mirror, wacz. Default jsonl.
	Format []string `json:"format" yaml:"format"`
	// Durable says when a page that goes to a bucket is settled for good. "shipped"
	// (default): when its record has arrived there. Until then Redis remembers the URL,
	// which is fetched again if its worker does not come back. "disk": when it is on the
	// worker's disk. This needs less Redis memory, but pages are missing if the disk is
	// lost. It does not apply to folders.
	Durable DurableKind `json:"durable" yaml:"durable"`
	// LostAfter is how long a worker may be silent before the pages that it has not shipped
	// are fetched again. Default 2m, at least 5s.
	LostAfter time.Duration `json:"lost_after" yaml:"lost_after"`
	// Journal records every request in the output folder, for trawl audit. Default true.
	Journal bool `json:"journal" yaml:"journal"`
}

// ExtractSettings say what is recorded of a page.
type ExtractSettings struct {
	// Select lists fields to extract from every page, in short form: "name=css",
	// "name=css@attribute", or "name[]=css" for every match instead of only the first.
	Select []string `json:"select,omitempty" yaml:"select"`
	// Extract lists fields to extract, by kinds of pages. Default none.
	Extract []Extraction `json:"extract,omitempty" yaml:"extract"`
	// Text records the main text of each page, without menus and whatever else surrounds
	// it. Default false.
	Text bool `json:"text" yaml:"text"`
	// Markdown records the main content of each page as Markdown. Default false.
	Markdown bool `json:"markdown" yaml:"markdown"`
	// Extractor lists what finds the main text: auto (default; by the kind of page),
	// readability, trafilatura, main or body. The first decides; what the others find is
	// recorded beside it.
	Extractor []string `json:"extractor,omitempty" yaml:"extractor"`
	// Links puts the list of links into each record, instead of their number.
	Links bool `json:"links" yaml:"links"`
	// KeepNoindex keeps the content of pages that ask not to be indexed (noindex). By
	// default their links are followed, and their records have no title, fields or body. A
	// job that does not follow links keeps what it was told to fetch.
	KeepNoindex bool `json:"keep_noindex" yaml:"keep_noindex"`
	// KeepBlockPages treats block pages, such as challenges, CAPTCHAs, consent walls and
	// denials, as any other page, for archives. By default they end as blocked, are not kept
	// as content, and count as refusals of their host. Default false.
	KeepBlockPages bool `json:"keep_block_pages" yaml:"keep_block_pages"`
	// Duplicates records for each page the first page of its host, in this job, that had
	// the same body. Default false, because it costs a call to Redis per batch, and 100
	// bytes of Redis memory per page.
	Duplicates bool `json:"duplicates" yaml:"duplicates"`
	// Simhash records a fingerprint of each page's text. The fingerprints of near
	// duplicates differ in few of their 64 bits. Default false.
	Simhash bool `json:"simhash" yaml:"simhash"`
	// MinHash records a sketch of each page's main text: the smallest hash values of its
	// shingles of five words, in 14 bands of 8 values. Texts that share a band are likely
	// near duplicates. Default false.
	MinHash bool `json:"minhash,omitempty" yaml:"minhash"`
	// NearDuplicates says what happens to a page whose main text is nearly that of an
	// earlier page of the job: "record" names that page in its record; "skip" also keeps no
	// content of it; "stop" also does not follow its links. Default "": pages are not
	// compared, because each page costs Redis about 1,200 bytes, and a search for its main
	// text.
	NearDuplicates NearDuplicates `json:"near_duplicates,omitempty" yaml:"near_duplicates"`
}

// MainText reports whether the main text of pages is looked for.
func (j Job) MainText() bool {
	return j.Text || j.Markdown || j.MinHash || j.NearDuplicates != "" || slices.Contains(j.Format, "markdown")
}

// Politeness says which jobs a host is shared between.
type Politeness string

// The kinds of politeness.
const (
	// PolitenessFleet allows one visit at a time to a host, over all jobs of the fleet, and
	// keeps the longest delay that any of them owes it.
	PolitenessFleet Politeness = "fleet"
	// PolitenessJob considers only the job's own visits. It is for sites of your own.
	PolitenessJob Politeness = "job"
)

// TLSKind says which https servers are accepted.
type TLSKind string

// The kinds of servers.
const (
	// TLSModern accepts TLS 1.2 and 1.3 with the ciphers that Go offers by default.
	TLSModern TLSKind = "modern"
	// TLSLegacy also accepts old ciphers of TLS 1.2: those with RSA key exchange, which
	// have no forward secrecy, and those with CBC.
	TLSLegacy TLSKind = "legacy"
)

// SeedRedirects says what to do with a seed that redirects to a host outside the job's
// scope.
type SeedRedirects string

// The kinds of SeedRedirects.
const (
	// SeedRedirectsFollow adds that host to the seeds' hosts, so that a site that moved is
	// crawled at its new host.
	SeedRedirectsFollow SeedRedirects = "follow"
	// SeedRedirectsStay keeps to the hosts that were named.
	SeedRedirectsStay SeedRedirects = "stay"
)

// Conditional says which requests are conditional (RFC 9110, 13): the server then only sends what
// has changed since an earlier fetch.
type Conditional string

// The kinds of Conditional.
const (
	// ConditionalAuto makes requests for pages of an earlier run conditional: those of the
	// previous run of a periodic job, and those that were set aside when a folder is crawled again.
	ConditionalAuto Conditional = "auto"
	// ConditionalAlways also does so in any other job, for pages that it has fetched before
	// itself, and for results of an earlier job of the same name.
	ConditionalAlways Conditional = "always"
	// ConditionalNever fetches all pages whole, and keeps no validators.
	ConditionalNever Conditional = "never"
)

// DurableKind says when a page that goes to a bucket is settled for good.
type DurableKind string

// The kinds of durability.
const (
	DurableShipped DurableKind = "shipped" // when its record is in the bucket
	DurableDisk    DurableKind = "disk"    // when its record is on the worker's disk
)

// Quality has counters of the main text, by which texts can be filtered.
type Quality struct {
	Words    int     `json:"words"`     // runs of letters and digits
	MeanLine float64 `json:"mean_line"` // characters of a line that is not empty
	// Of the words, the most frequent ones of the language; 0 without spaces.
	StopShare      float64 `json:"stop_share"`
	SymbolShare    float64 `json:"symbol_share"`    // of the characters, those that prose rarely has
	LinkShare      float64 `json:"link_share"`      // of the letters, those in links
	DuplicateShare float64 `json:"duplicate_share"` // of the lines, those that occurred before
}

// OtherText is what an extractor found besides the one that decides. Its forms are those
// that the job asks for.
type OtherText struct {
	Text      string  `json:"text,omitempty"`
	Markdown  string  `json:"markdown,omitempty"`
	TextShare float64 `json:"text_share"`
}
