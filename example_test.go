package trawl_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/redisd"
)

// pages are the pages of a shop.
var pages = map[string]string{
	"/":           `<title>Shop</title><a href="/product/1">one</a> <a href="/product/2">two</a> <a href="/price-list.txt">all</a>`,
	"/product/1":  `<title>Product 1</title><div class="product"><h1>Teapot</h1><b class="price">12.50</b></div>`,
	"/product/2":  `<title>Product 2</title><div class="product"><h1>Kettle</h1><b class="price">sold out</b></div>`,
	"/page/1":     `<title>Page 1</title><a class="next" href="/page/2">next</a> <a href="/imprint">imprint</a>`,
	"/page/2":     `<title>Page 2</title><a class="next" href="/page/3">next</a> <a href="/imprint">imprint</a>`,
	"/page/3":     `<title>Page 3</title><a href="/imprint">imprint</a>`,
	"/robots.txt": ``,
}

// startShop serves pages until done is called.
func startShop() (url string, done func()) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch page, ok := pages[r.URL.Path]; {
		case r.URL.Path == "/price-list.txt":
			w.Header().Set("Content-Type", "text/plain")
			fmt.Fprintln(w, "Teapot 12.50")
		case !ok:
			http.NotFound(w, r)
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, "<!DOCTYPE html>"+page)
		}
	}))
	return site.URL, site.Close
}

// tempDir returns a folder for the results of an example.
func tempDir() (dir string, done func()) {
	dir, err := os.MkdirTemp("", "trawl-example-")
	check(err)
	return dir, func() { os.RemoveAll(dir) }
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// Product is what is scraped.
type Product struct{ Name, Price string }

// Crawl a shop in one process and keep its items.
func ExampleCrawl() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	shop := trawl.NewHandlers("shop")
	shop.OnHTML("div.product", func(_ context.Context, p *trawl.Page, product *goquery.Selection) error {
		p.Emit(Product{Name: product.Find("h1").Text(), Price: product.Find(".price").Text()})
		return nil
	})

	job := trawl.NewJob("shop", url)
	job.Delay = 0                           // the example's own site
	job.Format = []string{"jsonl", "items"} // pages, and items as JSON lines
	counters, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, shop)
	check(err)
	fmt.Println(counters.Pages(), "pages")
	items, err := filepath.Glob(filepath.Join(dir, "shop", "items-*.jsonl"))
	check(err)
	text, err := os.ReadFile(items[0])
	check(err)
	fmt.Println(strings.Count(string(text), "\n"), "items")
	// Output:
	// 4 pages
	// 2 items
}

// Run one more worker of a fleet. It serves the jobs that name its handlers, and ends with ctx.
// Open makes the rest of the fleet here; it may be trawl scheduler and trawl worker.
func ExampleWork() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	redis := startRedis()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	shop := trawl.NewHandlers("shop")
	shop.OnPage("/product/", func(_ context.Context, p *trawl.Page) error {
		fmt.Println(p.Title())
		return nil
	})
	worker := make(chan error)
	go func() {
		cfg := trawl.Config{Redis: redis, Out: dir, Name: "one-more", AllowPrivate: true, Log: discardLogger()}
		worker <- trawl.Work(ctx, cfg, shop)
	}()

	fleet, err := trawl.Open(ctx, trawl.Config{Redis: redis, Out: dir, Log: discardLogger()}) // without these handlers
	check(err)
	job := trawl.NewJob("shop", url)
	job.Delay, job.Handlers = 0, []string{"shop"}
	check(fleet.Client().Create(ctx, job))
	status, err := fleet.Client().Wait(ctx, job.Name)
	check(err)
	fmt.Println("the job is", status.State)
	check(fleet.Shutdown(ctx))
	cancel()
	check(<-worker) // it has finished requests in progress
	// Unordered output:
	// Product 1
	// Product 2
	// the job is done
}

// Handle pages by URL. The error of one handler says that its page must not be retried.
func ExampleHandlers_OnPage() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	shop := trawl.NewHandlers("shop")
	shop.OnPage(`/product/\d+$`, func(_ context.Context, p *trawl.Page) error {
		price := p.Find(".price").Text()
		if !strings.Contains(price, ".") {
			return fmt.Errorf("no price in %q: %w", price, trawl.SkipRetry)
		}
		fmt.Println(p.Title(), "costs", price)
		return nil
	})
	shop.Sink(func(_ context.Context, results []trawl.Result) error {
		for _, r := range results {
			if r.Outcome == trawl.OutcomeFailed {
				fmt.Println(r.Error)
			}
		}
		return nil
	})

	job := trawl.NewJob("shop", url+"/product/1", url+"/product/2")
	job.Delay, job.Depth = 0, 0
	log := discardLogger() // would report the page that failed
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir, Log: log}, shop)
	check(err)
	// Unordered output:
	// Product 1 costs 12.50
	// handlers shop: no price in "sold out": it is not retried
}

// Handle files by type and save them under a name of your choice.
func ExampleHandlers_OnType() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	lists := trawl.NewHandlers("lists")
	lists.OnType("text/plain", func(_ context.Context, p *trawl.Page) error {
		return p.Save(filepath.Join(dir, "list.txt")) // written whole or not at all
	})
	job := trawl.NewJob("lists", url)
	job.Delay = 0
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, lists)
	check(err)
	text, err := os.ReadFile(filepath.Join(dir, "list.txt"))
	check(err)
	fmt.Print(string(text))
	// Output: Teapot 12.50
}

// Select elements and follow chosen links only. The job itself follows no links.
func ExamplePage_Follow() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	list := trawl.NewHandlers("list")
	list.OnHTML("a.next", func(_ context.Context, p *trawl.Page, next *goquery.Selection) error {
		p.Follow(next.AttrOr("href", ""))
		return nil
	})
	list.OnPage("", func(_ context.Context, p *trawl.Page) error {
		fmt.Println(p.Title(), "at depth", p.Depth())
		return nil
	})
	job := trawl.NewJob("list", url+"/page/1")
	job.Delay, job.Follow = 0, false
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, list)
	check(err)
	// Output:
	// Page 1 at depth 0
	// Page 2 at depth 1
	// Page 3 at depth 2
}

// A sink of your own receives the results when they are kept and before they count as done. What it
// has written is not lost, whatever process is killed.
func ExampleHandlers_Sink() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	shop := trawl.NewHandlers("shop")
	shop.OnHTML("div.product", func(_ context.Context, p *trawl.Page, product *goquery.Selection) error {
		p.Emit(Product{product.Find("h1").Text(), product.Find(".price").Text()})
		return nil
	})
	shop.Sink(func(_ context.Context, results []trawl.Result) error {
		for _, r := range results {
			for _, item := range r.Emitted {
				fmt.Println(item.(Product).Name, "of", r.Title) // or write a row to a database, keyed by r.URL
			}
		}
		return nil
	})
	job := trawl.NewJob("shop", url)
	job.Delay = 0
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, shop)
	check(err)
	// Unordered output:
	// Teapot of Product 1
	// Kettle of Product 2
}

// Enqueue a task for a page. Any asynq server that serves the queue carries it out.
func ExamplePage_Enqueue() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	redis := startRedis()

	shop := trawl.NewHandlers("shop")
	shop.OnPage("/product/", func(_ context.Context, p *trawl.Page) error {
		task := asynq.NewTask("product:check", []byte(p.Title()), asynq.Queue("checks"))
		return p.Enqueue(task, asynq.Retention(time.Hour)) // at most once within an hour
	})
	job := trawl.NewJob("shop", url)
	job.Delay = 0
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Redis: redis, Out: dir, Log: discardLogger()}, shop)
	check(err)

	opt, err := asynq.ParseRedisURI(redis)
	check(err)
	waiting, err := asynq.NewInspector(opt).ListPendingTasks("checks")
	check(err)
	for _, task := range waiting {
		fmt.Println(task.Type, string(task.Payload))
	}
	// Unordered output:
	// product:check Product 1
	// product:check Product 2
}

// startRedis starts a Redis that ends with the process.
func startRedis() string {
	server, err := redisd.StartBuiltin(nil)
	check(err)
	return server.URL()
}

// Create jobs from a page. Each job has settings of its own.
func ExamplePage_CreateJob() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	scout := trawl.NewHandlers("scout")
	scout.OnPage("/$", func(_ context.Context, p *trawl.Page) error {
		deep := trawl.NewJob("products")
		deep.Delay, deep.Follow = 0, false
		if err := p.CreateJob(deep); err != nil { // does nothing if the job exists
			return err
		}
		for _, link := range p.Links() {
			if strings.Contains(link, "/product/") {
				if err := p.Seed("products", link); err != nil {
					return err
				}
			}
		}
		return nil
	})
	job := trawl.NewJob("scout", url)
	job.Delay, job.Depth = 0, 0
	counters, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir, AllowPrivate: true}, scout)
	check(err)
	fmt.Println("scout:", counters.Pages(), "page")
	files, err := filepath.Glob(filepath.Join(dir, "products", "pages-*.jsonl"))
	check(err)
	text, err := os.ReadFile(files[0])
	check(err)
	fmt.Println("products:", strings.Count(string(text), `"outcome":"fetched"`), "pages")
	// Output:
	// scout: 1 page
	// products: 2 pages
}

// Read a body that is not HTML as it arrives.
func ExamplePage_Body() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()

	lists := trawl.NewHandlers("lists")
	lists.OnType("text/plain", func(_ context.Context, p *trawl.Page) error {
		text, err := io.ReadAll(p.Body())
		if err != nil {
			return err
		}
		if p.Truncated() {
			return errors.New("only a part of it came") // the page is retried
		}
		fmt.Println(strings.Count(string(text), "\n"), "line of", len(text), "bytes")
		return nil
	})
	job := trawl.NewJob("lists", url+"/price-list.txt")
	job.Delay = 0
	_, err := trawl.Crawl(context.Background(), job, trawl.Config{Out: dir}, lists)
	check(err)
	// Output: 1 line of 13 bytes
}
