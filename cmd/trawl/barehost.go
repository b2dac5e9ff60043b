package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
)

// secureTerm is how long a host may take to answer over TLS before plain HTTP is tried.
const secureTerm = 10 * time.Second

// schemed adds a scheme to the arguments that name a host without one, such as
// example.com/docs: https, or http if the host does not speak TLS. It prints which one it
// chose. If files is set, an argument that may be a file is left alone.
func (s *settings) schemed(ctx context.Context, args []string, files bool) ([]string, error) {
	isBare := func(arg string) bool { return bareHost(arg) && !(files && maybeFile(arg)) }
	if !slices.ContainsFunc(args, isBare) {
		return args, nil
	}
	cfg, err := s.reach()
	if err != nil {
		return nil, err
	}
	fetcher, err := fetch.New(cfg)
	if err != nil {
		return nil, failed("%v", err)
	}
	defer fetcher.Close()
	args = slices.Clone(args)
	said := make([]string, len(args))
	places := make(chan struct{}, lookups)
	var wg sync.WaitGroup
	for i, arg := range args {
		if !isBare(arg) {
			continue
		}
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			args[i], said[i] = withScheme(ctx, fetcher, arg, !files)
		})
	}
	wg.Wait()
	for _, text := range said {
		if text != "" {
			fmt.Fprintln(stderr, "trawl: "+text)
		}
	}
	return args, nil
}

// withScheme finds out which scheme a host speaks, and describes the result. open says that
// the command may reach the host at any address, even a private one.
func withScheme(ctx context.Context, fetcher *fetch.Fetcher, arg string, open bool) (url, said string) {
	secure := mustParse("https://" + arg)
	h := secure.Host()
	if _, written := h.Address(); open || written || h.Name() == "localhost" {
		fetcher.Allow(h)
	}
	ctx, cancel := context.WithTimeout(ctx, secureTerm)
	defer cancel()
	err := fetcher.Secure(ctx, h)
	var dns *net.DNSError
	if err == nil || errors.As(err, &dns) { // a later lookup reports a name that does not exist
		return secure.String(), fmt.Sprintf("using %[2]s for %[1]s", arg, secure)
	}
	plain := mustParse("http://" + arg)
	return plain.String(), fmt.Sprintf("using %[2]s for %[1]s: https does not work (%[3]v)", arg, plain, err)
}

// mustParse parses a URL that bareHost has already accepted.
func mustParse(text string) crawler.URL {
	u, err := crawler.ParseURL(text)
	if err != nil {
		panic("trawl: " + err.Error())
	}
	return u
}

// bareHost reports whether an argument is a host without a scheme, possibly with a port, a
// path and a query.
func bareHost(arg string) bool {
	host := arg
	if end := strings.IndexAny(arg, "/?#"); end >= 0 {
		host = arg[:end]
	}
	if host == "" || strings.Contains(arg, "://") || strings.ContainsAny(host, "@ \\") {
		return false
	}
	name, _, ported := strings.Cut(host, ":")
	switch strings.ToLower(name) {
	case "localhost":
	case "", "http", "https", "ftp", "file", "mailto", "tel", "sms", "urn", "data", "javascript", "about", "blob",
		"news":
		if !strings.HasPrefix(host, "[") {
			return false
		}
	default:
		if !ported && !strings.Contains(strings.Trim(name, "."), ".") {
			return false
		}
	}
	_, err := crawler.ParseURL("https://" + arg)
	_, plain := crawler.ParseURL("http://" + arg)
	return err == nil && plain == nil
}

// fileNames lists the top-level domains that are more common as file extensions.
var fileNames = []string{"zip", "md", "sh", "py", "rs", "pl"}

// maybeFile reports whether an argument that looks like a host is more likely a file: the
// file exists, or the name does not end in a domain of the Public Suffix List.
func maybeFile(arg string) bool {
	if _, err := os.Stat(arg); err == nil {
		return true
	}
	h := mustParse("https://" + arg).Host()
	_, written := h.Address()
	if written || h.Port() != "" || h.Name() == "localhost" {
		return false
	}
	suffix, icann := publicsuffix.PublicSuffix(h.Name())
	return !icann || !strings.ContainsAny(arg, "/?#") && slices.Contains(fileNames, suffix)
}
