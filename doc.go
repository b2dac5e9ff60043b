// Package trawl is Trawl for programs that bring code of their own: functions that
// get the pages of a crawl, as a tree to select from, and that emit items, add
// links, bring URLs to other jobs and enqueue tasks. It makes the program a whole
// crawl, with nothing to install ([Crawl]), or one worker among others of a fleet
// ([Work]).
//
//	shop := trawl.NewHandlers("shop")
//	shop.OnHTML("div.product", func(ctx context.Context, p *trawl.Page, product *goquery.Selection) error {
//		p.Emit(Product{URL: p.URL(), Name: product.Find("h1").Text()})
//		return nil
//	})
//	numbers, err := trawl.Crawl(ctx, trawl.NewJob("shop", "https://shop.example/"), trawl.Config{}, shop)
//
// [Handlers] are a named set of functions: for pages by their URL
// ([Handlers.OnPage]), by their media type ([Handlers.OnType]), or for the elements
// of HTML that a selector matches ([Handlers.OnHTML]). A job names the sets that it
// wants (handlers: [shop]). Only workers that have all of them carry out its visits,
// so that on a fleet no page passes a worker that does not know what to do with it.
//
// # What holds
//
// What handlers make of a [Page] is carried out when all of them have returned, with
// the page: links are admitted, items are kept with the page's record, tasks are
// enqueued, and only then the URL is settled. A worker that is killed before has the
// page fetched again, by another, so that everything is done at least once; twice
// only for pages that were under way.
//
// A handler that returns an error has its page tried again, after a pause, as often
// as the job says (retries); then the page ends as failed, with the error as the
// reason. An error that wraps [SkipRetry] ends it at once, and so does a panic, which
// is logged with its stack and costs nothing but the page. Handlers have a deadline
// (Config.HandlerTime).
//
// Jobs themselves are crawler.Job; package tasks has the client that creates and
// steers them. docs/handlers.md tells all of this at length.
package trawl
