// Command books collects the titles and prices of a bookshop: the smallest crawl with a
// handler. docs/first-handler.md explains it.
package main

import (
	"context"
	"log"
	"os"

	"github.com/PuerkitoBio/goquery"
	"github.com/trawlcrawler/trawl"
)

func main() {
	books := trawl.NewHandlers("books")
	books.OnHTML(".book", func(_ context.Context, p *trawl.Page, book *goquery.Selection) error {
		p.Emit(map[string]string{"title": book.Find("h1").Text(), "price": book.Find(".price").Text()})
		return nil
	})
	job := trawl.NewJob("books", os.Args[1:]...)
	job.Format = []string{"items"}
	if _, err := trawl.Crawl(context.Background(), job, trawl.Config{}, books); err != nil {
		log.Fatal(err)
	}
}
