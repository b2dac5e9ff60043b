// Package trawl is the API for Go programs with code of their own: functions that get the
// pages of a crawl, as a tree to select from, and that emit items, add links, add URLs to
// other jobs and enqueue tasks.
//
// # The package on one screen
//
//	crawl one site to its end     Crawl
//	run many jobs in one program  Open, Fleet.Start, Run.Wait, Fleet.Shutdown
//	watch and steer a job         Run.Events, Run.Stats, Run.Pause, Run.Resume, Run.Set, Run.Seed
//	read what is on record        Run.Records
//	work for a fleet              Work
//	control a fleet from outside  Connect, Client, NewSeedTask
//	describe a job                NewJob, Job: Delay, Depth, Scope, Include, Pages, Items, Time
//	configure the program         Config: Redis, Out, Concurrency, Access, Identity, Log
//	handle pages                  NewHandlers, Handlers.OnPage, OnType, OnHTML, Page
//	handle failures               Handlers.OnError, Failure, SkipRetry
//	change or refuse requests     Handlers.OnRequest, Config.Transport, AccessRule
//	keep results                  Page.Emit, Page.Save, Handlers.Sink
//	follow links, pass values     Page.Follow, Meta, First, Header, Page.Meta
//	create work from pages        Page.Seed, Page.CreateJob, Page.Enqueue
//	end a job                     Page.Stop, Job.Pages, Job.Items, Job.Time, Run.Cancel
//	tell errors apart             ErrJobExists, ErrNoHandlers, ErrUnavailable, SettingError, ErrorClass
//
// Each of these has an example. A program begins like this:
//
//	shop := trawl.NewHandlers("shop")
//	shop.OnHTML("div.product", func(ctx context.Context, p *trawl.Page, product *goquery.Selection) error {
//		p.Emit(Product{URL: p.URL(), Name: product.Find("h1").Text()})
//		return nil
//	})
//	job := trawl.NewJob("shop", "https://shop.example/")
//	job.Delay = 2 * time.Second
//	stats, err := trawl.Crawl(ctx, job, trawl.Config{}, shop)
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
// # Many crawls in one program
//
// A service opens one [Fleet], and starts as many jobs as it likes: they share a Redis, a
// scheduler and a worker.
//
//	fleet, err := trawl.Open(ctx, trawl.Config{}, shop)
//	run, err := fleet.Start(ctx, trawl.NewJob("shop-42", "https://shop.example/"))
//	for event := range run.Events(ctx) {
//		log.Println(event.Kind)
//	}
//	stats, err := run.Wait(ctx)
//	for record, err := range run.Records(ctx) {
//		// what is on record of each URL
//	}
//	err = fleet.Shutdown(ctx) // jobs that have not ended continue at the next Open
//
// [Crawl] is the short form for a single job. Both return numbers also with an error. Pages
// that fail are not an error, not even if all do: [Stats.Failed] counts them.
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
