package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/dns"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// seed is one line of a list of URLs, or one argument.
type seed = localcrawl.Seed

// literal yields the seeds given as arguments or in a job file.
func literal(texts []string) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		for _, t := range texts {
			u, login, err := parseLogin(t)
			if !yield(seed{URL: u, Login: login, Err: err}) {
				return
			}
		}
	}
}

// parseLogin parses a URL, and returns the user name and password in it apart.
func parseLogin(text string) (crawler.URL, urltext.Login, error) {
	u, err := crawler.ParseURL(text)
	if err != nil {
		return crawler.URL{}, urltext.Login{}, err
	}
	return u, urltext.LoginOf(text), nil
}

// longestLine is the longest line that a list may have, in bytes.
const longestLine = 1 << 20

// listed yields the seeds of a list, one for each line. For a line that cannot be used, the
// error has the line number.
func listed(name string, r io.Reader) iter.Seq[seed] {
	return func(yield func(seed) bool) {
		n := 0
		for line, err := range seedfile.SeedLines(r, longestLine) {
			n++
			_, bad := seedfile.AsLineError(err)
			switch {
			case err != nil && !bad:
				yield(seed{Err: fmt.Errorf("read %s: %w", name, err)})
				return
			case err == nil && line == "":
				continue
			}
			s := listedSeed(line, err)
			if s.Err != nil {
				s.Err = fmt.Errorf("%s, line %d: %w", name, n, s.Err)
			}
			if !yield(s) {
				return
			}
		}
	}
}

// listedSeed parses a line of a list.
func listedSeed(line string, err error) seed {
	s := seed{Err: err, Listed: true}
	var parsed seedfile.Seed
	if s.Err == nil {
		parsed, s.Err = seedfile.ParseSeed(line)
	}
	if s.Err == nil {
		s.Priority = parsed.Priority
		s.URL, s.Login, s.Err = parseLogin(parsed.URL)
	}
	return s
}

// fromArguments yields the URLs that the arguments of a command name: URLs, files of URLs,
// and - for standard input. It returns an error if a file does not exist, before anything
// is fetched.
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

// Limits for looking up the hosts of seeds before a crawl.
const (
	lookups    = 32
	lookupTerm = 5 * time.Second
	maxLookups = 200 // the crawl finds out about further hosts without an address
)

// unresolved looks up hosts and returns the errors of those that have no address. gone has
// the names that do not exist. unsure has errors that may pass; the crawl deals with these.
// If there are many hosts, only the first are looked up. After ctx has ended, no more are.
func unresolved(ctx context.Context, resolver *dns.Resolver,
	hosts []crawler.Host) (gone, unsure map[crawler.Host]error) {
	gone, unsure = make(map[crawler.Host]error), make(map[crawler.Host]error)
	var mu sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, lookups)
	for _, h := range hosts[:min(len(hosts), maxLookups)] {
		if _, ok := h.Address(); ok {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(ctx, lookupTerm)
			defer cancel()
			_, err := resolver.Lookup(ctx, h.Name())
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			var dns *net.DNSError
			if errors.As(err, &dns) && dns.IsNotFound {
				gone[h] = fmt.Errorf("host %q does not resolve: check its spelling, or your network", h.Name())
			} else {
				unsure[h] = fmt.Errorf("host %q cannot be looked up now; trying again during the crawl: %w", h.Name(),
					err)
			}
		})
	}
	wg.Wait()
	return gone, unsure
}

// sayUnresolved reports hosts that have no address, sorted by name.
func sayUnresolved(bad map[crawler.Host]error) {
	for _, h := range slices.Sorted(maps.Keys(bad)) {
		fmt.Fprintf(stderr, "trawl: %v\n", bad[h])
	}
}
