package visit_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// exchangeSink is a sink that records exchanges as "GET /path: status line, number of octets after
// it".
type exchangeSink struct {
	memorySink
	mu        sync.Mutex
	exchanges []string
}

func (s *exchangeSink) Keep(ctx context.Context, results []*fetched.Result) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range results {
		pages := slices.Clone(r.Trail)
		if r.Page != nil {
			pages = append(pages, r.Page)
		}
		for _, p := range pages {
			s.exchanges = append(s.exchanges, describe(p))
		}
	}
	return s.memorySink.Keep(ctx, results)
}

func describe(p *fetched.Page) string {
	if p.Recording == nil {
		return p.URL.Path() + ": not recorded"
	}
	asked, _, _ := bytes.Cut(p.Recording.Request, []byte(" HTTP/1.1\r\n"))
	status, _, _ := bytes.Cut(p.Recording.Head, []byte("\r\n"))
	body := p.Recording.Tail
	if body == nil {
		body = p.Body
	}
	text := ""
	if body != nil {
		b, _ := io.ReadAll(body.Reader())
		text = ", " + string(b)
	}
	return string(asked) + ": " + string(status) + text
}

func TestSinksReceiveEveryExchangeOfAURLTask(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": "301 /b", "/b": "302 /c", "/c": "end", "/private": "never"})
	site.Robots("User-agent: *\nDisallow: /private\n")
	for name, format := range map[string][]string{"recorded": {"jsonl", "warc"}, "not recorded": {"jsonl"}} {
		t.Run(name, func(t *testing.T) {
			c := newCrawl(t, site, func(j *crawler.Job) { j.Format = format })
			s := new(exchangeSink)
			s.needs = needsOf(t, c.job)
			s.needs.Bodies = true
			c.tools.Sink = s
			c.seed("/a", "/private", "/missing").finish()
			want := []string{
				"/c: not recorded", "/missing: not recorded",
			}
			if slices.Contains(format, "warc") {
				want = []string{
					"GET /a: HTTP/1.1 301 Moved Permanently", "GET /b: HTTP/1.1 302 Found",
					"GET /c: HTTP/1.1 200 OK, end",
					"GET /missing: HTTP/1.1 404 Not Found, ",
					"GET /robots.txt: HTTP/1.1 200 OK, User-agent: *\nDisallow: /private\n",
				}
			}
			slices.Sort(s.exchanges)
			if diff := cmp.Diff(want, s.exchanges); diff != "" {
				t.Errorf("exchanges (-want +got):\n%s", diff)
			}
		})
	}
}
