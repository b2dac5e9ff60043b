package dashboard

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// tooWide lists elements that reach beyond the window. The skip link is outside until it is
// focused, and the head of a table on a phone is there for screen readers only.
const tooWide = `[...document.querySelectorAll("body *")].filter(e => {
	const box = e.getBoundingClientRect();
	return box.width > 0 && !e.closest(".skip, thead") && (box.right > innerWidth + 1 || box.left < -1);
}).map(e => e.outerHTML.slice(0, 160)).concat(document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [])`

// nameless lists controls without a name for screen readers, and drawings and regions without one.
const nameless = `[...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, progress, summary, nav, svg, img, section, table")].filter(e => {
	const label = e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.textContent || "").join("");
	const text = /^(A|BUTTON|SUMMARY)$/.test(e.tagName) ? e.textContent : [...(e.labels || [])].map(l => l.textContent).join("");
	const silent = e.getAttribute("aria-hidden") === "true" || e.tagName === "IMG" && e.hasAttribute("alt") || e.classList.contains("message");
	return !silent && !(label + text).trim();
}).map(e => e.outerHTML.slice(0, 160))`

// faint lists texts with a contrast below 4.5 (WCAG 2.2, 1.4.3).
const faint = `(() => {
	const channels = color => color.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => {
		const f = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
		return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
	};
	const ground = e => {
		for (; e; e = e.parentElement) {
			const c = channels(getComputedStyle(e).backgroundColor);
			if (c.length < 4 || c[3] === 1) { return c; }
		}
		return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
	};
	return [...document.querySelectorAll("body *")].filter(e => {
		const text = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
		if (!text || e.getBoundingClientRect().width === 0) { return false; }
		const a = light(channels(getComputedStyle(e).color)), b = light(ground(e));
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
	}).map(e => e.outerHTML.slice(0, 160));
})()`

// look shows the pages to a person: a window of a width, light or dark.
type look struct {
	width int64
	dark  bool
}

var looks = []look{{1400, false}, {1400, true}, {390, false}, {390, true}}

func (l look) String() string {
	return fmt.Sprintf("%d-%s", l.width, map[bool]string{false: "light", true: "dark"}[l.dark])
}

// take sets the window.
func (l look) take(b *testbrowser.Browser) {
	b.Window(l.width, 900, l.dark)
}

// check fails the test if the page does not fit, has controls without a name, or texts that are
// hard to read.
func (l look) check(t *testing.T, b *testbrowser.Browser, page string) {
	t.Helper()
	for what, script := range map[string]string{"is wider than the window": tooWide, "has no name": nameless,
		"has little contrast": faint} {
		for _, element := range testbrowser.Ask[[]string](b, script) {
			t.Errorf("%s, %v: an element %s: %s", page, l, what, element)
		}
	}
	b.Sound()
	b.Shot(strings.Trim(strings.NewReplacer("/", "-", "?", "-", "%", "").Replace(page), "-") + "-" + l.String())
}

// wholeFleet fills the fleet with everything that pages show, in long words.
func (s *testDashboard) wholeFleet(t testing.TB) {
	t.Helper()
	now := time.Now()
	s.busyJob(t, "news")
	long := strings.Repeat("a-very-long-name-", 3) + "end"
	s.busyJob(t, long)
	s.change(long, func(r *fakeJob) {
		r.status.State = crawler.StatePaused
		r.waiting = waiting.Waiting{For: waiting.WaitResume,
			Text: "this job is paused: resume it with trawl job resume " + long}
	})
	s.busyJob(t, "shop")
	s.change("shop", func(r *fakeJob) {
		r.waiting = waiting.Waiting{For: waiting.WaitWorker, Text: "no worker runs this job; the running workers serve other jobs: start one with trawl worker --jobs shop, or without --jobs"}
	})
	s.job(t, "daily")
	s.change("daily", func(r *fakeJob) {
		r.status.Job.Schedule, r.status.State, r.status.Now = "@daily", crawler.StateCreated, now
	})
	for i, state := range []crawler.State{crawler.StateDone, crawler.StateFailed, crawler.StateDone,
		crawler.StateCancelled} {
		name := fmt.Sprintf("daily-2026112%dt000000", i)
		s.busyJob(t, name)
		s.change(name, func(r *fakeJob) {
			r.status.State, r.status.RunOf, r.status.Ended = state, "daily", now.Add(-time.Duration(i)*time.Hour)
			r.status.Reason = map[crawler.State]string{crawler.StateFailed: "seeds.txt: no such file"}[state]
		})
	}
	s.fakeFleet.members = []waiting.Member{
		{Process: waiting.Process{Kind: waiting.KindScheduler, Name: "vm-1", Version: "v0.2.0"}, Seen: now},
		{Process: waiting.Process{Kind: waiting.KindWorker, Name: "crawler-1.internal", Version: "v0.2.0"}, Seen: now,
			Places: 64, Taken: 64,
			Serving: []string{"news"}},
		{Process: waiting.Process{Kind: waiting.KindWorker, Name: "crawler-2.internal", Version: "v0.2.0"},
			Seen:   now.Add(-4 * time.Second),
			Places: 64, Taken: 21, Serving: []string{"news", long}},
	}
	s.fakeFleet.vitals = redisconn.Vitals{Servers: 1, Version: "8.0.2", Role: "master", Memory: 412_000_000,
		MaxMemory: 2_000_000_000, CommandsPerSecond: 18_432}
	s.change("news", func(r *fakeJob) {
		r.status.Troubles = []crawler.Trouble{{Worker: "crawler-2.internal", Since: now.Add(-90 * time.Second), At: now,
			Reason: `writing "/data/out/news/pages-00017.jsonl": no space left on device (free some space there)`}}
		done := int64(0)
		for i := range r.history.Seconds {
			done += int64(20 + i*(300-i)/900 + 3*(i%7))
			r.history.Seconds[i].Pages, r.history.Seconds[i].Bytes = done, done*14_000
		}
		r.history.Seconds = append(r.history.Seconds[:100], r.history.Seconds[140:]...) // it was paused
		u, err := crawler.ParseURL("https://www.example.com/a/" + strings.Repeat("long/", 30) + "?q=1")
		if err != nil {
			t.Fatal(err)
		}
		r.hosts = []crawler.HostStatus{
			{Host: "www.example.com", State: queue.HostOpen, Worker: "crawler-1.internal", Waiting: 7312, Flight: 3,
				Pages: 1204, Seen: 9000,
				Interval: time.Second, P50: 231 * time.Millisecond, P95: 1900 * time.Millisecond,
				Traps: []crawler.Trap{{Pattern: "/calendar/*", Pages: 50, Streak: 40, Skipped: true}}},
			{Host: "shop.example.net:8443", State: queue.HostDue, Due: 4 * time.Second, Waiting: 2100,
				Interval:            5 * time.Second,
				ConsecutiveFailures: 2, Trouble: "the server answered 503"},
			{Host: "gone.example.org", State: queue.HostIdle, Waiting: 4, GivenUp: true, Trouble: "no such host"},
		}
		r.queued = []queue.Location{{Place: queue.PlaceFlight,
			Entry: queue.Entry{URL: u, Depth: 2, Band: queue.BandUrgent}},
			{Place: queue.PlaceQueue, Entry: queue.Entry{URL: u, Depth: 3, Band: queue.BandNormal}}}
		r.recent = []tail.Row{
			{URL: u.String(), Host: u.Host(), Outcome: crawler.OutcomeFetched, Status: 200, Bytes: 48_123, DurationMS: 231,
				Worker: "crawler-1.internal", At: now},
			{URL: "https://shop.example.net:8443/", Host: "shop.example.net:8443", Outcome: crawler.OutcomePaymentRequired,
				Status: 402, DurationMS: 31, Worker: "crawler-2.internal", At: now,
				Reason: "the server answered 402 Payment Required: it asks for USD 0.01"}}
		r.spread = make(spread.Counts)
		for i := range 2000 {
			r.spread.Page(u.String(), i%7, int64(i*i))
			r.spread.Response(u.String(), []int{200, 200, 200, 404, 503}[i%5])
		}
		r.counters.Causes = map[string]int64{"404": 1312, "timeout": 17}
		for _, cause := range []string{"404", "404", "timeout"} {
			r.failed = append(r.failed, queue.Failed{Entry: queue.Entry{URL: u}, Cause: cause, At: now.Add(-time.Minute),
				Reason: "the server answered 404 Not Found"})
		}
		r.robots = []queue.Robots{{Origin: "https://www.example.com", At: now.Add(-time.Hour),
			Text: "user-agent:*\ndisallow:/search\ncrawl-delay:1\nsitemap:https://www.example.com/sitemap.xml\n"}}
	})
}

func TestEveryPageFitsEveryWindowAndCanBeRead(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newTestDashboard(t, explaining)
	s.wholeFleet(t)
	for _, l := range looks {
		l.take(b)
		for page, selector := range map[string]string{"/": "#jobs table", "/?q=nothing": "#jobs .empty",
			"/jobs/news":  "#chart-pages-day",
			"/jobs/daily": "#runs table", "/jobs/news/errors": "#causes table", "/jobs/news/pages": "#tail tr",
			"/jobs/news/url?u=http://a.test/": "#explained", "/find?u=http://a.test/": "#find-jobs",
			"/jobs/news/hosts": "#hosts table", "/jobs/news/hosts/www.example.com": "#urls table",
			"/jobs/news/hosts/www.example.com/rules": "#rule-delay", "/jobs/news/export": "#download",
			"/jobs/news/export/file?format=xml&where=status": ".warning", "/api": "#calls-title",
			"/jobs/news/seed": "#urls", "/jobs/news/settings": "#set-delay", "/jobs/news/cancel": "#confirm",
			"/jobs/nothing": "section.message"} {
			b.Open(s.url+page, selector)
			l.check(t, b, page)
		}
	}
	b.Calm(s.url)
}

func TestAPageSaysThatRedisIsAwayAndRecovers(t *testing.T) {
	t.Parallel()
	b, s := testbrowser.New(t), newTestDashboard(t)
	s.wholeFleet(t)
	b.Open(s.url+"/jobs/news", "#numbers dl")
	s.fail(io.EOF)
	b.Wait("#connection")
	if text := testbrowser.Ask[string](b, `document.getElementById("connection").textContent + document.querySelector("h1").textContent`); !contains(text,
		"Redis does not respond") || !contains(text, "This page shows what was there at") || !contains(text, "news") {
		t.Errorf("while Redis is away, the page says %q", text)
	}
	b.Shot("away")
	s.fail(nil)
	b.Do(chromedp.WaitNotVisible(chromedp.CSS("#connection")))
	s.fail(io.EOF)
	b.Open(s.url+"/", "section.message") // a page that is opened meanwhile appears by itself
	b.Shot("away-at-first")
	s.fail(nil)
	b.Wait("#job-news")
	b.Calm(s.url)
}
