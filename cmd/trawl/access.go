package main

import (
	"net/http"
	"strings"

	"github.com/spf13/pflag"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
)

// Credentials are what a process shows to hosts, whom it trusts, and its
// proxies. They stay in the process: no job, and so no Redis, has them.
type Credentials struct {
	// Access is a file of rules.
	Access string `yaml:"access"`
	// Header are headers for the hosts of the seeds that are named: NAME: VALUE.
	Header []string `yaml:"header"`
	// Proxy are the proxies for all hosts for which no rule has others.
	Proxy []string `yaml:"proxy"`
	// ProxyRemoteDNS lets those look names up.
	ProxyRemoteDNS bool `yaml:"proxy_remote_dns"`
	// CA are files of authorities to trust besides the system's.
	CA []string `yaml:"ca"`
	// Insecure are hosts whose certificates are not verified.
	Insecure []string `yaml:"insecure"`

	named []crawler.URL // seeds whose hosts Header is for
}

// register defines the flags of every command that fetches.
func (a *Credentials) register(flags *pflag.FlagSet) {
	flags.StringVar(&a.Access, "access", "", "file of rules: headers, logins, proxies and authorities for hosts (docs/access.md)")
	flags.StringArrayVar(&a.Proxy, "proxy", nil, "proxy for all hosts: http, https or socks5://[USER:PASSWORD@]HOST[:PORT]; each host stays with one of several; may be repeated")
	flags.BoolVar(&a.ProxyRemoteDNS, "proxy-remote-dns", false, "let proxies look names up: it is for them then to refuse private addresses")
	flags.StringArrayVar(&a.CA, "ca", nil, "PEM file of authorities to trust besides the system's; may be repeated")
	flags.StringArrayVar(&a.Insecure, "insecure", nil, "host whose certificate is not verified, such as intranet.example or *.test:8443; may be repeated")
}

// registerHeader defines the flag of commands that name seeds.
func (a *Credentials) registerHeader(flags *pflag.FlagSet) {
	flags.StringArrayVar(&a.Header, "header", nil, "header to send to the hosts that are named, and to no other: 'X-Key: ${KEY}' takes it from the environment; may be repeated")
}

// rules returns the rules: those of the file come first.
func (a *Credentials) rules() ([]fetch.Rule, error) {
	var rules []fetch.Rule
	if a.Access != "" {
		var err error
		if rules, err = readAccess(a.Access); err != nil {
			return nil, err
		}
	}
	for _, part := range []func() (fetch.Rule, error){a.headerRule, a.proxyRule, a.caRule, a.insecureRule} {
		rule, err := part()
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (a *Credentials) headerRule() (fetch.Rule, error) {
	rule := fetch.Rule{Header: make(http.Header)}
	for _, line := range a.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return rule, usage("header: want NAME: VALUE")
		}
		value, err := expand(strings.TrimSpace(value), ".", asIs)
		if err == nil {
			err = fetch.CheckHeader(name, value)
		}
		if err != nil {
			return rule, usage("header: %v", err)
		}
		rule.Header.Add(name, value)
	}
	for _, u := range a.named {
		rule.Hosts = append(rule.Hosts, fetch.Exactly(u))
	}
	if len(a.named) == 0 {
		return fetch.Rule{}, nil
	}
	return rule, nil
}

// name notes the seeds whose hosts --header is for.
func (a *Credentials) name(seeds []string) error {
	for s := range literal(seeds) {
		if s.Err == nil {
			a.named = append(a.named, s.URL)
		}
	}
	if len(a.Header) > 0 && len(a.named) == 0 {
		return usage("header: no URL is named whose host it could be sent to: for the hosts of a list, write rules (--access)")
	}
	return nil
}

func (a *Credentials) proxyRule() (fetch.Rule, error) {
	var rule fetch.Rule
	for _, text := range a.Proxy {
		text, err := expand(text, ".", escapeLogin)
		if err != nil {
			return rule, usage("proxy: %v", err)
		}
		p, err := parseProxy(text, a.ProxyRemoteDNS)
		if err != nil {
			return rule, usage("%v", err)
		}
		rule.Proxies = append(rule.Proxies, p)
	}
	return rule, nil
}

func (a *Credentials) caRule() (fetch.Rule, error) {
	var rule fetch.Rule
	for _, path := range a.CA {
		found, err := readAuthorities(path)
		if err != nil {
			return rule, usage("%v", err)
		}
		rule.CAs = append(rule.CAs, found...)
	}
	return rule, nil
}

func (a *Credentials) insecureRule() (fetch.Rule, error) {
	var rule fetch.Rule
	for _, text := range a.Insecure {
		p, err := fetch.ParseHostPattern(text)
		if err != nil {
			return rule, usage("insecure: %v", err)
		}
		rule.Hosts, rule.Insecure = append(rule.Hosts, p), true
	}
	return rule, nil
}
