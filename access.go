package trawl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/guard"
	"github.com/trawlcrawler/trawl/internal/proxy"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// AccessRule says how some hosts are reached: with which headers, cookies, login, certificates,
// proxies and trust. Of several rules that match a host, the first one that sets a property
// applies.
type AccessRule struct {
	// Hosts are the hosts that the rule is for, as in an access file: shop.example,
	// *.example.org, 127.0.0.1:8080, and https://shop.example or http://shop.example for one
	// scheme. Default every host, which is allowed only for Proxies and CAs.
	Hosts []string
	// Header are headers to send. They are treated as secrets: they are sent only to these
	// hosts, and only over TLS unless the host is written with http://.
	Header http.Header
	// Cookies are sent with every request to these hosts, under the same conditions. Only
	// their names and values count. In a job with Cookies they are like cookies that the host
	// has set: it may replace them and take them back. In other jobs they are sent as they
	// are, whatever the host sets.
	Cookies []*http.Cookie
	// User and Password are sent as basic authentication, under the same conditions.
	User, Password string
	// Proxies are URLs of proxies: http://user:password@host:port, https:// or socks5://, or
	// "direct". Each host gets one of them, and another one while that cannot be reached.
	Proxies []string
	// CAs are certificate authorities to trust in addition to the system's.
	CAs []*x509.Certificate
	// Certificates are client certificates for hosts that require one, such as those of
	// [tls.LoadX509KeyPair], which reads PEM files. If there are several, the first one is
	// presented that the host accepts.
	Certificates []tls.Certificate
	// Insecure disables the verification of the hosts' certificates.
	Insecure bool
}

// String returns the hosts of the rule, without its secrets.
func (a AccessRule) String() string { return fmt.Sprintf("access rule for %v", a.Hosts) }

// GoString is String, for %#v.
func (a AccessRule) GoString() string { return a.String() }

// rule returns the rule of the fetcher.
func (a AccessRule) rule() (r fetch.Rule, err error) {
	r = fetch.Rule{Header: a.Header, Login: urltext.NewLogin(a.User, a.Password), Cookies: a.Cookies,
		CAs: a.CAs, Certificates: a.Certificates, Insecure: a.Insecure}
	for _, host := range a.Hosts {
		pattern, err := fetch.ParseHostPattern(host)
		if err != nil {
			return fetch.Rule{}, err
		}
		r.Hosts = append(r.Hosts, pattern)
	}
	for _, text := range a.Proxies {
		if text == "direct" {
			r.Proxies = append(r.Proxies, nil)
			continue
		}
		p, err := proxy.Parse(text, true)
		if err != nil {
			return fetch.Rule{}, err
		}
		r.Proxies = append(r.Proxies, p)
	}
	return r, r.Check()
}

// guardWords are the names of the settings in errors of connections that are not allowed.
var guardWords = guard.Words{Private: "Config.AllowPrivate", CIDR: "Config.AllowCIDR"}

// errNoTransport says that Config.Transport returned nil.
var errNoTransport = errors.New("Config.Transport returned nil: return the RoundTripper that it was given, or one around it")

// private reports whether other workers would fetch other pages, because they lack what this
// program says about requests.
func (c Config) private() bool {
	return len(c.Access) > 0 || c.Identity != nil || c.Transport != nil
}

// fetching returns what connections may reach, and how.
func (c Config) fetching() (fetch.Config, error) {
	cfg := fetch.Config{AllowPrivate: c.AllowPrivate, AllowCIDR: c.AllowCIDR, Transport: c.transport, Words: guardWords}
	if c.Transport != nil && c.transport == nil {
		return fetch.Config{}, errNoTransport
	}
	for i, a := range c.Access {
		rule, err := a.rule()
		if err != nil {
			return fetch.Config{}, fmt.Errorf("Config.Access[%d]: %w", i, err)
		}
		cfg.Rules = append(cfg.Rules, rule)
	}
	err := c.Identity.sign(&cfg)
	return cfg, err
}
