// Command checklinks follows the links of a site and reports those that are broken, each with a
// page that has it. It exits with status 1 if there are any.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl"
)

func main() {
	delay := flag.Duration("delay", time.Second, "between two requests to a host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	var mu sync.Mutex
	links := trawl.NewHandlers("links")
	links.OnError(func(_ context.Context, f *trawl.Failure) error {
		if f.Final {
			mu.Lock()
			defer mu.Unlock()
			fmt.Printf("%s\t%s\t%s\ton %s\n", f.URL, f.Class, f.Reason, f.Referrer)
		}
		return nil
	})
	out, err := os.MkdirTemp("", "checklinks-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(out)
	job := trawl.NewJob("links", flag.Args()...)
	job.Delay, job.Resources = *delay, true
	stats, err := trawl.Crawl(ctx, job, trawl.Config{Out: out}, links)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d pages, %d broken\n", stats.Pages(), stats.Failed())
	if stats.Failed() > 0 {
		os.RemoveAll(out)
		os.Exit(1)
	}
}
