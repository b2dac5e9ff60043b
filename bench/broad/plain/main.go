// Command plain crawls a broad web as a plain program in Go would: a number of goroutines take one
// host after another. They fetch first its robots.txt and then its pages, one at a time, over
// connections that are kept alive. There is no queue outside of the process, no durability, and no
// retry. What another crawler costs beyond this is the price of its features.
//
//	plain SEEDS OUT NAMESERVER AUTHORITY HOSTS-AT-ONCE
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/html"
)

// record is the line of a page.
type record struct {
	URL    string `json:"url"`
	Status int    `json:"status"`
	Bytes  int    `json:"bytes"`
	Title  string `json:"title"`
	Links  int    `json:"links"`
}

// crawl is the state that the goroutines share.
type crawl struct {
	client *http.Client

	mu   sync.Mutex
	seen map[string]bool
	out  *json.Encoder

	hosts map[string][]*url.URL // first pages of hosts that no goroutine has taken
	order []string
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: plain SEEDS OUT NAMESERVER AUTHORITY HOSTS-AT-ONCE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
		os.Exit(1)
	}
}

func run(seeds, out, names, authority, atOnce string) error {
	n, err := strconv.Atoi(atOnce)
	if err != nil {
		return err
	}
	client, err := newClient(names, authority, n)
	if err != nil {
		return err
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	c := &crawl{client: client, seen: make(map[string]bool), out: json.NewEncoder(w), hosts: make(map[string][]*url.URL)}
	if err := c.read(seeds); err != nil {
		return err
	}
	var all sync.WaitGroup
	for range n {
		all.Go(c.work)
	}
	all.Wait()
	return w.Flush()
}

// newClient returns a client that asks a name server, remembers names, and trusts an authority.
func newClient(names, authority string, atOnce int) (*http.Client, error) {
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in " + authority)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, names)
	}}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	var known sync.Map
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			name, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			found, ok := known.Load(name)
			if !ok {
				all, err := resolver.LookupNetIP(ctx, "ip", name+".")
				if err != nil {
					return nil, err
				}
				found = all[0].Unmap()
				known.Store(name, found)
			}
			return dialer.DialContext(ctx, network, net.JoinHostPort(found.(netip.Addr).String(), port))
		},
		TLSClientConfig:     &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(4096)},
		ForceAttemptHTTP2:   true,
		DisableCompression:  true,
		MaxIdleConns:        atOnce,
		MaxIdleConnsPerHost: 1,
		IdleConnTimeout:     30 * time.Second,
	}}, nil
}

// read reads the seeds.
func (c *crawl) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for line := range strings.FieldsSeq(string(text)) {
		u, err := url.Parse(line)
		if err != nil {
			return err
		}
		c.offer(u)
	}
	return nil
}

// offer adds a URL of a host that no goroutine has taken. c.mu is held, or nothing runs yet.
func (c *crawl) offer(u *url.URL) {
	if c.seen[u.String()] {
		return
	}
	c.seen[u.String()] = true
	if c.hosts[u.Host] == nil {
		c.order = append(c.order, u.Host)
	}
	c.hosts[u.Host] = append(c.hosts[u.Host], u)
}

// take takes a host.
func (c *crawl) take() []*url.URL {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.order) == 0 {
		return nil
	}
	host := c.order[0]
	c.order = c.order[1:]
	pages := c.hosts[host]
	delete(c.hosts, host)
	return pages
}

func (c *crawl) work() {
	for pages := c.take(); pages != nil; pages = c.take() {
		c.visit(pages)
	}
}

// visit fetches all pages of a host that robots.txt allows.
func (c *crawl) visit(pages []*url.URL) {
	first := pages[0]
	robots := *first
	robots.Path = "/robots.txt"
	body, _, err := c.get(&robots)
	if err != nil {
		return
	}
	rules := disallowed(body)
	seen := map[string]bool{first.String(): true}
	for len(pages) > 0 {
		u := pages[0]
		pages = pages[1:]
		if forbids(rules, u.Path) {
			continue
		}
		body, page, err := c.get(u)
		if err != nil {
			continue
		}
		links := parse(body, u, &page)
		var others []*url.URL
		for _, link := range links {
			switch {
			case link.Host != u.Host:
				others = append(others, link)
			case !seen[link.String()]:
				seen[link.String()] = true
				pages = append(pages, link)
			}
		}
		c.note(page, others)
	}
}

// note writes the line of a page, and offers the page's links to other hosts.
func (c *crawl) note(page record, others []*url.URL) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.out.Encode(page); err != nil {
		fmt.Fprintln(os.Stderr, "plain:", err)
	}
	for _, u := range others {
		c.offer(u)
	}
}

func (c *crawl) get(u *url.URL) ([]byte, record, error) {
	resp, err := c.client.Get(u.String())
	if err != nil {
		return nil, record{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return body, record{URL: u.String(), Status: resp.StatusCode, Bytes: len(body)}, err
}

// disallowed returns the paths that a robots.txt forbids to all crawlers.
func disallowed(robots []byte) (paths []string) {
	for line := range strings.Lines(string(robots)) {
		if path, ok := strings.CutPrefix(line, "Disallow:"); ok && strings.TrimSpace(path) != "" {
			paths = append(paths, strings.TrimSpace(path))
		}
	}
	return paths
}

func forbids(rules []string, path string) bool {
	for _, rule := range rules {
		if strings.HasPrefix(path, rule) {
			return true
		}
	}
	return false
}

// parse finds the title of a page and its links.
func parse(body []byte, base *url.URL, page *record) (links []*url.URL) {
	tokens := html.NewTokenizer(bytes.NewReader(body))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			page.Links = len(links)
			return links
		case html.StartTagToken:
			name, attributes := tokens.TagName()
			switch {
			case string(name) == "title" && page.Title == "":
				if tokens.Next() == html.TextToken {
					page.Title = string(tokens.Text())
				}
			case string(name) == "a" && attributes:
				links = anchor(tokens, base, links)
			}
		}
	}
}

func anchor(tokens *html.Tokenizer, base *url.URL, links []*url.URL) []*url.URL {
	for more := true; more; {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		if string(key) != "href" {
			continue
		}
		if ref, err := url.Parse(string(value)); err == nil {
			u := base.ResolveReference(ref)
			u.Fragment, u.RawFragment = "", ""
			return append(links, u)
		}
		return links
	}
	return links
}
