package main_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// untouched checks that a command asks the site for nothing.
func (b *burst) untouched(command func()) {
	b.t.Helper()
	before := len(b.site.Requests())
	command()
	if n := len(b.site.Requests()); n != before {
		b.t.Errorf("%d requests were made, want none", n-before)
	}
}

func TestACrawlThatIsDoneIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(b *burst){
		"private": func(b *burst) { b.withRedis() },
		"real": func(b *burst) {
			b.args = append(b.args, "--redis", redistest.New(b.t), "--job", redistest.Name(b.t))
		},
		"built in": func(b *burst) { b.withoutRedis() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBurst(t, 30)
			redis(b)
			b.run(b.args...).exits(done)
			b.untouched(func() { b.run(b.args...).exits(done, "finished at", "--restart") })
			fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))

			restarted := append(b.args, "--restart")
			b.run(restarted...).exits(done, "earlier results are now in", "is done: nothing is left to fetch")
			fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
			aside, _ := filepath.Glob(filepath.Join(b.path("site"), "earlier-*"))
			if len(aside) != 1 {
				t.Fatalf("earlier results are in %q, want one folder", aside)
			}
			fetched(pages(t, aside[0])).expectOnce(t, "earlier pages", b.graph.URLs(b.site))
			for url, n := range asked(b.site) {
				if n != 2 {
					t.Errorf("%s was asked for %d times, want once in each crawl", url, n)
				}
			}
		})
	}
}

func TestACrawlIsNotMixedWithOneOfOtherSettings(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 300)
	b.withRedis()
	p := b.start(b.args...)
	b.after(100)
	p.signal(os.Interrupt)
	p.wait().exits(interrupted)
	for name, other := range map[string][]string{
		"depth":   {"--depth", "1"},
		"include": {"--include", "/page/"},
		"select":  {"--select", "title=title"},
		"scope":   {"--scope", "any"},
	} {
		b.untouched(func() {
			b.run(append(b.args, other...)...).exits(usage, name, "--restart", "--out")
		})
	}
	other := append([]string{"crawl", b.site.URL(0, "/page/1")}, b.args[2:]...)
	b.untouched(func() { b.run(other...).exits(usage, "seeds", "--restart", "--out") })
	b.untouched(func() {
		b.run(append(b.args, "--job", "another")...).exits(usage, "holds the results of job", "--out", "--restart")
	})
	// What does not decide which pages belong to the crawl may change.
	b.run(append(b.args, "--concurrency", "3", "--retries", "1")...).exits(done, "going on with")
	fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
}

func TestACrawlThatIsDoneIsNotTakenForOneOfOtherSettings(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 30)
	b.withRedis()
	b.run(append(b.args, "--depth", "1")...).exits(done)
	b.untouched(func() { b.run(b.args...).exits(usage, "depth", "--restart") })
}

func TestABudgetThatWasSpentCanBeRaised(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 60)
	b.withRedis()
	b.run(append(b.args, "--pages", "20")...).exits(done, "budget of pages is spent")
	b.untouched(func() { b.run(append(b.args, "--pages", "20")...).exits(done, "finished at") })
	if n := len(fetched(pages(t, b.path("site")))); n != 20 {
		t.Errorf("%d pages were fetched, want the 20 of the budget", n)
	}
	b.run(b.args...).exits(done, "going on with", "nothing is left to fetch")
	fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
	asked(b.site).expectOnce(t, "requests", b.graph.URLs(b.site))
}

func TestACrawlWhoseBuiltinRedisIsGoneIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 300)
	b.withoutRedis()
	p := b.start(b.args...)
	b.after(50)
	p.signal(os.Interrupt)
	p.wait().exits(interrupted, "the same command resumes the crawl")
	if err := os.Remove(filepath.Join(b.path("site"), ".trawl", "redis", "commands.log")); err != nil {
		t.Fatal(err)
	}
	b.untouched(func() { b.run(b.args...).exits(usage, "lost from its built-in Redis", "--restart") })
	elsewhere := append(b.args, "--redis", redistest.New(t), "--job", redistest.Name(t))
	b.untouched(func() { b.run(elsewhere...).exits(usage, "holds the results of job") })
	b.run(append(b.args, "--restart")...).exits(done, "earlier results are now in")
	fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
}

func TestACrawlOfARedisServerThatIsNotInstalledIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 300)
	b.withRedis()
	p := b.start(b.args...)
	b.after(50)
	p.signal(os.Interrupt)
	p.wait().exits(interrupted)
	b.redisGone()
	installed := b.env
	b.withoutRedis()
	b.untouched(func() { b.run(b.args...).exits(usage, "lies with its private redis-server", "--restart") })
	b.env = installed
	b.run(b.args...).exits(done, "going on with")
	fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
}

func TestTwoCrawlsDoNotShareAFolder(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 30)
	b.withRedis()
	reached, release := b.site.Hang("/page/7")
	first := b.start(b.args...)
	<-reached
	b.run(b.args...).exits(failed, "another trawl is writing", "--out")
	b.run(append(b.args, "--restart")...).exits(failed, "another trawl is writing", "--out")
	release()
	first.wait().exits(done)
	fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
}

// A job of a Redis that several use is known there by its name alone.
func TestACrawlDoesNotGoOnInAnotherFolder(t *testing.T) {
	t.Parallel()
	for name, interruptAfter := range map[string]int{"done": 0, "interrupted": 50} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBurst(t, 300, "--redis", redistest.New(t), "--job", redistest.Name(t))
			p := b.start(b.args...)
			if interruptAfter > 0 {
				b.after(interruptAfter)
				p.signal(os.Interrupt)
			}
			p.wait()
			b.untouched(func() { b.run(append(b.args, "--out", "elsewhere")...).exits(usage, "--restart") })
		})
	}
}

func TestResultsAreNotSetAsideForACrawlThatCannotBegin(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 30)
	b.withRedis()
	b.run(b.args...).exits(done)
	b.run(append(b.args, "--restart", "--redis", "redis://127.0.0.1:1")...).exits(failed, "no Redis answers")
	fetched(pages(t, b.path("site"))).expectOnce(t, "pages", b.graph.URLs(b.site))
}

func TestOfAListThatGrewOnlyWhatIsNewIsFetched(t *testing.T) {
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
	asked(site).expectOnce(t, "requests", g.URLs(site))
}
