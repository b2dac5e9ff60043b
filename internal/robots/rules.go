package robots

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rights"
)

// Rules is what one robots.txt says to one product token. The zero Rules allows
// everything. Rules are immutable and safe for concurrent use.
type Rules struct {
	rules    []rule // in order of precedence: the first that matches applies
	delay    time.Duration
	signals  rights.Signals
	usage    []usage // in order of precedence, as rules
	licenses []string
	sitemaps []string
	source   *fetched.RobotsText // nil if they were not fetched from an origin
}

// rule allows or disallows the paths that its pattern matches.
type rule struct {
	pattern
	allow bool
}

// Allowed reports whether u may be fetched. Of the rules that match its path and query,
// the longest applies, and of equally long ones an allow (RFC 9309, 2.2.2). /robots.txt
// itself is always allowed. The caller must ensure that u belongs to the authority of the
// robots.txt.
func (r *Rules) Allowed(u crawler.URL) bool {
	rule := r.decides(u)
	return rule == nil || rule.allow
}

// Line returns the line that applies to u, in normalized spelling; "" if no line does and
// u is allowed.
func (r *Rules) Line(u crawler.URL) string {
	switch rule := r.decides(u); {
	case rule == nil:
		return ""
	case rule.allow:
		return "Allow: " + rule.String()
	default:
		return "Disallow: " + rule.String()
	}
}

// decides returns the rule that applies to u, or nil if none matches.
func (r *Rules) decides(u crawler.URL) *rule {
	path := plain(u.Path())
	switch path {
	case "":
		path = "/"
	case "/robots.txt":
		return nil
	}
	for i := range r.rules {
		if r.rules[i].matches(path) {
			return &r.rules[i]
		}
	}
	return nil
}

// CrawlDelay returns the time that should pass between two requests: 0 if the file asks
// for none, the longest if it asks for several. It has no upper bound.
func (r *Rules) CrawlDelay() time.Duration { return r.delay }

// Sitemaps returns the addresses of sitemaps as written, without duplicates. They apply
// to all product tokens.
func (r *Rules) Sitemaps() []string { return slices.Clone(r.sitemaps) }

// weight estimates the bytes of memory that r holds.
func (r *Rules) weight() int {
	const fixed, perRule, perString = 512, 128, 16
	n := fixed
	for i := range r.rules {
		n += perRule + r.rules[i].octets + perString*len(r.rules[i].inner)
	}
	for _, s := range r.sitemaps {
		n += perString + len(s)
	}
	for purpose := range r.signals {
		n += 4*perString + len(purpose)
	}
	for i := range r.usage {
		n += perRule + r.usage[i].weight()
	}
	for _, l := range r.licenses {
		n += perString + len(l)
	}
	if r.source != nil {
		n += len(r.source.Text)
	}
	return n
}

// Parse parses a robots.txt for a crawler with this product token. It reads at most
// [MaxSize] bytes. It cannot fail: it ignores lines that are not records of the protocol,
// and if there are no others, everything is allowed.
func Parse(body []byte, token string) *Rules {
	p := parser{token: token}
	for key, value := range records(body) {
		p.read(key, value)
	}
	return p.rules()
}

// parser collects the groups that may apply to a token: those that name it, merged, and
// those for "*", which apply only if none names it (RFC 9309, 2.2.1).
type parser struct {
	token    string
	own, any group
	sitemaps []string
	licenses []string
	global   rights.Signals // before the first User-agent line
	begun    bool           // there was one
	ruled    bool           // a rule followed the last User-agent line, so the next one begins a new group
	spoken   bool           // another record that belongs to a group followed it
}

// group is all that is said to one token.
type group struct {
	named   bool // a User-agent line names it
	rules   []rule
	delay   time.Duration
	signals rights.Signals
	usage   []usage

	takesRules  bool // the next rule belongs to it
	takesOthers bool // the next Crawl-delay, Content-Signal or Content-Usage belongs to it
}

func (p *parser) read(key, value string) {
	switch key {
	case keyAgent:
		p.agent(value)
	case keyAllow, keyDisallow:
		p.rule(value, key == keyAllow)
	case keyDelay:
		p.delay(value)
	case keySignal:
		p.signal(value)
	case keyUsage:
		p.usage(value)
	case keyLicense:
		p.license(value)
	case keySitemap:
		p.sitemaps = append(p.sitemaps, value)
	}
}

// agent parses a User-agent line. Consecutive lines begin one group. Only a rule ends the
// sequence, because other records must not interfere (RFC 9309, 2.2.4). A Crawl-delay, a
// Content-Signal or a Content-Usage, which are such records, applies to the lines directly
// above it.
func (p *parser) agent(name string) {
	if name == "" {
		return
	}
	p.begun = true
	for _, g := range []*group{&p.own, &p.any} {
		g.takesRules = g.takesRules && !p.ruled
		g.takesOthers = g.takesOthers && !p.ruled && !p.spoken
	}
	p.ruled, p.spoken = false, false
	if g := p.groupOf(name); g != nil {
		g.named, g.takesRules, g.takesOthers = true, true, true
	}
}

// groupOf returns the group that a User-agent line begins, or nil for another crawler's.
// A version or comment after the product token is not part of it.
func (p *parser) groupOf(name string) *group {
	token := name
	if end := strings.IndexAny(name, "/ \t,;("); end >= 0 {
		token = name[:end]
	}
	switch {
	case token == "*":
		return &p.any
	case p.token != "" && (strings.EqualFold(token, p.token) || strings.EqualFold(name, p.token)):
		return &p.own
	}
	return nil
}

// rule parses an Allow or Disallow line. An empty one matches nothing.
func (p *parser) rule(value string, allow bool) {
	p.ruled = true
	if value == "" {
		return
	}
	for _, g := range []*group{&p.own, &p.any} {
		if g.takesRules {
			g.rules = append(g.rules, rule{newPattern(strings.Clone(value)), allow})
		}
	}
}

func (p *parser) delay(value string) {
	p.spoken = true
	for _, g := range []*group{&p.own, &p.any} {
		if g.takesOthers {
			g.delay = max(g.delay, crawlDelay(value))
		}
	}
}

func (p *parser) rules() *Rules {
	g := p.any
	if p.own.named {
		g = p.own
	}
	slices.SortStableFunc(g.rules, func(a, b rule) int {
		return cmp.Or(cmp.Compare(b.octets, a.octets), allowFirst(a, b))
	})
	if g.signals == nil {
		g.signals = p.global
	}
	return &Rules{
		rules: slices.Clip(g.rules), delay: g.delay, signals: g.signals, usage: sortedUsage(g.usage),
		licenses: p.licenses, sitemaps: sitemaps(p.sitemaps),
	}
}

func allowFirst(a, b rule) int {
	switch {
	case a.allow == b.allow:
		return 0
	case a.allow:
		return -1
	}
	return 1
}
