package crawler

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

// ScopeKind says how far from its seeds a job goes.
type ScopeKind string

// The kinds of scope.
const (
	ScopeHost   ScopeKind = "host"   // the hosts of the seeds, with or without "www."
	ScopeDomain ScopeKind = "domain" // the registrable domains of the seeds
	ScopeAny    ScopeKind = "any"    // wherever links lead
)

// ScopeKinds lists the kinds.
var ScopeKinds = []ScopeKind{ScopeHost, ScopeDomain, ScopeAny}

// Scope decides which links belong to a job. It is safe for concurrent use.
type Scope struct {
	links, resources reach
	embeds           bool // the job takes resources at all
	depth            int
	filter           atomic.Pointer[filter]
	shape            shape

	mu    sync.RWMutex
	ports map[string]bool // of the seeds
}

// reach is the hosts that a scope of a kind takes in. It is safe for concurrent
// use.
type reach struct {
	kind ScopeKind

	mu    sync.RWMutex
	homes map[string]bool
}

// NewScope compiles the scope of a job that starts from the hosts of its
// seeds. The error names the setting and quotes the pattern that does not
// compile.
func NewScope(j Job, seeds []Host) (*Scope, error) {
	s := &Scope{
		links:     reach{kind: j.Scope, homes: make(map[string]bool, len(seeds))},
		resources: reach{kind: j.ResourceScope, homes: make(map[string]bool, len(seeds))},
		embeds:    j.Resources, depth: j.Depth, ports: make(map[string]bool), shape: shape{j.MaxURLLength, j.MaxRepeats, j.MaxParams},
	}
	s.Extend(seeds)
	return s, s.Filter(j)
}

// filter are the patterns of a scope.
type filter struct {
	include, exclude []*regexp.Regexp
	priorities       PriorityRules
}

// Filter puts the patterns of a job in the place of those before. The error is that of NewScope.
func (s *Scope) Filter(j Job) (err error) {
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

// Band is the band of a URL that the job found: that of the first of its priorities
// that the URL matches, and usual if it matches none.
func (s *Scope) Band(u URL, usual Band) Band { return s.filter.Load().priorities.Band(u, usual) }

// excludes reports whether a link may not lead to a URL.
func (s *Scope) excludes(u URL) bool { return anyMatch(s.filter.Load().exclude, u.href) }

// includes reports whether a link may lead to a URL, unless it is excluded.
func (s *Scope) includes(u URL) bool {
	include := s.filter.Load().include
	return len(include) == 0 || anyMatch(include, u.href)
}

// Extend takes in the hosts of further seeds.
func (s *Scope) Extend(seeds []Host) {
	s.links.extend(seeds)
	s.resources.extend(seeds)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range seeds {
		s.ports[h.Port()] = true
	}
}

// Covers reports whether links to the host, and resources there, belong to the
// job, as far as that goes by their hosts.
func (s *Scope) Covers(h Host) bool {
	return s.links.covers(h) && (!s.embeds || s.resources.covers(h))
}

func (r *reach) extend(seeds []Host) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range seeds {
		r.homes[r.home(h)] = true
	}
}

func (r *reach) covers(h Host) bool {
	if r.kind == ScopeAny {
		return true
	}
	home := r.home(h)
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.homes[home]
}

// HasPort reports whether a host has the same port as a seed.
func (s *Scope) HasPort(h Host) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.ports[h.Port()]
}

func compile(setting string, patterns []string) ([]*regexp.Regexp, error) {
	compiled := make([]*regexp.Regexp, 0, len(patterns))
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %q is not a regular expression: %w", setting, p, err)
		}
		compiled = append(compiled, re)
	}
	return compiled, nil
}

// home is what two hosts of the same site have in common under r.kind. A port
// is part of it under ScopeHost: another port is another service.
func (r *reach) home(h Host) string {
	if r.kind == ScopeDomain {
		return h.Domain()
	}
	return strings.TrimPrefix(string(h), "www.")
}

// Refuses says why a link at the given depth does not belong to the job, or ""
// when it does.
func (s *Scope) Refuses(u URL, depth int) string {
	if s.depth >= 0 && depth > s.depth {
		return "deeper than depth"
	}
	if !s.links.covers(u.Host()) {
		return "outside of scope " + string(s.links.kind)
	}
	if !s.includes(u) {
		return "not included"
	}
	if s.excludes(u) {
		return "excluded"
	}
	return s.shape.refuses(u)
}

// RefusesSitemap says why a sitemap may not be read, or "" when it may. It is a
// way to pages and none itself, so what pages must look like does not concern
// it.
func (s *Scope) RefusesSitemap(u URL) string {
	switch {
	case !s.links.covers(u.Host()):
		return "outside of scope " + string(s.links.kind)
	case s.excludes(u):
		return "excluded"
	}
	return ""
}

// mostEmbeds is how many resources in a row may lead away from a page: a style
// sheet, three that import one another, as those of Python's manual do, and an
// image or a font of the last.
const mostEmbeds = 5

// RefusesResource says why a resource, the given number of resources away from a
// page, does not belong to the job, or "" when it does. A page is shown with its
// resources wherever they lie and however deep it is itself; so archivers take
// them (Heritrix's transclusion, wget's page requisites).
func (s *Scope) RefusesResource(u URL, embeds int) string {
	switch {
	case embeds > mostEmbeds:
		return "too many resources away from a page"
	case !s.resources.covers(u.Host()):
		return "outside of resource scope " + string(s.resources.kind)
	case s.excludes(u):
		return "excluded"
	}
	return ""
}

func anyMatch(patterns []*regexp.Regexp, s string) bool {
	for _, re := range patterns {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}
