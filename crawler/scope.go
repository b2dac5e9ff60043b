package crawler

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
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
	kind             ScopeKind
	depth            int
	include, exclude []*regexp.Regexp
	shape            shape

	mu    sync.RWMutex
	homes map[string]bool
}

// NewScope compiles the scope of a job that starts from the hosts of its
// seeds. The error names the setting and quotes the pattern that does not
// compile.
func NewScope(j Job, seeds []Host) (*Scope, error) {
	s := &Scope{
		kind: j.Scope, depth: j.Depth, shape: shape{j.MaxURLLength, j.MaxRepeats, j.MaxParams},
		homes: make(map[string]bool, len(seeds)),
	}
	s.Extend(seeds)
	var err error
	if s.include, err = compile("include", j.Include); err != nil {
		return nil, err
	}
	s.exclude, err = compile("exclude", j.Exclude)
	return s, err
}

// Extend takes in the hosts of further seeds.
func (s *Scope) Extend(seeds []Host) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range seeds {
		s.homes[s.home(h)] = true
	}
}

// Covers reports whether links to the host belong to the job, as far as that goes
// by their hosts.
func (s *Scope) Covers(h Host) bool {
	if s.kind == ScopeAny {
		return true
	}
	home := s.home(h)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.homes[home]
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

// home is what two hosts of the same site have in common under s.kind. A port
// is part of it under ScopeHost: another port is another service.
func (s *Scope) home(h Host) string {
	if s.kind == ScopeDomain {
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
	if !s.Covers(u.Host()) {
		return "outside of scope " + string(s.kind)
	}
	if len(s.include) > 0 && !anyMatch(s.include, u.href) {
		return "not included"
	}
	if anyMatch(s.exclude, u.href) {
		return "excluded"
	}
	return s.shape.refuses(u)
}

// RefusesSitemap says why a sitemap may not be read, or "" when it may. It is a
// way to pages and none itself, so what pages must look like does not concern
// it.
func (s *Scope) RefusesSitemap(u URL) string {
	switch {
	case !s.Covers(u.Host()):
		return "outside of scope " + string(s.kind)
	case anyMatch(s.exclude, u.href):
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
