package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// seed is one line of a list of URLs, or one argument.
type seed = localcrawl.Seed

// literal yields the seeds given as arguments or in a job file.
func literal(texts []string) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		for _, t := range texts {
			u, login, err := crawler.ParseLogin(t)
			if !yield(seed{URL: u, Login: login, Err: err}) {
				return
			}
		}
	}
}

// longestLine bounds a line of a list.
const longestLine = 1 << 20

// listed yields the URLs of a list, one a line. Empty lines and those that
// begin with # are passed over.
func listed(name string, r io.Reader) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(make([]byte, 64<<10), longestLine)
		for n := 1; lines.Scan(); n++ {
			line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			u, login, err := crawler.ParseLogin(line)
			if err != nil {
				err = fmt.Errorf("%s, line %d: %w", name, n, err)
			}
			if !yield(seed{URL: u, Login: login, Err: err}) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(seed{Err: fmt.Errorf("%s cannot be read to its end: %w", name, err)})
		}
	}
}

// fromArguments yields the URLs that the arguments of a list command name:
// URLs, files of URLs, and - for standard input. It fails on a file that is not
// there before anything is fetched.
func fromArguments(args []string, stdin io.Reader) (iter.Seq[seed], error) {
	var parts []iter.Seq[seed]
	for _, arg := range args {
		switch {
		case arg == "-":
			parts = append(parts, listed("standard input", stdin))
		case strings.Contains(arg, "://"):
			parts = append(parts, literal([]string{arg}))
		default:
			if info, err := os.Stat(arg); err != nil || info.IsDir() {
				return nil, usage("%q is neither a URL (with http:// or https://) nor a file of URLs", arg)
			}
			parts = append(parts, fromFile(arg))
		}
	}
	return func(yield func(seed) bool) {
		for _, part := range parts {
			for s := range part {
				if !yield(s) {
					return
				}
			}
		}
	}, nil
}

func fromFile(path string) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		file, err := os.Open(path)
		if err != nil {
			yield(seed{Err: err})
			return
		}
		defer file.Close()
		listed(path, file)(yield)
	}
}

// hostsOf returns the hosts of the seeds that are URLs, each once.
func hostsOf(seeds iter.Seq[seed]) []crawler.Host {
	var hosts []crawler.Host
	known := make(map[crawler.Host]bool)
	for s := range seeds {
		if h := s.URL.Host(); s.Err == nil && !known[h] {
			known[h] = true
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// Bounds of looking seeds up before a crawl.
const (
	lookups    = 32
	lookupTerm = 5 * time.Second
)

// unresolved looks the hosts up and returns what is wrong with those that have
// no address. Trouble that may pass is left to the crawl.
func unresolved(ctx context.Context, resolver *fetch.Resolver, hosts []crawler.Host) map[crawler.Host]error {
	bad := make(map[crawler.Host]error)
	var mu sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, lookups)
	for _, h := range hosts {
		if _, ok := h.Address(); ok {
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, lookupTerm)
			defer cancel()
			_, err := resolver.Lookup(ctx, h.Name())
			var dns *net.DNSError
			if errors.As(err, &dns) && dns.IsNotFound {
				mu.Lock()
				defer mu.Unlock()
				bad[h] = fmt.Errorf("host %q does not resolve: check its spelling, or your network", h.Name())
			}
		})
	}
	wg.Wait()
	return bad
}
