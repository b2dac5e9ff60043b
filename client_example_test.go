package trawl_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/crawler"
)

// Create a job and wait for its end.
func ExampleClient() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, "redis://localhost:6379/0")
	if err != nil {
		log.Fatal(err)
	}
	defer fleet.Close()

	job := crawler.DefaultJob()
	job.Name = "news"
	job.Seeds = []string{"https://example.com/"}
	job.Depth = 2
	if err := fleet.Create(ctx, job); err != nil {
		log.Fatal(err) // a setting is out of range, or a job of this name exists
	}
	status, err := fleet.Wait(ctx, job.Name)
	if err != nil {
		log.Fatal(err)
	}
	counters, err := fleet.Counters(ctx, job.Name)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.State, counters.Pages(), "pages", counters.Bytes, "bytes", counters.Outcomes)
}

// The list of seeds is read while it is admitted, so it may have any length. To admit the same URLs
// again changes nothing.
func ExampleClient_Seed() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, startRedis())
	check(err)
	defer fleet.Close()
	job := crawler.DefaultJob()
	job.Name = "news"
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
// schedulers carry it out; its result is a [crawler.Seeding] in JSON.
func ExampleNewSeedTask() {
	redis, err := asynq.ParseRedisURI("redis://localhost:6379/0")
	if err != nil {
		log.Fatal(err)
	}
	client := asynq.NewClient(redis)
	defer client.Close()

	urls := []string{"https://example.com/", "https://example.org/"}
	for some := range slices.Chunk(urls, 1000) { // MaxSeedURLs and MaxSeedPayload limit a task
		task, err := trawl.NewSeedTask("news", some)
		if err != nil {
			log.Fatal(err)
		}
		info, err := client.Enqueue(task)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(info.Queue, info.ID)
	}
}

// Counters are cheap to read, so they can be shown regularly while a job runs.
func ExampleClient_Counters() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, startRedis())
	check(err)
	defer fleet.Close()
	job := crawler.DefaultJob()
	job.Name = "news"
	check(fleet.Create(ctx, job))

	counters, err := fleet.Counters(ctx, "news")
	check(err)
	fmt.Println(counters.Seen, "seen,", counters.Waiting, "wait,", counters.Pages(), "fetched")
	// Output: 0 seen, 0 wait, 0 fetched
}

// A paused job finishes the visits that are under way and keeps the URLs that wait.
func ExampleClient_Pause() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, "redis://localhost:6379/0")
	if err != nil {
		log.Fatal(err)
	}
	defer fleet.Close()
	if err := fleet.Pause(ctx, "news"); err != nil {
		log.Fatal(err)
	}
	if err := fleet.Resume(ctx, "news"); err != nil {
		log.Fatal(err)
	}
}

// A cancelled job has ended for good. Removing it makes its name available again; the results stay
// where the workers keep them.
func ExampleClient_Cancel() {
	ctx := context.Background()
	fleet, err := trawl.Connect(ctx, startRedis())
	check(err)
	defer fleet.Close()
	job := crawler.DefaultJob()
	job.Name = "news"
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
