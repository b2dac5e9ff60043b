package crawler

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Job is one named crawl and its settings, as a job file, the command line and
// Redis hold it. Start from [DefaultJob]: the zero values of most fields are
// not their defaults.
type Job struct {
	// Name names the job: its asynq queue, its keys in Redis, its records.
	// Lower-case letters, digits and hyphens, at most 63.
	Name string `json:"name" yaml:"name"`
	// Seeds are the URLs that the crawl starts from.
	Seeds []string `json:"seeds,omitempty" yaml:"seeds"`
	// Follow says whether links of pages are admitted. Default true; trawl
	// fetch sets it to false.
	Follow bool `json:"follow" yaml:"follow"`
	// FollowRules say which links of which pages are followed. Default none: all
	// that belong to the job. At most [MostFollowRules].
	FollowRules []FollowRule `json:"follow_rules,omitempty" yaml:"follow_rules"`
	// Sitemaps says whether sitemaps are read for pages to admit: those that the
	// robots.txt files of the job's hosts name, those that the crawl comes upon,
	// and what their indexes list. Default false.
	Sitemaps bool `json:"sitemaps" yaml:"sitemaps"`

	// Scope says which links belong to the job: "host", the hosts of the seeds
	// (default); "domain", their registrable domains; "any".
	Scope ScopeKind `json:"scope" yaml:"scope"`
	// Include are regular expressions (RE2), one of which a link must match
	// anywhere in its URL. Default none: every link.
	Include []string `json:"include,omitempty" yaml:"include"`
	// Exclude are regular expressions, none of which a link may match.
	Exclude []string `json:"exclude,omitempty" yaml:"exclude"`
	// Priorities give URLs a [Priority]: that of the first rule that a URL matches. A
	// priority with which a seed was brought comes before them. Default none: the usual
	// priorities. At most [MostPriorityRules].
	Priorities []PriorityRule `json:"priorities,omitempty" yaml:"priorities"`
	// Depth is how many links away from a seed a page may be: 0 is the seeds
	// alone, -1 (default) has no limit. The shortest way counts, whichever was found
	// first.
	Depth int `json:"depth" yaml:"depth"`

	// Same are rules by which URLs are taken for the same page: order, tracking,
	// session, slash, index, www, scheme. Fixed when the job is created. Default
	// none: URLs are what the standard says.
	Same []SameKind `json:"same,omitempty" yaml:"same"`
	// Traps lets URLs alone that look like a trap: ever new URLs of one pattern
	// that only bring what was had before. Default true.
	Traps bool `json:"traps" yaml:"traps"`
	// MaxURLLength is the longest URL of a link, in bytes. Default 2,048, as in the
	// sitemaps protocol; 0: no limit.
	MaxURLLength int `json:"max_url_length" yaml:"max_url_length"`
	// MaxRepeats is how often one segment may stand in the path of a link. Default
	// 3; 0: no limit.
	MaxRepeats int `json:"max_repeats" yaml:"max_repeats"`
	// MaxParams is how many parameters the query of a link may have. Default 32;
	// 0: no limit.
	MaxParams int `json:"max_params" yaml:"max_params"`
	// Resources also admits what pages embed: images, style sheets, scripts,
	// fonts, media. They belong to a page that belongs to the job: neither Scope,
	// Include nor Depth keeps them out, but Exclude does. Default false.
	Resources bool `json:"resources" yaml:"resources"`
	// ResourceScope says on which hosts resources may lie, as Scope says it of
	// links. Default "any": a browser gets them wherever they are.
	ResourceScope ScopeKind `json:"resource_scope" yaml:"resource_scope"`

	// Pages ends the job when so many pages were fetched. 0: no limit.
	Pages int64 `json:"pages" yaml:"pages"`
	// Bytes ends the job when bodies of so many bytes were fetched. 0: no limit.
	Bytes Size `json:"bytes" yaml:"bytes"`
	// Time ends the job so long after its start. 0: no limit.
	Time Duration `json:"time" yaml:"time"`
	// PagesPerHost bounds the pages fetched from each host. 0: no limit.
	PagesPerHost int64 `json:"pages_per_host" yaml:"pages_per_host"`

	// Delay is the least time between the starts of two requests to a host.
	// Default 1s.
	Delay Duration `json:"delay" yaml:"delay"`
	// AddressDelay is the least time between the starts of two requests to one
	// address, whichever hosts they are for: a thousand hosts on one server are not
	// asked a thousand times as often. It needs shards to be 1. Default 0: none.
	AddressDelay Duration `json:"address_delay" yaml:"address_delay"`
	// AddressExempt are networks whose addresses AddressDelay is not about, such as
	// 192.0.2.0/24. Default none.
	AddressExempt []string `json:"address_exempt,omitempty" yaml:"address_exempt"`
	// Politeness says whom a host is shared with: "fleet" (default), all jobs of the
	// fleet: one visit at a time, at the longest delay that any of them owes the host;
	// "job", this job alone, which is for sites of one's own.
	Politeness Politeness `json:"politeness" yaml:"politeness"`
	// Throttle keeps at least so many times between two requests to a host as it
	// takes to answer one, divided by PerHost, up to 30s: a host that is slow is
	// asked less often. Default 2; 0 asks for no more than Delay. Without a Delay
	// it does nothing.
	Throttle float64 `json:"throttle" yaml:"throttle"`
	// PerHost is the most connections to a host at once. Default 1, at most 256.
	PerHost int `json:"per_host" yaml:"per_host"`
	// UserAgent is sent with every request; its first product token is what
	// robots.txt is matched with. Default [DefaultUserAgent].
	UserAgent string `json:"user_agent" yaml:"user_agent"`
	// IgnoreRobots fetches what robots.txt forbids. For sites of one's own.
	IgnoreRobots bool `json:"ignore_robots" yaml:"ignore_robots"`
	// Cookies sends cookies back to the hosts that set them. Each worker has a jar of
	// its own for the job, in memory alone: a host may meet as many visitors as there
	// are workers. Default false.
	Cookies bool `json:"cookies" yaml:"cookies"`
	// RobotsTries is how often a robots.txt that can not be had is asked for
	// before the URLs behind it are given up as disallowed. Default 5, with
	// growing pauses.
	RobotsTries int `json:"robots_tries" yaml:"robots_tries"`
	// CrawlDelayCap is the longest Crawl-delay of a robots.txt that is obeyed.
	// Default 1m.
	CrawlDelayCap Duration `json:"crawl_delay_cap" yaml:"crawl_delay_cap"`

	// HostTries is how often in a row a host may refuse a request (429, 503) or
	// not be reached (name, connection, TLS) before it is given up and its URLs end
	// as failed. Default 8: after four minutes of pauses that double.
	HostTries int `json:"host_tries" yaml:"host_tries"`
	// Retries is how often a failure that may pass is tried again. Default 3.
	Retries int `json:"retries" yaml:"retries"`
	// RetryPause is the pause before the first retry; it doubles with each.
	// Default 2s.
	RetryPause Duration `json:"retry_pause" yaml:"retry_pause"`
	// BodyLimit is the most bytes of a body that are kept, after decoding.
	// Default 32MiB.
	BodyLimit Size `json:"body_limit" yaml:"body_limit"`
	// Timeout bounds one request from start to last byte. Default 1m.
	Timeout Duration `json:"timeout" yaml:"timeout"`
	// MinRate is how many bytes of a body must come in a second, over 20s; a
	// slower one is cut off, and kept as far as it came. Default 100; 0: none.
	MinRate Size `json:"min_rate" yaml:"min_rate"`

	// Format names the sinks: jsonl, jsonl.gz, jsonl.zst, files, warc, parquet, links,
	// markdown, items, mirror. Default jsonl.
	Format []string `json:"format" yaml:"format"`
	// Durable says when a page that goes to a bucket counts as settled for good:
	// "shipped" (default), when its record has arrived there; until then Redis remembers
	// the URL, and it is fetched again if its worker does not come back. "disk": when it
	// is on the worker's disk; that costs less Redis, and pages are missing if the disk is
	// lost. For folders it means nothing.
	Durable DurableKind `json:"durable" yaml:"durable"`
	// LostAfter is for how long a worker may not be heard of before the pages that it has
	// not shipped are fetched again. Default 2m, at least 5s.
	LostAfter Duration `json:"lost_after" yaml:"lost_after"`
	// KeepNoindex keeps the content of pages that ask not to be indexed (noindex).
	// By default their links are followed, and their records have neither title,
	// fields nor body. A job that follows no links keeps what it was told to fetch.
	KeepNoindex bool `json:"keep_noindex" yaml:"keep_noindex"`
	// Canonical admits the canonical form that a page names, if it is in scope, and
	// records the page as a duplicate of it. Default false.
	Canonical bool `json:"canonical" yaml:"canonical"`
	// Duplicates records of each page the first of its host, in this job, that had
	// the same body. Default false: it costs a call to Redis a batch, and 100 bytes
	// of Redis a page.
	Duplicates bool `json:"duplicates" yaml:"duplicates"`
	// Simhash records a fingerprint of each page's text: those of near duplicates
	// differ in few of their 64 bits. Default false.
	Simhash bool `json:"simhash" yaml:"simhash"`
	// Select are fields to extract of every page in short: "name=css",
	// "name=css@attribute", or "name[]=css" for every match instead of the first.
	Select []string `json:"select,omitempty" yaml:"select"`
	// Extract are fields to extract, by kinds of pages. Default none.
	Extract []Extraction `json:"extract,omitempty" yaml:"extract"`
	// Text records the main text of each page, without menus and whatever else is
	// around it. Default false.
	Text bool `json:"text" yaml:"text"`
	// Markdown records the main content of each page as Markdown. Default false.
	Markdown bool `json:"markdown" yaml:"markdown"`
	// Links writes the list of links into each record, instead of their count.
	Links bool `json:"links" yaml:"links"`

	// Handlers names what programs bring of their own for the job's pages, such as
	// "shop": only workers that have all of these carry out its visits. Default none.
	Handlers []string `json:"handlers,omitempty" yaml:"handlers"`

	// Journal notes every request in the output folder, for trawl audit. Default
	// true.
	Journal bool `json:"journal" yaml:"journal"`
	// Contact is how to reach whoever runs the crawl, such as an e-mail address. It
	// is sent as From (RFC 9110, 10.1.2). Default none.
	Contact string `json:"contact,omitempty" yaml:"contact"`

	// Weight is the job's part of a fleet that it shares with other jobs.
	// Default 1, at most 1,000.
	Weight int `json:"weight" yaml:"weight"`
	// Schedule makes the job periodic, as [ParseSchedule] reads it: "@daily", or
	// minute, hour, day of the month, month and day of the week as cron has them,
	// in UTC or a time zone that it names. At each tick a run of its own begins, named after the job and the
	// tick, unless the previous run is still going. Such a job's name has at most 47
	// letters.
	Schedule string `json:"schedule,omitempty" yaml:"schedule"`
	// Runs is how many runs of such a job are kept in Redis: of older ones that have
	// ended, what they wrote stays. Default 10; 0: all.
	Runs int `json:"runs" yaml:"runs"`

	// Shards is in how many slots of a Redis Cluster the frontier lies. Fixed
	// when the job is created. Default 1, at most 1024.
	Shards int `json:"shards" yaml:"shards"`
}

// DefaultUserAgent identifies Trawl and says where to read about it.
const DefaultUserAgent = "Trawl/0.1 (+https://github.com/trawlcrawler/trawl/blob/main/docs/robot.md)"

// DefaultJob returns a job with every setting at its default.
func DefaultJob() Job {
	return Job{
		Follow:        true,
		Scope:         ScopeHost,
		Depth:         -1,
		Traps:         true,
		MaxURLLength:  2048,
		MaxRepeats:    3,
		MaxParams:     32,
		ResourceScope: ScopeAny,
		Delay:         Duration(time.Second),
		Politeness:    PolitenessFleet,
		Throttle:      2,
		PerHost:       1,
		UserAgent:     DefaultUserAgent,
		RobotsTries:   5,
		CrawlDelayCap: Duration(time.Minute),
		HostTries:     8,
		Retries:       3,
		RetryPause:    Duration(2 * time.Second),
		BodyLimit:     32 << 20,
		Timeout:       Duration(time.Minute),
		MinRate:       100,
		Format:        []string{"jsonl"},
		Durable:       DurableShipped,
		LostAfter:     Duration(2 * time.Minute),
		Journal:       true,
		Weight:        1,
		Runs:          10,
		Shards:        1,
	}
}

var (
	jobName     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	headerValue = regexp.MustCompile(`^[\x20-\x7e]+$`)
)

// Validate returns the first setting that is out of range, named as in a job
// file, with its value. CSS selectors are for parse.Check to look at.
func (j Job) Validate() error {
	for _, check := range []struct {
		ok    bool
		field string
		value any
		want  string
	}{
		{jobName.MatchString(j.Name), "name", j.Name, "1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen"},
		{slices.Contains(ScopeKinds, j.Scope), "scope", j.Scope, "host, domain or any"},
		{slices.Contains(ScopeKinds, j.ResourceScope), "resource_scope", j.ResourceScope, "host, domain or any"},
		{j.Depth >= -1, "depth", j.Depth, "-1 (no limit), 0 (the seeds alone) or more"},
		{j.MaxURLLength >= 0, "max_url_length", j.MaxURLLength, "0 (no limit) or more"},
		{j.MaxRepeats >= 0, "max_repeats", j.MaxRepeats, "0 (no limit) or more"},
		{j.MaxParams >= 0, "max_params", j.MaxParams, "0 (no limit) or more"},
		{j.Pages >= 0, "pages", j.Pages, "0 (no limit) or more"},
		{j.Bytes >= 0, "bytes", j.Bytes, "0 (no limit) or more"},
		{j.Time >= 0, "time", j.Time, "0 (no limit) or more"},
		{j.PagesPerHost >= 0, "pages_per_host", j.PagesPerHost, "0 (no limit) or more"},
		{j.Delay >= 0, "delay", j.Delay, "0 or more"},
		{j.AddressDelay >= 0, "address_delay", j.AddressDelay, "0 (none) or more"},
		{j.AddressDelay == 0 || j.Shards == 1, "shards", j.Shards, "1, because of address_delay"},
		{slices.Contains(Politenesses, j.Politeness), "politeness", j.Politeness, "fleet or job"},
		{j.Throttle >= 0 && j.Throttle <= 100, "throttle", j.Throttle, "0 (off) to 100"},
		{j.PerHost >= 1 && j.PerHost <= 256, "per_host", j.PerHost, "1 to 256"},
		{headerValue.MatchString(j.UserAgent), "user_agent", j.UserAgent, "printable ASCII"},
		{j.Contact == "" || headerValue.MatchString(j.Contact), "contact", j.Contact, "printable ASCII"},
		{j.RobotsTries >= 1, "robots_tries", j.RobotsTries, "1 or more"},
		{j.CrawlDelayCap >= 0, "crawl_delay_cap", j.CrawlDelayCap, "0 or more"},
		{j.HostTries >= 1 && j.HostTries < hopeless, "host_tries", j.HostTries, "1 or more"},
		{j.Retries >= 0 && j.Retries <= 100, "retries", j.Retries, "0 to 100"},
		{j.RetryPause >= 0, "retry_pause", j.RetryPause, "0 or more"},
		{j.BodyLimit > 0, "body_limit", j.BodyLimit, "more than 0"},
		{j.MinRate >= 0, "min_rate", j.MinRate, "0 (however slow) or more"},
		{j.Timeout > 0, "timeout", j.Timeout, "more than 0"},
		{slices.Contains(DurableKinds, j.Durable), "durable", j.Durable, "shipped or disk"},
		{j.LostAfter >= Duration(leastLostAfter), "lost_after", j.LostAfter, leastLostAfter.String() + " or more"},
		{j.Weight >= 1 && j.Weight <= 1000, "weight", j.Weight, "1 to 1000"},
		{j.Runs >= 0 && j.Runs <= 1_000_000, "runs", j.Runs, "0 to 1000000"},
		{j.Shards >= 1 && j.Shards <= 1024, "shards", j.Shards, "1 to 1024"},
	} {
		if !check.ok {
			return fmt.Errorf("%s: %q is out of range: want %s", check.field, fmt.Sprint(check.value), check.want)
		}
	}
	for _, rule := range j.Same {
		if !slices.Contains(SameKinds, rule) {
			return fmt.Errorf("same: %q is no rule: want some of %v", rule, SameKinds)
		}
	}
	for _, name := range j.Handlers {
		if !jobName.MatchString(name) {
			return fmt.Errorf("handlers: %q is no name: want 1 to 63 lower-case letters, digits and hyphens, not beginning with a hyphen", name)
		}
	}
	if _, err := j.Extractions(); err != nil {
		return err
	}
	if err := j.checkExtract(); err != nil {
		return err
	}
	if _, err := NewFollowRules(j.FollowRules); err != nil {
		return err
	}
	if _, err := prefixes(j.AddressExempt); err != nil {
		return fmt.Errorf("address_exempt: %w", err)
	}
	if err := j.checkSchedule(); err != nil {
		return err
	}
	_, err := NewScope(j, nil)
	return err
}

// prefixes reads networks.
func prefixes(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = netip.ParsePrefix(text); err != nil {
			return nil, fmt.Errorf("%q is not a network (write 192.0.2.0/24)", text)
		}
	}
	return all, nil
}

// Bounded reports whether the hosts of the seeds decide what belongs to the job.
func (j Job) Bounded() bool {
	return j.Scope != ScopeAny || j.Resources && j.ResourceScope != ScopeAny
}

// DepthLimit is the largest depth, in links from a seed, at which depth decides
// whether a link is followed; -1 when depth decides nothing. From there on, what is
// found is followed however deep it is, or not at all.
func (j Job) DepthLimit() int {
	limit := -1
	for _, r := range j.FollowRules {
		limit = max(limit, r.Depth)
	}
	if j.Depth >= 0 {
		limit = j.Depth
	}
	if limit == 0 { // all that is admitted is as deep as a seed, or no rule has a limit
		return -1
	}
	return limit
}

// SeedEntries returns the job's seeds as they are admitted. The error names the
// first that is no URL, or that has a password (see [ErrLogin]).
func (j Job) SeedEntries() ([]Entry, error) {
	priorities, err := NewPriorityRules(j.Priorities)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(j.Seeds))
	for _, s := range j.Seeds {
		u, err := ParseBare(s)
		if err != nil {
			return nil, fmt.Errorf("seeds: %w", err)
		}
		entries = append(entries, Entry{URL: u, Band: priorities.Band(u, BandFirst)})
	}
	return entries, nil
}

// ProductToken returns the name that robots.txt files call the job's user agent
// by: the letters, hyphens and underscores that User-Agent begins with
// (RFC 9309, 2.2.1).
func (j Job) ProductToken() string {
	end := strings.IndexFunc(j.UserAgent, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_')
	})
	if end < 0 {
		return j.UserAgent
	}
	return j.UserAgent[:end]
}
