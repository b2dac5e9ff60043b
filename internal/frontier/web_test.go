package frontier

import (
	"fmt"
	"hash/fnv"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file generates a web that fills frontiers. Its URLs have 60 characters, half of them in the
// path, and differ like URLs with a slug.
const (
	webURLLength = 60
	pageLinks    = 100 // links per page
)

// webHost returns the name of a host of the web; host is less than a million.
func webHost(host int) crawler.Host { return crawler.Host(fmt.Sprintf("www.site%06d.example", host)) }

// webPath returns the part of URL n of a host that follows "/pages/".
func webPath(host, n int) string {
	slug := fnv.New64a()
	fmt.Fprint(slug, host, "/", n)
	return fmt.Sprintf("%d/%016x.html", n%10, slug.Sum64())
}

// webPage returns the links of a page: the same number of URLs of each host, in turn, from number
// first on. The referrer of each is another page of its host.
func webPage(tb testing.TB, first int, hosts ...int) []queue.Entry {
	tb.Helper()
	entries := make([]queue.Entry, pageLinks)
	for i := range entries {
		host, n := hosts[i%len(hosts)], first+i/len(hosts)
		e, err := webEntry(host, n, first+pageLinks+1)
		if err != nil {
			tb.Fatal(err)
		}
		entries[i] = e
	}
	return entries
}

// webEntry returns URL n of a host with the referrer via. It unpacks the URL from the form of a
// parsed one, because parsing millions of URLs would take longer than the measured operations.
func webEntry(host, n, via int) (queue.Entry, error) {
	form := webForm()
	return queue.UnpackEntry(webHost(host), queue.BandNormal, form[0]+webPath(host, n)+form[1]+webPath(host, via))
}

// webForm is the packed form of an entry of the web, cut where entries differ.
var webForm = sync.OnceValue(func() [2]string {
	path, via := "0/0000000000000000.html", "1/1111111111111111.html"
	parse := func(path string) crawler.URL {
		u, err := crawler.ParseURL("https://www.site000000.example/pages/" + path)
		if err != nil {
			panic(err)
		}
		return u
	}
	packed := queue.Entry{URL: parse(path), Referrer: parse(via), Depth: 3}.Pack()
	before, behind, _ := strings.Cut(packed, path)
	return [2]string{before, strings.TrimSuffix(behind, via)}
})

func TestTheGeneratedWebHasValidURLs(t *testing.T) {
	t.Parallel()
	for _, e := range webPage(t, 0, 7, 123456) {
		for _, u := range []crawler.URL{e.URL, e.Referrer} {
			if parsed := url(t, u.String()); parsed != u || len(u.String()) != webURLLength {
				t.Fatalf("%q, of %d characters, is parsed as %q; want one of %d", u, len(u.String()), parsed,
					webURLLength)
			}
		}
	}
}
