package fetch

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/proxy"
)

// access applies the rules of a fetcher to hosts. It is safe for concurrent use.
type access struct {
	all   []Rule
	rules []*preparedRule
	log   *slog.Logger

	mu     sync.RWMutex
	logins map[HostPattern]Rule // from seeds
}

// preparedRule is a rule with what is computed from it once.
type preparedRule struct {
	Rule
	send   http.Header // all headers to send
	roots  *x509.CertPool
	warned sync.Once // that its secrets are not sent over plain http
}

func newAccess(rules []Rule, log *slog.Logger) (*access, error) {
	a := &access{all: rules, log: log, logins: make(map[HostPattern]Rule)}
	for _, r := range rules {
		if err := r.Check(); err != nil {
			return nil, fmt.Errorf("fetch: %v: %w", r, err)
		}
		s := &preparedRule{Rule: r, send: r.headers()}
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

// admit adds the rule of a seed. It replaces the rule of an earlier seed for the same host.
func (a *access) admit(r Rule) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range r.Hosts {
		a.logins[p] = r
	}
}

// secrets returns the headers that may only be sent with a request for u; nil if there are
// none.
func (a *access) secrets(u crawler.URL) http.Header {
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
		if sends, _ := a.sends(r, u); sends {
			add(r.send)
		}
	}
	return all
}

// cookies returns the cookies that may only be sent with a request for u; nil if there are
// none. Of several rules with a cookie of one name, the first one applies.
func (a *access) cookies(u crawler.URL) (all []*http.Cookie) {
	for _, r := range a.rules {
		if len(r.Cookies) == 0 {
			continue
		}
		sends, plainly := a.sends(r, u)
		if !sends {
			continue
		}
		for _, c := range r.Cookies {
			if !slices.ContainsFunc(all, func(k *http.Cookie) bool { return k.Name == c.Name }) {
				all = append(all, &http.Cookie{Name: c.Name, Value: c.Value, Secure: !plainly})
			}
		}
	}
	return all
}

// sends reports whether the secrets of a rule may be sent with a request for u, and whether
// also without TLS. It warns once about secrets that are withheld because there is no TLS.
func (a *access) sends(r *preparedRule, u crawler.URL) (sends, plainly bool) {
	covers, plainly := r.covers(u.Host().Name(), portOf(u))
	sends = covers && (plainly || u.Scheme() == "https")
	if covers && !sends {
		r.warned.Do(func() {
			a.log.Warn("the secrets of a rule are not sent without TLS: to send them, write http:// before the host in the rule", "host", u.Host())
		})
	}
	return sends, plainly
}

// login returns the rule of a seed at the host of u. The rule of a plain http seed also
// applies to https, but not vice versa.
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

// proxies returns the proxies for a port of a host; nil to connect directly.
func (a *access) proxies(name, port string) []*proxy.Proxy {
	return proxiesIn(a.all, name, port)
}

func proxiesIn(rules []Rule, name, port string) []*proxy.Proxy {
	for _, r := range rules {
		if covers, _ := r.covers(name, port); covers && len(r.Proxies) > 0 {
			return r.Proxies
		}
	}
	return nil
}

// RemoteDNS reports whether a host's name is resolved by its proxy rather than locally.
func (c Config) RemoteDNS(h crawler.Host) bool {
	proxies := proxiesIn(c.Rules, h.Name(), guard.PortsOf(h)[0])
	if len(proxies) == 0 {
		return false
	}
	return proxy.Ranked(proxies, h.Name())[0].Remote()
}

// trust sets the root certificates, verification, ciphers and client certificates that the
// rules specify for a port of a host. Where rules decide whom to trust, or who we are, sessions are not
// resumed: one that was begun under another rule would pass for this one.
func (a *access) trust(cfg *tls.Config, name, port string) {
	var roots *x509.CertPool
	defer func() {
		if roots != nil || len(cfg.Certificates) > 0 || cfg.InsecureSkipVerify {
			cfg.ClientSessionCache = nil
		}
		cfg.RootCAs = cmp.Or(roots, cfg.RootCAs)
	}()
	for _, r := range a.rules {
		if covers, _ := r.covers(name, port); covers {
			roots = cmp.Or(roots, r.roots)
			if len(cfg.Certificates) == 0 {
				cfg.Certificates = r.Certificates
			}
			cfg.InsecureSkipVerify = cfg.InsecureSkipVerify || r.Insecure
			if r.TLS == crawler.TLSLegacy {
				allowLegacy(cfg)
			}
		}
	}
}

// portOf returns the port of a request for u.
func portOf(u crawler.URL) string {
	if port := u.Host().Port(); port != "" {
		return port
	}
	if u.Scheme() == "https" {
		return "443"
	}
	return "80"
}
