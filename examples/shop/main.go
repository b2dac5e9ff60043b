// Command shop scrapes the prices of a shop into a database: the newest of each product's page,
// however often it is fetched. It needs nothing but Go; with -redis it is a whole fleet, which
// other programs with these handlers may join. The same command resumes it after an interruption.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"
	_ "modernc.org/sqlite"

	"github.com/trawlcrawler/trawl"
)

// Product is an item.
type Product struct {
	Name  string `json:"name"`
	Price string `json:"price"`
}

// keep stores a product by the URL of its page, so that a page that comes again replaces what
// it had.
const keep = `INSERT INTO products (url, name, price, fetched_at) VALUES (?, ?, ?, ?)
	ON CONFLICT (url) DO UPDATE SET name = excluded.name, price = excluded.price, fetched_at = excluded.fetched_at`

func main() {
	path := flag.String("db", "shop.db", "the SQLite database")
	redis := flag.String("redis", "", "Redis of a fleet (default: one of its own)")
	delay := flag.Duration("delay", time.Second, "between two requests to a host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	db, err := sql.Open("sqlite", *path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // SQLite has one writer
	if _, err := db.Exec(`CREATE TABLE IF NOT EXISTS products (url TEXT PRIMARY KEY, name TEXT, price TEXT, fetched_at TEXT)`); err != nil {
		log.Fatal(err)
	}

	shop := trawl.NewHandlers("shop")
	shop.OnHTML("div.product", func(_ context.Context, p *trawl.Page, s *goquery.Selection) error {
		item := Product{strings.TrimSpace(s.Find("h1").Text()), strings.TrimSpace(s.Find(".price").Text())}
		if item.Name == "" { // the page ends as failed, and says why
			return fmt.Errorf("a product without a name: %w", trawl.SkipRetry)
		}
		p.Emit(item)
		return nil
	})
	shop.Sink(func(ctx context.Context, results []trawl.Result) error {
		for _, r := range results {
			for _, item := range r.Emitted {
				p := item.(Product)
				if _, err := db.ExecContext(ctx, keep, r.URL, p.Name, p.Price, r.FetchedAt); err != nil {
					return err // the results come again
				}
			}
		}
		return nil
	})
	job := trawl.NewJob("shop", flag.Args()...)
	job.Delay = *delay
	stats, err := trawl.Crawl(ctx, job, trawl.Config{Redis: *redis}, shop)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d pages, %d products in %s\n", stats.Pages(), stats.Items, *path)
}
