package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// expectNoRequests checks that a command makes no request to the site.
func (ct *crawlTest) expectNoRequests(command func()) {
	ct.t.Helper()
	before := len(ct.site.Requests())
	command()
	if n := len(ct.site.Requests()); n != before {
		ct.t.Errorf("%d requests were made, want none", n-before)
	}
}

func TestAFinishedCrawlIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(ct *crawlTest){
		"private": func(ct *crawlTest) { ct.withRedis() },
		"real": func(ct *crawlTest) {
			ct.args = append(ct.args, "--redis", redistest.New(ct.t), "--job", redistest.Name(ct.t))
		},
		"built in": func(ct *crawlTest) { ct.withoutRedis() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ct := newCrawlTest(t, 30)
			redis(ct)
			ct.run(ct.args...).exits(done)
			ct.expectNoRequests(func() { ct.run(ct.args...).exits(done, "finished at", "--restart") })
			fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))

			restarted := append(ct.args, "--restart")
			ct.run(restarted...).exits(done, "earlier results are now in", "is done: nothing is left to fetch")
			fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
			aside, _ := filepath.Glob(filepath.Join(ct.path("site"), "earlier-*"))
			if len(aside) != 1 {
				t.Fatalf("earlier results are in %q, want one folder", aside)
			}
			fetched(pages(t, aside[0])).expectOnce(t, "earlier pages", ct.graph.URLs(ct.site))
			for url, n := range requestCounts(ct.site) {
				if n != 2 {
					t.Errorf("%s was requested %d times, want once in each crawl", url, n)
				}
			}
		})
	}
}

func TestACrawlIsNotResumedWithOtherSettings(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 300)
	ct.withRedis()
	ct.interruptAfter(100, os.Interrupt).wait().exits(interrupted)
	for name, other := range map[string][]string{
		"depth":   {"--depth", "1"},
		"include": {"--include", "/page/"},
		"select":  {"--select", "title=title"},
		"scope":   {"--scope", "any"},
	} {
		ct.expectNoRequests(func() {
			ct.run(append(ct.args, other...)...).exits(usage, name, "--restart", "--out")
		})
	}
	other := append([]string{"crawl", ct.site.URL(0, "/page/1")}, ct.args[2:]...)
	ct.expectNoRequests(func() { ct.run(other...).exits(usage, "seeds", "--restart", "--out") })
	ct.expectNoRequests(func() {
		ct.run(append(ct.args, "--job", "another")...).exits(usage, "holds the results of job", "--out", "--restart")
	})
	// Settings that do not decide which pages belong to the crawl may change.
	ct.run(append(ct.args, "--concurrency", "3", "--retries", "1")...).exits(done, "going on with")
	fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
}

func TestAFinishedCrawlWithOtherSettingsIsRefused(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 30)
	ct.withRedis()
	ct.run(append(ct.args, "--depth", "1")...).exits(done)
	ct.expectNoRequests(func() { ct.run(ct.args...).exits(usage, "depth", "--restart") })
}

func TestASpentBudgetCanBeRaised(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 60)
	ct.withRedis()
	ct.run(append(ct.args, "--pages", "20")...).exits(done, "budget of pages is spent")
	ct.expectNoRequests(func() { ct.run(append(ct.args, "--pages", "20")...).exits(done, "finished at") })
	if n := len(fetched(pages(t, ct.path("site")))); n != 20 {
		t.Errorf("%d pages were fetched, want the 20 of the budget", n)
	}
	ct.run(ct.args...).exits(done, "going on with", "nothing is left to fetch")
	fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
	requestCounts(ct.site).expectOnce(t, "requests", ct.graph.URLs(ct.site))
}

func TestResumingWithoutTheBuiltInRedisDataIsRefused(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 300)
	ct.withoutRedis()
	ct.interruptAfter(50, os.Interrupt).wait().exits(interrupted, "the same command resumes the crawl")
	if err := os.Remove(filepath.Join(ct.path("site"), ".trawl", "redis", "commands.log")); err != nil {
		t.Fatal(err)
	}
	ct.expectNoRequests(func() { ct.run(ct.args...).exits(usage, "lost from its built-in Redis", "--restart") })
	elsewhere := append(ct.args, "--redis", redistest.New(t), "--job", redistest.Name(t))
	ct.expectNoRequests(func() { ct.run(elsewhere...).exits(usage, "holds the results of job") })
	ct.run(append(ct.args, "--restart")...).exits(done, "earlier results are now in")
	fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
}

func TestResumingWithoutRedisServerInstalledIsRefused(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 300)
	ct.withRedis()
	ct.interruptAfter(50, os.Interrupt).wait().exits(interrupted)
	ct.waitForRedisExit()
	installed := ct.env
	ct.withoutRedis()
	ct.expectNoRequests(func() { ct.run(ct.args...).exits(usage, "lies with its private redis-server", "--restart") })
	ct.env = installed
	ct.run(ct.args...).exits(done, "going on with")
	fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
}

func TestTwoCrawlsCannotUseOneFolder(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 30)
	ct.withRedis()
	reached, release := ct.site.Hang("/page/7")
	first := ct.start(ct.args...)
	<-reached
	ct.run(ct.args...).exits(failed, "another trawl is writing", "--out")
	ct.run(append(ct.args, "--restart")...).exits(failed, "another trawl is writing", "--out")
	release()
	first.wait().exits(done)
	fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
}

// A shared Redis identifies a job by its name alone.
func TestACrawlIsNotResumedInAnotherFolder(t *testing.T) {
	t.Parallel()
	for name, requests := range map[string]int{"done": 0, "interrupted": 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ct := newCrawlTest(t, 300, "--redis", redistest.New(t), "--job", redistest.Name(t))
			if requests > 0 {
				ct.interruptAfter(requests, os.Interrupt).wait()
			} else {
				ct.run(ct.args...)
			}
			ct.expectNoRequests(func() { ct.run(append(ct.args, "--out", "elsewhere")...).exits(usage, "--restart") })
		})
	}
}

func TestResultsStayInPlaceWhenARestartFails(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 30)
	ct.withRedis()
	ct.run(ct.args...).exits(done)
	ct.run(append(ct.args, "--restart", "--redis", "redis://127.0.0.1:1")...).exits(failed, "no Redis answers")
	fetched(pages(t, ct.path("site"))).expectOnce(t, "pages", ct.graph.URLs(ct.site))
}

func TestOnlyNewURLsOfALongerListAreFetched(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 20, LinksPerPage: 2}
	site := g.Serve(t)
	s := newShell(t)
	s.withRedis()
	list := ""
	for page := range g.PagesPerHost {
		list += site.URL(0, g.Path(page)) + "\n"
		if page == g.PagesPerHost/2 || page == g.PagesPerHost-1 {
			s.write("list.txt", list)
			s.run("fetch", "list.txt", "--allow-private", "--delay", "0", "--out", "list").exits(done)
		}
	}
	fetched(pages(t, s.path("list"))).expectOnce(t, "pages", g.URLs(site))
	requestCounts(site).expectOnce(t, "requests", g.URLs(site))
}
