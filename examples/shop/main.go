// Command shop crawls a shop and keeps its products in a database: the newest of each
// URL, however often it is fetched. It needs nothing but Go; with -redis it is a whole
// fleet of its own, or, with -work, one worker more of a fleet that runs.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"log"
	"os/signal"
	"strings"
	"syscall"
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

// product makes an item of each product of a page. One without a name is not worth
// another try: the page ends as failed, and says why.
func product(_ context.Context, p *trawl.Page, s *goquery.Selection) error {
	item := Product{Name: strings.TrimSpace(s.Find("h1").Text()), Price: strings.TrimSpace(s.Find(".price").Text())}
	if item.Name == "" {
		return fmt.Errorf("a product without a name: %w", trawl.SkipRetry)
	}
	p.Emit(item)
	return nil
}

// keep is the sink: all items of some pages in one transaction, by the URL of their
// page, so that a page that comes again replaces what it had.
func keep(db *sql.DB) trawl.SinkFunc {
	return func(ctx context.Context, results []trawl.Result) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		for _, r := range results {
			for _, item := range r.Emitted {
				if p, ok := item.(Product); ok {
					if _, err := tx.ExecContext(ctx,
						`INSERT INTO products (url, name, price, fetched_at) VALUES (?, ?, ?, ?)
						ON CONFLICT (url) DO UPDATE SET name = excluded.name, price = excluded.price, fetched_at = excluded.fetched_at`,
						r.URL, p.Name, p.Price, r.FetchedAt); err != nil {
						return err
					}
				}
			}
		}
		return tx.Commit()
	}
}

func main() {
	path := flag.String("db", "shop.db", "the SQLite database")
	out := flag.String("out", "crawls", "folder of the records")
	redis := flag.String("redis", "", "Redis of a fleet (default: one of its own)")
	work := flag.Bool("work", false, "be a worker of the fleet, and crawl nothing else")
	delay := flag.Duration("delay", time.Second, "between two requests to a host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	db, err := sql.Open("sqlite", *path)
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // SQLite has one writer
	if _, err := db.ExecContext(ctx,
		`CREATE TABLE IF NOT EXISTS products (url TEXT PRIMARY KEY, name TEXT, price TEXT, fetched_at TEXT)`); err != nil {
		log.Fatal(err)
	}

	shop := trawl.NewHandlers("shop")
	shop.OnHTML("div.product", product)
	shop.Sink(keep(db))
	cfg := trawl.Config{Redis: *redis, Out: *out}
	if *work {
		if err := trawl.Work(ctx, cfg, shop); err != nil {
			log.Fatal(err)
		}
		return
	}
	job := trawl.NewJob("shop", flag.Args()...)
	job.Delay = *delay
	counters, err := trawl.Crawl(ctx, job, cfg, shop)
	if err != nil {
		log.Fatal(err)
	}
	var products int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM products`).Scan(&products); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d pages, %d products in %s\n", counters.Pages(), products, *path)
}
