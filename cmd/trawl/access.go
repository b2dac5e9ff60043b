package main

import (
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/internal/fetch"
)

// rules returns the access rules. Those of the file come first.
func (s *settings) rules() ([]fetch.Rule, error) {
	var rules []fetch.Rule
	if s.Access != "" {
		var err error
		if rules, err = readAccess(s.Access); err != nil {
			return nil, err
		}
	}
	for _, part := range []func() (fetch.Rule, error){s.headerRule, s.proxyRule, s.caRule, s.insecureRule} {
		rule, err := part()
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func (s *settings) headerRule() (fetch.Rule, error) {
	rule := fetch.Rule{Header: make(http.Header)}
	for _, line := range s.Header {
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
	for _, u := range s.named {
		rule.Hosts = append(rule.Hosts, fetch.Exactly(u))
	}
	if len(s.named) == 0 {
		return fetch.Rule{}, nil
	}
	return rule, nil
}

// name records the seeds whose hosts get the headers of --header.
func (s *settings) name(seeds []string) error {
	for one := range literal(seeds) {
		if one.Err == nil {
			s.named = append(s.named, one.URL)
		}
	}
	if len(s.Header) > 0 && len(s.named) == 0 {
		return usage("header: no URL is named on the command line: to send headers to the hosts of a list, write rules (--access)")
	}
	return nil
}

func (s *settings) proxyRule() (fetch.Rule, error) {
	var rule fetch.Rule
	for _, text := range s.Proxy {
		text, err := expand(text, ".", escapeLogin)
		if err != nil {
			return rule, usage("proxy: %v", err)
		}
		p, err := parseProxy(text, s.ProxyRemoteDNS)
		if err != nil {
			return rule, usage("%v", err)
		}
		rule.Proxies = append(rule.Proxies, p)
	}
	return rule, nil
}

func (s *settings) caRule() (fetch.Rule, error) {
	var rule fetch.Rule
	for _, path := range s.CA {
		found, err := readAuthorities(path)
		if err != nil {
			return rule, usage("%v", err)
		}
		rule.CAs = append(rule.CAs, found...)
	}
	return rule, nil
}

func (s *settings) insecureRule() (fetch.Rule, error) {
	var rule fetch.Rule
	for _, text := range s.Insecure {
		p, err := fetch.ParseHostPattern(text)
		if err != nil {
			return rule, usage("insecure: %v", err)
		}
		rule.Hosts, rule.Insecure = append(rule.Hosts, p), true
	}
	return rule, nil
}
