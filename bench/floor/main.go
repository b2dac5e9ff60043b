// Command floor is the least that a crawler in Go can be: net/http with
// connections kept alive, a tokenizer, net/url, a map of what was seen, and a
// line of JSON a page. It obeys nothing, keeps nothing safe and stops at
// nothing: what another crawler costs beyond it is what that crawler adds.
//
//	floor URL OUT
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"sync"

	"golang.org/x/net/html"
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

// crawl is what its goroutines share.
type crawl struct {
	client *http.Client
	host   string

	mu    sync.Mutex
	more  *sync.Cond
	seen  map[string]bool
	queue []string
	busy  int
	out   *json.Encoder
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: floor URL OUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
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
	c := &crawl{
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true}},
		host:   from.Host, seen: map[string]bool{seed: true}, queue: []string{seed}, out: json.NewEncoder(w),
	}
	c.more = sync.NewCond(&c.mu)
	var wg sync.WaitGroup
	for range connections {
		wg.Go(c.work)
	}
	wg.Wait()
	return w.Flush()
}

// work takes one URL after another until none is left and none can come.
func (c *crawl) work() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		for len(c.queue) == 0 {
			if c.busy == 0 {
				c.more.Broadcast()
				return
			}
			c.more.Wait()
		}
		next := c.queue[0]
		c.queue = c.queue[1:]
		c.busy++
		c.mu.Unlock()
		page, links, err := c.fetch(next)
		c.mu.Lock()
		c.busy--
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
		} else {
			c.note(page, links)
		}
		c.more.Broadcast()
	}
}

// note writes a page down and queues what is new. c.mu is held.
func (c *crawl) note(page record, links []string) {
	if err := c.out.Encode(page); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
	}
	for _, link := range links {
		if !c.seen[link] {
			c.seen[link] = true
			c.queue = append(c.queue, link)
		}
	}
}

func (c *crawl) fetch(at string) (record, []string, error) {
	resp, err := c.client.Get(at)
	if err != nil {
		return record{}, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return record{}, nil, err
	}
	page := record{URL: resp.Request.URL.String(), Status: resp.StatusCode, Bytes: len(body)}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || kind != "text/html" {
		return page, nil, nil
	}
	links := c.read(body, resp.Request.URL, &page)
	return page, links, nil
}

// read finds the title of a page and its links to the same host.
func (c *crawl) read(body []byte, base *url.URL, page *record) (links []string) {
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
				links = c.anchor(tokens, base, links)
			}
		}
	}
}

func (c *crawl) anchor(tokens *html.Tokenizer, base *url.URL, links []string) []string {
	for more := true; more; {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		if string(key) != "href" {
			continue
		}
		ref, err := url.Parse(string(value))
		if err != nil {
			return links
		}
		u := base.ResolveReference(ref)
		u.Fragment, u.RawFragment = "", ""
		if u.Scheme == "http" && u.Host == c.host {
			links = append(links, u.String())
		}
		return links
	}
	return links
}
