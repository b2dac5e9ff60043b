package visit_test

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// anubis is a challenge that comes with 200.
const anubis = `<!doctype html><html><head><title>Making sure you're not a bot!</title>
<script id="anubis_challenge" type="application/json">{}</script></head>
<body><a href="/linked">Why am I seeing this?</a></body></html>`

// block returns a handler that sends a block page, as often as refusals says (-1: always), and
// then the site's own pages. It counts the requests.
func block(status, refusals int, header string, pages http.Handler) (http.Handler, *atomic.Int64) {
	asked := new(atomic.Int64)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := asked.Add(1); refusals >= 0 && n > int64(refusals) {
			pages.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		if header != "" {
			name, value, _ := strings.Cut(header, ": ")
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		if header == "" {
			_, _ = io.WriteString(w, anubis)
		}
	}), asked
}

func TestABlockPageOfOneURLIsNoContentAndIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int
		header   string
		mark     string
		requests int
	}{
		"200":              {200, "", "anubis", 1},
		"202":              {202, "X-Amzn-Waf-Action: challenge", "aws-waf", 1},
		"403":              {403, "Cf-Mitigated: challenge", "cloudflare-challenge", 1},
		"429, which waits": {429, "X-Vercel-Mitigated: challenge", "vercel", 3},
		"503, which waits": {503, "", "anubis", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, paths := manyPages(20)
			site := testsite.Serve(t, pages)
			handler, asked := block(c.status, -1, c.header, nil)
			site.Handle(paths[9], handler)
			crawl := newCrawl(t, site, func(j *crawler.Job) { j.Retries, j.RetryPause, j.Text = 2, 1, true }).seed(paths...)
			crawl.finish()
			crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 19, crawler.OutcomeBlocked: 1})
			rec := crawl.record(paths[9])
			if rec.BlockPage != c.mark || rec.ErrorClass != crawler.ErrorBlockPage || rec.Status != c.status ||
				!strings.Contains(rec.Error, "with a block page: a challenge by") || rec.Title != "" || rec.Text != "" {
				t.Errorf("record %+v", rec)
			}
			if n := asked.Load(); n != int64(c.requests) {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if n := crawl.counters(); n.Causes["block_page"] != 1 || n.Seen != 20 {
				t.Errorf("causes %v of %d URLs", n.Causes, n.Seen)
			}
		})
	}
}

func TestAHostThatSendsBlockPagesIsGivenUp(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(50)
	site := testsite.Serve(t, pages)
	handler, asked := block(403, -1, "Cf-Mitigated: challenge", nil)
	for _, path := range paths {
		site.Handle(path, handler)
	}
	crawl := newCrawl(t, site, func(j *crawler.Job) { j.HostTries, j.RetryPause = 3, 1 }).seed(paths...)
	crawl.finish()
	crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeBlocked: 50})
	if n := asked.Load(); n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	rec := crawl.record(paths[49])
	if want := "the host is given up: it refused, or was not reached, 3 times in a row, at last: the server answered " +
		"403 with a block page: a challenge by Cloudflare"; rec.Error != want || rec.ErrorClass != crawler.ErrorBlockPage {
		t.Errorf("record %+v, want error %q", rec, want)
	}
}

func TestAHostThatStopsSendingBlockPagesLosesNothing(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(20)
	site := testsite.Serve(t, pages)
	handler, _ := block(200, 5, "", pages)
	for _, path := range paths {
		site.Handle(path, handler)
	}
	crawl := newCrawl(t, site, func(j *crawler.Job) { j.RetryPause = 1 }).seed(paths...)
	crawl.finish()
	crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 20})
}

func TestBlockPagesAreKeptForArchives(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/linked": links()})
	handler, asked := block(200, -1, "", nil)
	site.Handle("/a", handler)
	crawl := newCrawl(t, site, func(j *crawler.Job) { j.KeepBlockPages = true }).seed("/a")
	crawl.finish()
	crawl.wantRecords(map[string]string{"/a": "fetched", "/linked": "fetched"})
	if rec := crawl.record("/a"); rec.BlockPage != "" || rec.Title != "Making sure you're not a bot!" ||
		asked.Load() != 1 {
		t.Errorf("record %+v after %d requests", rec, asked.Load())
	}
}

// TestABlockPageIsNoRobotsTxt makes sure that a challenge in place of a robots.txt does not allow
// everything.
func TestABlockPageIsNoRobotsTxt(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links()})
	handler, asked := block(200, -1, "", nil)
	site.Handle("/robots.txt", handler)
	crawl := newCrawl(t, site, func(j *crawler.Job) { j.RobotsTries, j.RetryPause = 1, 1 }).seed("/a")
	crawl.finish()
	crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeBlocked: 1})
	if rec := crawl.record("/a"); rec.Status != 0 || rec.ErrorClass != crawler.ErrorBlockPage ||
		!strings.HasPrefix(rec.Error, "robots.txt was answered with a block page") || asked.Load() != 1 {
		t.Errorf("record %+v after %d requests", rec, asked.Load())
	}
}

func TestAPageThatCostsMoneyEndsWithItsPrice(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(5)
	site := testsite.Serve(t, pages)
	var asked atomic.Int64
	site.Handle(paths[2], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		for _, name := range []string{"Crawler-Max-Price", "Crawler-Exact-Price"} {
			if offer := r.Header.Get(name); offer != "" {
				t.Errorf("the request offers to pay: %s: %s", name, offer)
			}
		}
		w.Header().Set("Crawler-Price", " USD 0.01")
		w.WriteHeader(http.StatusPaymentRequired)
	}))
	crawl := newCrawl(t, site, nil).seed(paths...)
	crawl.finish()
	crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 4, crawler.OutcomePaymentRequired: 1})
	rec := crawl.record(paths[2])
	if rec.Price != "USD 0.01" || rec.Error != "the server answered 402 Payment Required: it asks for USD 0.01" ||
		rec.ErrorClass != crawler.ErrorHTTP || asked.Load() != 1 {
		t.Errorf("record %+v after %d requests", rec, asked.Load())
	}
	if n := crawl.counters(); n.Causes["402"] != 1 || n.Failed() != 1 {
		t.Errorf("causes %v", n.Causes)
	}
}

// shop serves pages that cost a price, and counts what was offered.
func shop(t *testing.T, site *testsite.Site, paths []string, price string, pages http.Handler) (offers *atomic.Int64) {
	offers = new(atomic.Int64)
	for _, path := range paths {
		site.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch offer := r.Header.Get("Crawler-Max-Price"); offer {
			case "":
				w.Header().Set("Crawler-Price", price)
				w.WriteHeader(http.StatusPaymentRequired)
			case price:
				offers.Add(1)
				w.Header().Set("Crawler-Charged", price)
				pages.ServeHTTP(w, r)
			default:
				t.Errorf("%s: offer %q, want %q", r.URL.Path, offer, price)
			}
		}))
	}
	return offers
}

func TestAJobPaysUpToItsLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		price, most, spend string
		paid               int64
		want               string // the reason of pages that are not paid for
	}{
		"for all":                 {"USD 0.01", "USD 0.01", "USD 5", 10, ""},
		"until max_spend":         {"USD 0.01", "USD 0.02", "USD 0.035", 3, "spend more than max_spend, which is USD 0.035"},
		"not more than max_price": {"USD 0.03", "USD 0.02", "USD 5", 0, "more than max_price, which is USD 0.02"},
		"not in other money":      {"EUR 0.01", "USD 0.02", "USD 5", 0, "more than max_price"},
		"not what is no price":    {"0.01", "USD 0.02", "USD 5", 0, "it asks for 0.01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pages, paths := manyPages(10)
			site := testsite.Serve(t, pages)
			offers := shop(t, site, paths, c.price, pages)
			crawl := newCrawl(t, site, func(j *crawler.Job) { j.MaxPrice, j.MaxSpend = c.most, c.spend }).seed(paths...)
			crawl.finish()
			want := map[crawler.Outcome]int64{}
			if c.paid > 0 {
				want[crawler.OutcomeFetched] = c.paid
			}
			if c.paid < 10 {
				want[crawler.OutcomePaymentRequired] = 10 - c.paid
			}
			crawl.wantSettled(want)
			if n := offers.Load(); n != c.paid {
				t.Errorf("%d offers, want %d", n, c.paid)
			}
			for _, path := range paths {
				rec := crawl.record(path)
				if paid := rec.Outcome == crawler.OutcomeFetched; paid != (rec.Charged == c.price) ||
					!paid && !strings.Contains(rec.Error, c.want) {
					t.Errorf("record %+v", rec)
				}
			}
		})
	}
}

// TestWhatWasNotChargedIsGivenBack lets a server refuse after an offer, and charge less than that.
func TestWhatWasNotChargedIsGivenBack(t *testing.T) {
	t.Parallel()
	pages, paths := manyPages(10)
	site := testsite.Serve(t, pages)
	for i, path := range paths {
		site.Handle(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Header.Get("Crawler-Max-Price") == "":
				w.Header().Set("Crawler-Price", "USD 1")
				w.WriteHeader(http.StatusPaymentRequired)
			case i%2 == 0:
				w.WriteHeader(http.StatusForbidden)
			default:
				w.Header().Set("Crawler-Charged", "USD 0.2")
				pages.ServeHTTP(w, r)
			}
		}))
	}
	crawl := newCrawl(t, site, func(j *crawler.Job) { j.MaxPrice, j.MaxSpend = "USD 1", "USD 1.8" }).seed(paths...)
	crawl.finish() // 4 * 0.2 + 1 is the most that is ever reserved
	crawl.wantSettled(map[crawler.Outcome]int64{crawler.OutcomeFetched: 5, crawler.OutcomeFailed: 5})
}
