package rules

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Scope decides which links are in a job's scope. It is safe for concurrent use.
type Scope struct {
	links, resources reach
	outside, beyond  queue.SkipReason // for links and for resources on other hosts
	embeds           bool             // the job fetches resources at all
	checks           bool             // the job checks what leads out of scope
	depth            int
	filter           atomic.Pointer[filter]
	shape            shape

	mu    sync.RWMutex
	ports map[string]bool // open ports; "" for the default ports of the schemes
}

// reach is the set of hosts in a scope of one kind. It is safe for concurrent use.
type reach struct {
	kind crawler.ScopeKind

	mu    sync.RWMutex
	homes map[string]bool
}

// NewScope compiles the scope of a job, given the hosts of its seeds. No port is open yet.
// The error names the setting and quotes the pattern that does not compile.
func NewScope(j crawler.ScopeSettings, seeds []crawler.Host) (*Scope, error) {
	s := &Scope{
		links:     reach{kind: j.Scope, homes: make(map[string]bool, len(seeds))},
		resources: reach{kind: j.ResourceScope, homes: make(map[string]bool, len(seeds))},
		embeds:    j.Resources, checks: j.Checks(), depth: j.Depth, ports: make(map[string]bool),
		shape: shape{j.MaxURLLength, j.MaxRepeats, j.MaxParams},
	}
	s.outside = queue.SkipReason{Rule: queue.RuleScope, Reason: "outside of scope " + string(j.Scope)}
	s.beyond = queue.SkipReason{Rule: queue.RuleResourceScope,
		Reason: "outside of resource scope " + string(j.ResourceScope)}
	s.Extend(seeds)
	return s, s.Filter(j)
}

// filter holds the patterns of a scope.
type filter struct {
	include, exclude []*regexp.Regexp
	priorities       PriorityRules
}

// Filter replaces the patterns by those of a job. It returns the same errors as NewScope.
func (s *Scope) Filter(j crawler.ScopeSettings) (err error) {
	var f filter
	if f.include, err = compile("include", j.Include); err != nil {
		return err
	}
	if f.exclude, err = compile("exclude", j.Exclude); err != nil {
		return err
	}
	if f.priorities, err = NewPriorityRules(j.Priorities); err != nil {
		return err
	}
	s.filter.Store(&f)
	return nil
}

// Band returns the band of a URL that the job found: that of the first of the job's
// priorities that the URL matches; if it matches none, usual.
func (s *Scope) Band(u crawler.URL, usual queue.Band) queue.Band {
	return s.filter.Load().priorities.Band(u, usual)
}

// excludes reports whether Exclude refuses a URL.
func (s *Scope) excludes(u crawler.URL) bool { return anyMatch(s.filter.Load().exclude, u.String()) }

// includes reports whether Include accepts a URL.
func (s *Scope) includes(u crawler.URL) bool {
	include := s.filter.Load().include
	return len(include) == 0 || anyMatch(include, u.String())
}

// Extend adds the hosts of further seeds. It opens no ports.
func (s *Scope) Extend(seeds []crawler.Host) {
	s.links.extend(seeds)
	s.resources.extend(seeds)
}

// OpenPorts allows requests to ports, because operators named them in seeds. "" stands for
// the default ports of the schemes.
func (s *Scope) OpenPorts(ports []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range ports {
		s.ports[p] = true
	}
}

// Covers reports whether the host is in scope, both for links and for resources.
func (s *Scope) Covers(h crawler.Host) bool {
	return s.links.covers(h) && (!s.embeds || s.resources.covers(h))
}

// CoversLink reports whether the host is in scope for links.
func (s *Scope) CoversLink(h crawler.Host) bool { return s.links.covers(h) }

func (r *reach) extend(seeds []crawler.Host) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range seeds {
		r.homes[r.home(h)] = true
	}
}

func (r *reach) covers(h crawler.Host) bool {
	if r.kind == crawler.ScopeAny {
		return true
	}
	home := r.home(h)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.homes[home]
}

// HasPort reports whether the port of a host is open, whichever host it was opened for.
func (s *Scope) HasPort(h crawler.Host) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ports[h.Port()]
}

func compile(setting string, patterns []string) ([]*regexp.Regexp, error) {
	compiled := make([]*regexp.Regexp, 0, len(patterns))
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, settingError(setting, "%q is not a regular expression: %v", p, err)
		}
		compiled = append(compiled, re)
	}
	return compiled, nil
}

// home returns what two hosts of the same site have in common under r.kind. Under ScopeHost
// it includes the port, because another port is another service.
func (r *reach) home(h crawler.Host) string {
	if r.kind == crawler.ScopeDomain {
		return h.Domain()
	}
	return strings.TrimPrefix(string(h), "www.")
}

// Refuses says why a link at the given depth is out of scope; "" if it is in scope.
func (s *Scope) Refuses(u crawler.URL, depth int) string { return s.Refusal(u, depth).Reason }

// TooDeep, notIncluded and excluded are reasons for refusing a URL.
var (
	TooDeep     = queue.SkipReason{Rule: queue.RuleDepth, Reason: "deeper than depth"}
	notIncluded = queue.SkipReason{Rule: queue.RuleInclude, Reason: "not included"}
	excluded    = queue.SkipReason{Rule: queue.RuleExclude, Reason: "excluded"}
)

func (s *Scope) Refusal(u crawler.URL, depth int) queue.SkipReason {
	switch {
	case s.depth >= 0 && depth > s.depth:
		return TooDeep
	case !s.links.covers(u.Host()):
		return s.outside
	case !s.includes(u):
		return notIncluded
	case s.excludes(u):
		return excluded
	}
	return s.shape.refusal(u)
}

// LinkRefusal is the reason why a link at the given depth is not even checked. In a job that
// checks no links, that is the reason why it is out of scope.
func (s *Scope) LinkRefusal(u crawler.URL, depth int) queue.SkipReason {
	switch {
	case !s.checks:
		return s.Refusal(u, depth)
	case s.depth >= 0 && depth > s.depth+1:
		return TooDeep
	case s.excludes(u):
		return excluded
	}
	return s.shape.refusal(u)
}

// Checks reports whether a URL is only checked, because it is not in the scope of pages or, for
// a resource, of resources. Depth does not matter: a page in scope that is one link too deep is
// read, in case that a shorter path to it is found later.
func (s *Scope) Checks(u crawler.URL, resource bool) bool {
	switch {
	case !s.checks:
		return false
	case resource:
		return !s.resources.covers(u.Host())
	}
	return !s.links.covers(u.Host()) || !s.includes(u)
}

// RefusesSitemap says why a sitemap may not be read; "" if it may. A sitemap leads to pages
// but is not one, so only the host and Exclude matter.
func (s *Scope) RefusesSitemap(u crawler.URL) string { return s.SitemapRefusal(u).Reason }

func (s *Scope) SitemapRefusal(u crawler.URL) queue.SkipReason {
	switch {
	case !s.links.covers(u.Host()):
		return s.outside
	case s.excludes(u):
		return excluded
	}
	return queue.SkipReason{}
}

// MaxEmbeds is how many resources in a row may lead away from a page: a style sheet, three
// that import one another, as in Python's manual, and an image or a font of the last.
const MaxEmbeds = 5

// RefusesResource says why a resource, embeds resources away from a page, is out of scope;
// "" if it is in scope. A browser shows a page with its resources on any host, however deep
// the page is. Archivers fetch them for that reason (Heritrix's transclusion, wget's page
// requisites). A job that checks links takes resources on any host.
func (s *Scope) RefusesResource(u crawler.URL, embeds int) string {
	return s.ResourceRefusal(u, embeds).Reason
}

func (s *Scope) ResourceRefusal(u crawler.URL, embeds int) queue.SkipReason {
	switch {
	case embeds > MaxEmbeds:
		return queue.SkipReason{Rule: queue.RuleEmbeds, Reason: "too many resources away from a page"}
	case !s.checks && !s.resources.covers(u.Host()):
		return s.beyond
	case s.excludes(u):
		return excluded
	}
	return queue.SkipReason{}
}

func anyMatch(patterns []*regexp.Regexp, s string) bool {
	for _, re := range patterns {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}

// MaxFollowRules is the largest number of rules that a job may have.
const MaxFollowRules = 64

// RuleSet is a set of a job's follow rules, by index.
type RuleSet uint64

// With returns the set with rule i in it.
func (s RuleSet) With(i int) RuleSet { return s | 1<<i }

// Has reports whether rule i is in the set.
func (s RuleSet) Has(i int) bool { return s&(1<<i) != 0 }

// FollowRules are the compiled rules of a job. They are safe for concurrent use.
type FollowRules []struct {
	crawler.FollowRule
	match, to *regexp.Regexp // nil matches everything
}

// NewFollowRules compiles the rules of a job. The error is a [crawler.SettingError].
func NewFollowRules(rules []crawler.FollowRule) (FollowRules, error) {
	if len(rules) > MaxFollowRules {
		return nil, settingError("follow_rules", "there are %d: want at most %d", len(rules), MaxFollowRules)
	}
	all := make(FollowRules, len(rules))
	for i, r := range rules {
		at := fmt.Sprintf("follow_rules[%d]", i)
		all[i].FollowRule = r
		var err error
		if all[i].match, err = compilePattern(at+".match", r.Match); err != nil {
			return nil, err
		}
		if all[i].to, err = compilePattern(at+".to", r.To); err != nil {
			return nil, err
		}
		if r.Depth < 0 {
			return nil, settingError(at+".depth", "%d is out of range: want 0 (no limit) or more", r.Depth)
		}
	}
	return all, nil
}

// On returns the rules that apply to a page.
func (rules FollowRules) On(page crawler.URL) (set RuleSet) {
	for i, r := range rules {
		if r.match == nil || r.match.MatchString(page.String()) {
			set = set.With(i)
		}
	}
	return set
}

// Take returns which of the rules in a set follow a link that is depth links away from a
// seed. It does not apply the scope of the job.
func (rules FollowRules) Take(set RuleSet, l Link, depth int) (by RuleSet) {
	for i, r := range rules {
		if set.Has(i) && (r.Links == "" || l.Rules.Has(i)) && (r.Depth == 0 || depth <= r.Depth) &&
			(r.to == nil || r.to.MatchString(l.URL.String())) {
			by = by.With(i)
		}
	}
	return by
}

// Reach returns whether one of the rules in a set follows a link, and up to which depth; -1
// for any.
func (rules FollowRules) Reach(set RuleSet, l Link) (most int, followed bool) {
	for i, r := range rules {
		if !set.Has(i) || r.Links != "" && !l.Rules.Has(i) || r.to != nil && !r.to.MatchString(l.URL.String()) {
			continue
		}
		if r.Depth == 0 {
			return -1, true
		}
		most, followed = max(most, r.Depth), true
	}
	return most, followed
}

// NearerDepth returns the smaller of two depths, where -1 means any depth.
func NearerDepth(a, b int) int {
	if a < 0 || b >= 0 && b < a {
		return b
	}
	return a
}
