package rules

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/price"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/textform"
)

var (
	jobName     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	headerValue = regexp.MustCompile(`^[\x20-\x7e]+$`)
)

// rangeCheck says whether a setting is in its range, which is what is wanted.
type rangeCheck struct {
	ok    bool
	field string
	value any
	want  string
}

// Validate returns an error for the first setting that is out of range, with its name in a
// job file and its value. CSS selectors are checked by parse.Check.
func Validate(j crawler.Job) error {
	for _, check := range slices.Concat(scopeRanges(j), hostRanges(j), outputRanges(j)) {
		if !check.ok {
			return settingError(check.field, "%q is out of range%s: want %s", fmt.Sprint(check.value),
				meant(check.value, check.want), check.want)
		}
	}
	for _, check := range []func(crawler.Job) error{
		checkSame, checkHandlers, checkMarkdown, checkRendering,
		func(j crawler.Job) error { _, err := Extractions(j.ExtractSettings); return err },
		func(j crawler.Job) error { return checkExtract(j.Extract) },
		func(j crawler.Job) error { _, err := NewFollowRules(j.FollowRules); return err },
		checkExempts,
		func(j crawler.Job) error { return checkPrices(j.BudgetSettings) },
		periodic.Check, checkEvents, checkOnDone, checkRecrawl, checkSignals,
		func(j crawler.Job) error { _, err := NewScope(j.ScopeSettings, nil); return err },
	} {
		if err := check(j); err != nil {
			return err
		}
	}
	return nil
}

// scopeRanges checks which pages belong to the job, and how many.
func scopeRanges(j crawler.Job) []rangeCheck {
	return []rangeCheck{
		{jobName.MatchString(j.Name), "name", j.Name,
			"1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen"},
		{slices.Contains(ScopeKinds, j.Scope), "scope", j.Scope, "host, domain or any"},
		{j.Check == "" || slices.Contains(checkKinds, j.Check), "check", j.Check, "none or links"},
		{slices.Contains(SeedRedirectsKinds, j.SeedRedirects), "seed_redirects", j.SeedRedirects,
			"follow or stay"},
		{slices.Contains(ScopeKinds, j.ResourceScope), "resource_scope", j.ResourceScope,
			"host, domain or any"},
		{j.Depth >= -1, "depth", j.Depth, "-1 (no limit), 0 (only the seeds) or more"},
		{j.MaxURLLength >= 0, "max_url_length", j.MaxURLLength, "0 (no limit) or more"},
		{j.MaxRepeats >= 0, "max_repeats", j.MaxRepeats, "0 (no limit) or more"},
		{j.MaxParams >= 0, "max_params", j.MaxParams, "0 (no limit) or more"},
		{j.Pages >= 0, "pages", j.Pages, "0 (no limit) or more"},
		{j.Bytes >= 0, "bytes", j.Bytes, "0 (no limit) or more"},
		{j.Items >= 0, "items", j.Items, "0 (no limit) or more"},
		{j.Time >= 0, "time", j.Time, "0 (no limit) or more"},
		{j.PagesPerHost >= 0, "pages_per_host", j.PagesPerHost, "0 (no limit) or more"},
		{j.PagesPerDomain >= 0, "pages_per_domain", j.PagesPerDomain, "0 (no limit) or more"},
	}
}

// hostRanges checks how hosts are treated.
func hostRanges(j crawler.Job) []rangeCheck {
	return []rangeCheck{
		{j.Delay >= 0, "delay", j.Delay, "0 or more"},
		{j.AddressDelay >= 0 || j.AddressDelay == textform.Auto, "address_delay", j.AddressDelay,
			"auto, 0 (none) or more"},
		{j.AddressDelay <= 0 || j.Shards == 1, "shards", j.Shards, "1, because of address_delay"},
		{slices.Contains(Politenesses, j.Politeness), "politeness", j.Politeness, "fleet or job"},
		{j.Throttle >= 0 && j.Throttle <= 100, "throttle", j.Throttle, "0 (off) to 100"},
		{j.PerHost >= 1 && j.PerHost <= 256, "per_host", j.PerHost, "1 to 256"},
		{headerValue.MatchString(j.UserAgent), "user_agent", j.UserAgent, "printable ASCII"},
		{j.Contact == "" || headerValue.MatchString(j.Contact), "contact", j.Contact, "printable ASCII"},
		{j.RobotsTries >= 1, "robots_tries", j.RobotsTries, "1 or more"},
		{j.CrawlDelayCap >= 0, "crawl_delay_cap", j.CrawlDelayCap, "0 or more"},
		{j.HostTries >= 1 && j.HostTries < queue.HopelessFailures, "host_tries", j.HostTries, "1 or more"},
		{j.Retries >= 0 && j.Retries <= 100, "retries", j.Retries, "0 to 100"},
		{j.RetryPause >= 0, "retry_pause", j.RetryPause, "0 or more"},
		{j.BodyLimit > 0, "body_limit", j.BodyLimit, "more than 0"},
		{j.MinRate >= 0, "min_rate", j.MinRate, "0 (no limit) or more"},
		{slices.Contains(TLSKinds, j.TLS), "tls", j.TLS, "modern or legacy"},
		{j.Conditional == "" || slices.Contains(Conditionals, j.Conditional), "conditional", j.Conditional,
			"auto, always or never"},
		{j.Render == "" || slices.Contains(renderModes, j.Render), "render", j.Render, "never, auto or always"},
		{j.RenderRequests == "" || slices.Contains(renderPaces, j.RenderRequests), "render_requests",
			j.RenderRequests, "each or page"},
		{j.RenderScope == "" || slices.Contains(ScopeKinds, j.RenderScope), "render_scope", j.RenderScope,
			"host, domain or any"},
		{j.RenderTime > 0 || !j.Renders(), "render_time", j.RenderTime, "more than 0"},
		{j.Timeout > 0, "timeout", j.Timeout, "more than 0"},
	}
}

// outputRanges checks what is kept of pages, and how the job shares the fleet.
func outputRanges(j crawler.Job) []rangeCheck {
	return []rangeCheck{
		{slices.Contains(DurableKinds, j.Durable), "durable", j.Durable, "shipped or disk"},
		{j.LostAfter >= leastLostAfter, "lost_after", j.LostAfter,
			leastLostAfter.String() + " or more"},
		{j.NearDuplicates == "" || slices.Contains(nearDuplicatesKinds, j.NearDuplicates), "near_duplicates",
			j.NearDuplicates, "record, skip or stop"},
		{j.Rights == "" || slices.Contains(rights.Policies, j.Rights), "rights", j.Rights, "record, skip or stop"},
		{j.Purpose == "" || slices.Contains(rights.Purposes, j.Purpose), "purpose", j.Purpose,
			"search, ai-input, train-ai, tdm or archive"},
		{j.Purpose != "" || j.Rights == "" || j.Rights == crawler.RightsRecord, "rights", j.Rights,
			"record, or a purpose: what the pages are for"},
		{j.Weight >= 1 && j.Weight <= 1000, "weight", j.Weight, "1 to 1000"},
		{j.Runs >= 0 && j.Runs <= 1_000_000, "runs", j.Runs, "0 to 1000000"},
		{j.Shards >= 1 && j.Shards <= 1024, "shards", j.Shards, "1 to 1024"},
	}
}

func checkSame(j crawler.Job) error {
	for _, rule := range j.Same {
		if !slices.Contains(SameKinds, rule) {
			return settingError("same", "%q is not a rule%s: want any of %v", rule,
				plain.Suggest(rule, SameKinds), SameKinds)
		}
	}
	return nil
}

func checkHandlers(j crawler.Job) error {
	for _, name := range j.Handlers {
		if !jobName.MatchString(name) {
			return settingError("handlers",
				"%q is not a valid name: want 1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen", name)
		}
	}
	return nil
}

func checkExempts(j crawler.Job) error {
	if _, err := ParsePrefixes(j.AddressExempt); err != nil {
		return settingError("address_exempt", "%v", err)
	}
	return nil
}

func checkMarkdown(j crawler.Job) error {
	if why := againstMarkdown(j); why != "" {
		return settingError("accept_markdown", "%s", why)
	}
	return nil
}

// madeOfHTML are the formats that keep pages as they are.
var madeOfHTML = []string{"warc", "wacz", "files", "mirror"}

// againstMarkdown returns why a job cannot ask servers for Markdown; "" if it can, or does not.
func againstMarkdown(j crawler.Job) string {
	if !j.AcceptMarkdown {
		return ""
	}
	for _, format := range j.Format {
		if slices.Contains(madeOfHTML, format) {
			return fmt.Sprintf("the format %q keeps pages as HTML: leave out one of them", format)
		}
	}
	switch {
	case j.Renders():
		return "a browser renders HTML, not Markdown: leave out render"
	case !j.Markdown && !slices.Contains(j.Format, "markdown"):
		return "the job keeps no Markdown: set markdown, or the format markdown"
	case j.Text, j.MinHash, j.NearDuplicates != "", j.Simhash:
		return "text, simhash, minhash and near_duplicates are made of HTML: leave them out"
	case len(j.Select)+len(j.Extract)+len(j.Handlers) > 0:
		return "select, extract and handlers read HTML: leave them out"
	}
	return ""
}

// meant suggests one of the wanted words for a value that is a word of a few; "" for other
// values.
func meant(value any, want string) string {
	switch value.(type) {
	case crawler.ScopeKind, crawler.CheckKind, crawler.SeedRedirects, crawler.Politeness, crawler.TLSKind,
		crawler.Conditional, crawler.RenderMode, crawler.RenderPace, crawler.DurableKind, crawler.NearDuplicates,
		crawler.RightsPolicy, crawler.Purpose:
		return plain.Suggest(fmt.Sprint(value), strings.FieldsFunc(want,
			func(r rune) bool { return r == ' ' || r == ',' }))
	}
	return ""
}

// ParsePrefixes parses networks.
func ParsePrefixes(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = netip.ParsePrefix(text); err != nil {
			return nil, fmt.Errorf("%q is not a network (write 192.0.2.0/24)", text)
		}
	}
	return all, nil
}

// SeedEntries returns the job's seeds as entries to admit. The error names the first seed
// that is not a URL, or that has a password (see [queue.ErrLogin]).
func SeedEntries(j crawler.Job) ([]queue.Entry, error) {
	priorities, err := NewPriorityRules(j.Priorities)
	if err != nil {
		return nil, err
	}
	entries := make([]queue.Entry, 0, len(j.Seeds))
	for _, s := range j.Seeds {
		u, err := queue.ParseSeed(s)
		if err != nil {
			return nil, fmt.Errorf("seeds: %w", err)
		}
		entries = append(entries, queue.Entry{URL: u, Band: priorities.Band(u, queue.BandFirst)})
	}
	return entries, nil
}

// leastLostAfter is the shortest time after which a worker may count as lost. Workers
// report four times in it.
const leastLostAfter = 5 * time.Second

// checkPrices checks what a job may pay.
func checkPrices(b crawler.BudgetSettings) error {
	if b.MaxPrice == "" && b.MaxSpend == "" {
		return nil
	}
	most, err := price.Parse(b.MaxPrice)
	if err != nil {
		return settingError("max_price", "%v", err)
	}
	spend, err := price.Parse(b.MaxSpend)
	if err != nil {
		return settingError("max_spend", "%v; it limits what the job pays in all", err)
	}
	if !most.Within(spend) {
		return settingError("max_spend", "%q is less than max_price %q, or in another currency", b.MaxSpend, b.MaxPrice)
	}
	return nil
}
