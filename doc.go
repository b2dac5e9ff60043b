// Package trawl is the API for Go programs with code of their own: functions that get the
// pages of a crawl, as a tree to select from, and that emit items, add links, add URLs to
// other jobs and enqueue tasks. The program is either a whole crawl, with nothing to
// install ([Crawl]), or one of the workers of a fleet ([Work]).
//
//	shop := trawl.NewHandlers("shop")
//	shop.OnHTML("div.product", func(ctx context.Context, p *trawl.Page, product *goquery.Selection) error {
//		p.Emit(Product{URL: p.URL(), Name: product.Find("h1").Text()})
//		return nil
//	})
//	counters, err := trawl.Crawl(ctx, trawl.NewJob("shop", "https://shop.example/"), trawl.Config{}, shop)
//
// [Handlers] are a named set of functions: for pages by their URL ([Handlers.OnPage]), by
// their media type ([Handlers.OnType]), or for the elements of HTML that a selector matches
// ([Handlers.OnHTML]). A job names the sets that it needs (handlers: [shop]). Only workers
// that have all of them run its visits, so that on a fleet no page reaches a worker that
// cannot handle it.
//
// # Guarantees
//
// What handlers do with a [Page] is carried out after all of them have returned, together
// with the page: links are admitted, items are kept with the page's record, tasks are
// enqueued, and only then the URL is settled. If a worker is killed before that, another
// one fetches the page again. So everything is done at least once, and twice only for pages
// that were in progress.
//
// If a handler returns an error, its page is retried after a pause, as often as the job
// says (retries); then the page ends as failed, with the error as the reason. An error that
// wraps [SkipRetry] ends it at once, and so does a panic, which is logged with its stack
// and affects only that page. Handlers have a deadline (Config.HandlerTime).
//
// # A fleet's jobs
//
// A [Client] creates, seeds, changes and ends the jobs of a fleet. Here it is in ten lines,
// without error handling:
//
//	fleet, err := trawl.Connect(ctx, "redis://localhost:6379/0")
//	job := trawl.NewJob("news")
//	err = fleet.Create(ctx, job)                           // a scheduler starts it
//	seeding, err := fleet.Seed(ctx, job.Name, lines, nil)  // admitted, seen, refused and why
//	err = fleet.Pause(ctx, job.Name)                       // Resume, Cancel
//	status, err := fleet.Wait(ctx, job.Name)               // until it has ended
//	counters, err := fleet.Counters(ctx, job.Name)         // pages, outcomes, bytes, hosts
//	err = fleet.Remove(ctx, job.Name)                      // all but the results
//	err = fleet.Close()
//
// docs/handlers.md explains all of this in detail.
package trawl
