// Command colly crawls a site with Colly, set up to be as fast as it can be:
// asynchronous, with as many connections kept alive as requests at once, and
// one callback a page. Two things are done for it that Colly leaves to its users:
// fragments are cut off, which it takes for pages of their own, and links that a
// page repeats are offered once.
//
//	colly URL OUT
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/gocolly/colly/v2"
)

const connections = 32

// record is the line of a page.
type record struct {
	URL    string `json:"url"`
	Status int    `json:"status"`
	Bytes  int    `json:"bytes"`
	Title  string `json:"title"`
	Links  int    `json:"links"`
}

// results writes records.
type results struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (r *results) write(page record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.out.Encode(page); err != nil {
		fmt.Fprintln(os.Stderr, "colly:", err)
	}
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: colly URL OUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "colly:", err)
		os.Exit(1)
	}
}

func run(seed, out string) error {
	from, err := url.Parse(seed)
	if err != nil {
		return err
	}
	file, err := os.Create(out)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriter(file)
	c, err := collector(from.Hostname(), &results{out: json.NewEncoder(w)})
	if err != nil {
		return err
	}
	if err := c.Visit(seed); err != nil {
		return err
	}
	c.Wait()
	return w.Flush()
}

func collector(host string, pages *results) (*colly.Collector, error) {
	c := colly.NewCollector(colly.Async(true), colly.AllowedDomains(host), colly.MaxBodySize(0))
	c.AllowURLRevisit = false
	c.WithTransport(&http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true})
	if err := c.Limit(&colly.LimitRule{DomainGlob: "*", Parallelism: connections}); err != nil {
		return nil, err
	}
	c.OnHTML("html", func(e *colly.HTMLElement) {
		links := unique(e.ChildAttrs("a[href]", "href"))
		for _, link := range links {
			_ = e.Request.Visit(link) // it says whether the link was seen before
		}
		pages.write(record{e.Request.URL.String(), e.Response.StatusCode, len(e.Response.Body),
			e.DOM.Find("title").First().Text(), len(links)})
	})
	c.OnResponse(func(r *colly.Response) {
		if !strings.Contains(r.Headers.Get("Content-Type"), "html") {
			pages.write(record{URL: r.Request.URL.String(), Status: r.StatusCode, Bytes: len(r.Body)})
		}
	})
	return c, nil
}

// unique drops fragments, and what is there twice.
func unique(refs []string) []string {
	links, seen := refs[:0], make(map[string]bool, len(refs))
	for _, ref := range refs {
		ref, _, _ = strings.Cut(ref, "#")
		if ref != "" && !seen[ref] {
			seen[ref] = true
			links = append(links, ref)
		}
	}
	return links
}
