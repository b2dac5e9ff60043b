package trawl_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
)

// Create a job from outside its fleet and wait for its end.
func ExampleClient() {
	url, done := startShop()
	defer done()
	dir, done := tempDir()
	defer done()
	redis, ctx := startRedis(), context.Background()
	fleet, err := trawl.Open(ctx, trawl.Config{Redis: redis, Out: dir, AllowPrivate: true,
		Log: discardLogger()}) // elsewhere: trawl scheduler and trawl worker
	check(err)
	defer fleet.Shutdown(ctx)

	client, err := trawl.Connect(ctx, redis)
	check(err)
	defer client.Close()
	job := trawl.NewJob("news", url)
	job.Delay, job.Depth = 0, 2
	check(client.Create(ctx, job)) // a setting is out of range, or a job of this name exists
	status, err := client.Wait(ctx, job.Name)
	check(err)
	counters, err := client.Counters(ctx, job.Name)
	check(err)
	fmt.Println(status.State, counters.Pages(), "pages", counters.Bytes, "bytes")
	// Output: done 4 pages 355 bytes
}

// The list of seeds is read while it is admitted, so it may have any length. To admit the same URLs
// again changes nothing.
func ExampleClient_Seed() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, startRedis())
	check(err)
	defer fleet.Close()
	job := trawl.NewJob("news")
	check(fleet.Create(ctx, job))

	list := []string{"https://example.com/", "https://example.org/", "https://EXAMPLE.com", "example.net"}
	lines := func(yield func(string, error) bool) {
		for _, line := range list { // or the lines of a file, or the rows of a query
			if !yield(line, nil) {
				return
			}
		}
	}
	seeding, err := fleet.Seed(ctx, job.Name, lines, nil)
	check(err)
	fmt.Println(seeding.Admitted, "new,", seeding.Seen, "known,", seeding.Refused, "refused")
	for _, r := range seeding.Refusals {
		fmt.Printf("line %d: %s\n", r.Line, r.Reason)
	}
	counters, err := fleet.Counters(ctx, job.Name)
	check(err)
	fmt.Println(counters.Waiting, "URLs wait at", counters.Hosts, "hosts")
	// Output:
	// 2 new, 1 known, 1 refused
	// line 4: "example.net" is not a URL: it has no scheme (begin with http:// or https://)
	// 2 URLs wait at 2 hosts
}

// A program that uses asynq anyway, or that must not wait, enqueues a seed task. The fleet's
// schedulers carry it out; its result is a [trawl.Seeding] in JSON.
func ExampleNewSeedTask() {
	redis, err := asynq.ParseRedisURI(startRedis())
	check(err)
	client := asynq.NewClient(redis)
	defer client.Close()

	urls := []string{"https://example.com/", "https://example.org/"}
	for some := range slices.Chunk(urls, 1000) { // MaxSeedURLs and MaxSeedPayload limit a task
		task, err := trawl.NewSeedTask("news", some)
		check(err)
		info, err := client.Enqueue(task)
		check(err)
		fmt.Println(info.Type, "is", info.State)
	}
	// Output: crawl:seed is pending
}

// Counters are cheap to read, so they can be shown regularly while a job runs.
func ExampleClient_Counters() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, startRedis())
	check(err)
	defer fleet.Close()
	job := trawl.NewJob("news")
	check(fleet.Create(ctx, job))

	counters, err := fleet.Counters(ctx, "news")
	check(err)
	fmt.Println(counters.Seen, "seen,", counters.Waiting, "wait,", counters.Pages(), "fetched")
	// Output: 0 seen, 0 wait, 0 fetched
}

// A paused job finishes the requests that are under way and keeps the URLs that wait.
func ExampleClient_Pause() {
	ctx, redis := context.Background(), startRedis()
	dir, done := tempDir()
	defer done()
	fleet, err := trawl.Open(ctx, trawl.Config{Redis: redis, Out: dir, Log: discardLogger()})
	check(err)
	defer fleet.Shutdown(ctx)
	client, err := trawl.Connect(ctx, redis)
	check(err)
	defer client.Close()
	check(client.Create(ctx, trawl.NewJob("news"))) // without seeds, it waits for some
	run, err := fleet.Job(ctx, "news")
	check(err)
	for event := range run.Events(ctx) { // until the fleet has started it
		if event.Kind == trawl.EventState && event.Stats.State == trawl.StateRunning {
			break
		}
	}
	check(client.Pause(ctx, "news"))
	status, err := client.Status(ctx, "news")
	check(err)
	fmt.Println(status.State)
	check(client.Resume(ctx, "news"))
	status, err = client.Status(ctx, "news")
	check(err)
	fmt.Println(status.State)
	// Output:
	// paused
	// running
}

// A cancelled job has ended for good. Removing it makes its name available again; the results stay
// where the workers keep them.
func ExampleClient_Cancel() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, startRedis())
	check(err)
	defer fleet.Close()
	job := trawl.NewJob("news")
	check(fleet.Create(ctx, job))

	check(fleet.Cancel(ctx, "news"))
	status, err := fleet.Status(ctx, "news")
	check(err)
	fmt.Println(status.State)
	check(fleet.Remove(ctx, "news"))
	_, err = fleet.Status(ctx, "news")
	fmt.Println(err)
	// Output:
	// cancelled
	// job "news": there is no job of this name
}
