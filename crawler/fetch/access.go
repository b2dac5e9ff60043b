package fetch

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
)

// access is what the rules of a fetcher come to for each host. A fetcher without
// rules has none, and asks it nothing. It is safe for concurrent use.
type access struct {
	all   []Rule
	rules []*standingRule
	log   *slog.Logger

	mu     sync.RWMutex
	logins map[HostPattern]Rule // that came with seeds
}

// standingRule is a rule with what was made of it once.
type standingRule struct {
	Rule
	send   http.Header // the headers
	roots  *x509.CertPool
	warned sync.Once // that its secrets are not sent over plain http
}

func newAccess(rules []Rule, log *slog.Logger) (*access, error) {
	a := &access{all: rules, log: log, logins: make(map[HostPattern]Rule)}
	for _, r := range rules {
		if err := r.Check(); err != nil {
			return nil, fmt.Errorf("fetch: %v: %w", r, err)
		}
		s := &standingRule{Rule: r, send: r.headers()}
		if len(r.CAs) > 0 {
			roots, err := x509.SystemCertPool()
			if err != nil {
				return nil, fmt.Errorf("fetch: authorities of the system: %w", err)
			}
			for _, c := range r.CAs {
				roots.AddCert(c)
			}
			s.roots = roots
		}
		if r.Insecure {
			log.Warn("certificates are not verified", "hosts", fmt.Sprint(r.Hosts))
		}
		a.rules = append(a.rules, s)
	}
	return a, nil
}

// admit takes a rule of a seed, over the one that an earlier seed of the same host
// had.
func (a *access) admit(r Rule) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range r.Hosts {
		a.logins[p] = r
	}
}

// secrets returns the headers that are sent with a request for u and nowhere else;
// nil for none.
func (a *access) secrets(u crawler.URL) http.Header {
	name, port := u.Host().Name(), portOf(u)
	var all http.Header
	add := func(h http.Header) {
		if all == nil {
			all = make(http.Header, len(h))
		}
		for header, values := range h {
			if all[header] == nil {
				all[header] = values
			}
		}
	}
	if r, ok := a.login(u); ok {
		add(r.headers())
	}
	for _, r := range a.rules {
		if len(r.send) == 0 {
			continue
		}
		covers, plainly := r.covers(name, port)
		switch {
		case covers && (plainly || u.Scheme() == "https"):
			add(r.send)
		case covers:
			r.warned.Do(func() {
				a.log.Warn("what a rule has for a host is secret, and not sent without TLS: write http:// before the host in the rule if it is to be", "host", u.Host())
			})
		}
	}
	return all
}

// login returns the rule that a seed at the host of u had. One of a seed of plain
// http is good for https as well, and not the other way round.
func (a *access) login(u crawler.URL) (Rule, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if len(a.logins) == 0 {
		return Rule{}, false
	}
	p := Exactly(u)
	if r, ok := a.logins[p]; ok || p.plain {
		return r, ok
	}
	p.plain = true
	r, ok := a.logins[p]
	return r, ok
}

// proxies returns those to go through to a port of a host, one of which is given;
// nil to go straight.
func (a *access) proxies(name, port string) []*Proxy {
	return proxiesIn(a.all, name, port)
}

func proxiesIn(rules []Rule, name, port string) []*Proxy {
	for _, r := range rules {
		if covers, _ := r.covers(name, port); covers && len(r.Proxies) > 0 {
			return r.Proxies
		}
	}
	return nil
}

// RemoteDNS reports whether the name of a host is looked up by its proxy, and need
// not be known here.
func (c Config) RemoteDNS(h crawler.Host) bool {
	proxies := proxiesIn(c.Rules, h.Name(), portsOf(h)[0])
	if len(proxies) == 0 {
		return false
	}
	p := ranked(proxies, h.Name())[0]
	return p != nil && p.remote
}

// trust changes what TLS trusts to what the rules say of a port of a host.
func (a *access) trust(cfg *tls.Config, name, port string) {
	var roots *x509.CertPool
	defer func() { cfg.RootCAs = cmp.Or(roots, cfg.RootCAs) }()
	for _, r := range a.rules {
		if covers, _ := r.covers(name, port); covers {
			roots = cmp.Or(roots, r.roots)
			cfg.InsecureSkipVerify = cfg.InsecureSkipVerify || r.Insecure
		}
	}
}

// portOf is the port that a request for u is made to.
func portOf(u crawler.URL) string {
	if port := u.Host().Port(); port != "" {
		return port
	}
	if u.Scheme() == "https" {
		return "443"
	}
	return "80"
}
