package trawl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl"
)

// Run jobs in a service: start one, watch it, wait for its end and read its records.
func ExampleOpen() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	ctx := context.Background()

	fleet, err := trawl.Open(ctx, trawl.Config{Out: dir})
	check(err)
	job := trawl.NewJob("shop-42", url)
	job.Delay = 0 // the example's own site
	run, err := fleet.Start(ctx, job)
	check(err)
	stats, err := run.Wait(ctx)
	check(err)
	fmt.Println(run.Name(), "is", stats.State, "with", stats.Pages(), "pages")
	check(fleet.Shutdown(ctx)) // jobs that have not ended continue at the next Open
	// Output: shop-42 is done with 4 pages
}

// Watch a job. The loop ends with the job.
func ExampleRun_Events() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	ctx := context.Background()

	fleet, err := trawl.Open(ctx, trawl.Config{Out: dir})
	check(err)
	defer fleet.Shutdown(ctx)
	job := trawl.NewJob("shop", url+"/missing")
	job.Delay = 0
	run, err := fleet.Start(ctx, job)
	check(err)
	for event := range run.Events(ctx) {
		if event.Kind == trawl.EventState && event.Stats.State == trawl.StateDone {
			fmt.Println(event.Job, "has ended,", event.Stats.Failed(), "URL failed")
		}
	}
	// Output: shop has ended, 1 URL failed
}

// Read what is on record of each URL.
func ExampleRun_Records() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	ctx := context.Background()

	fleet, err := trawl.Open(ctx, trawl.Config{Out: dir})
	check(err)
	defer fleet.Shutdown(ctx)
	job := trawl.NewJob("shop", url+"/product/1", url+"/product/2")
	job.Delay = 0
	run, err := fleet.Start(ctx, job)
	check(err)
	_, err = run.Wait(ctx)
	check(err)
	for record, err := range run.Records(ctx) {
		check(err)
		fmt.Println(record.Status, record.Title)
	}
	// Unordered output:
	// 200 Product 1
	// 200 Product 2
}

// Pause a job, change its settings, add URLs and let it go on.
func ExampleRun_Set() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	ctx := context.Background()

	fleet, err := trawl.Open(ctx, trawl.Config{Out: dir, AllowPrivate: true})
	check(err)
	defer fleet.Shutdown(ctx)
	run, err := fleet.Start(ctx, trawl.NewJob("shop", url))
	check(err)
	for event := range run.Events(ctx) {
		if event.Kind == trawl.EventState && event.Stats.State == trawl.StateRunning {
			break
		}
	}
	check(run.Pause(ctx))
	changed, err := run.Set(ctx, trawl.Changes{"delay": json.RawMessage(`"0s"`), "pages": json.RawMessage(`2`)})
	check(err)
	for _, change := range changed.Changed {
		fmt.Println(change)
	}
	seeding, err := run.Seed(ctx, url, url+"/page/1")
	check(err)
	fmt.Println(seeding.Admitted, "new seed,", seeding.Seen, "known")
	check(run.Resume(ctx))
	stats, err := run.Wait(ctx)
	check(err)
	fmt.Println(stats.Pages(), "pages:", stats.Reason)
	// Output:
	// pages: 2, was 0
	// delay: 0s, was 1s
	// 1 new seed, 1 known
	// 2 pages: budget of pages
}

// React to what fails. An error that wraps SkipRetry gives a URL up that would be tried again.
func ExampleHandlers_OnError() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	shop := trawl.NewHandlers("shop")
	shop.OnError(func(_ context.Context, f *trawl.Failure) error {
		fmt.Println(f.Status, f.Class, "on try", f.Try, "final:", f.Final)
		return nil
	})
	job := trawl.NewJob("shop", url+"/missing")
	job.Delay = 0
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, shop)
	check(err) // pages that fail are no error
	// Output: 404 http on try 1 final: true
}

// Add to a request, or refuse it.
func ExampleHandlers_OnRequest() {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<title>`, r.Header.Get("Accept-Language"), `</title><a href="/logout">log out</a>`)
		}
	}))
	defer site.Close()
	dir, done := tempDir()
	defer done()

	shop := trawl.NewHandlers("shop")
	shop.OnRequest(func(_ context.Context, r *trawl.Request) error {
		if strings.HasSuffix(r.URL, "/logout") {
			return errors.New("it would end the session")
		}
		r.Header.Set("Accept-Language", "de")
		return nil
	})
	shop.OnPage("", func(_ context.Context, p *trawl.Page) error {
		fmt.Println("the page is in", p.Title())
		return nil
	})
	job := trawl.NewJob("shop", site.URL)
	job.Delay = 0
	stats, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, shop)
	check(err)
	fmt.Println(stats.Outcomes[trawl.OutcomeSkipped], "URL is skipped")
	// Output:
	// the page is in de
	// 1 URL is skipped
}

// Pass a value along a link to the page that it leads to.
func ExampleMeta() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	list := trawl.NewHandlers("list")
	list.OnHTML("a", func(_ context.Context, p *trawl.Page, a *goquery.Selection) error {
		p.Follow(a.AttrOr("href", ""), trawl.Meta(a.Text()), trawl.First())
		return nil
	})
	list.OnPage("/product/", func(_ context.Context, p *trawl.Page) error {
		var text string
		if err := p.Meta(&text); err != nil {
			return err
		}
		fmt.Println(p.Title(), "was linked as", text)
		return nil
	})
	job := trawl.NewJob("list", url)
	job.Delay = 0
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, list)
	check(err)
	// Unordered output:
	// Product 1 was linked as one
	// Product 2 was linked as two
}

// End a job from a handler. The page is kept with its items.
func ExamplePage_Stop() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	list := trawl.NewHandlers("list")
	list.OnPage("/page/2$", func(_ context.Context, p *trawl.Page) error {
		p.Stop("page 2 is enough")
		return nil
	})
	job := trawl.NewJob("list", url+"/page/1")
	job.Delay, job.Include = 0, []string{"/page/"}
	stats, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, list)
	check(err)
	fmt.Println(stats.Pages(), "pages:", stats.Reason)
	// Output: 2 pages: stopped: page 2 is enough
}

// End a job after a number of items.
func ExamplePage_Emit() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	shop := trawl.NewHandlers("shop")
	shop.OnHTML("div.product", func(_ context.Context, p *trawl.Page, product *goquery.Selection) error {
		p.Emit(Product{Name: product.Find("h1").Text(), Price: product.Find(".price").Text()})
		return nil
	})
	job := trawl.NewJob("shop", url+"/product/1", url+"/page/1")
	job.Items = 1
	stats, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, shop)
	check(err)
	fmt.Printf("%s: %s\n", stats.State, stats.Reason)
	// Output: done: budget of items
}

// Send a login to one host and to no other.
func ExampleAccessRule() {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<title>%s has the password %t</title>", user, password == "secret")
	}))
	defer site.Close()
	dir, done := tempDir()
	defer done()

	cfg := trawl.Config{Out: dir, Access: []trawl.AccessRule{{
		Hosts: []string{site.URL}, // with http://, which sends secrets without TLS
		User:  "reader", Password: "secret",
	}}}
	titles := trawl.NewHandlers("titles")
	titles.OnPage("", func(_ context.Context, p *trawl.Page) error {
		fmt.Println(p.Title())
		return nil
	})
	_, err := trawl.Crawl(context.Background(), trawl.NewJob("intranet", site.URL), cfg, titles)
	check(err)
	// Output: reader has the password true
}
