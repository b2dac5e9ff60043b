package tasks_test

import (
	"context"
	"fmt"
	"log"
	"slices"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/tasks"
)

// aFleet is the Redis of a fleet. It ends with the process.
func aFleet() string {
	server, err := redisd.StartBuiltin(nil)
	if err != nil {
		log.Fatal(err)
	}
	return server.URL()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// All that becomes of a job.
func ExampleClient() {
	ctx := context.Background()
	fleet, err := tasks.Open(ctx, "redis://localhost:6379/0")
	if err != nil {
		log.Fatal(err)
	}
	defer fleet.Close()

	job := crawler.DefaultJob()
	job.Name = "news"
	job.Seeds = []string{"https://example.com/"}
	job.Depth = 2
	if err := fleet.Create(ctx, job); err != nil {
		log.Fatal(err) // a setting that is out of range, or a job of this name
	}
	status, err := fleet.Wait(ctx, job.Name)
	if err != nil {
		log.Fatal(err)
	}
	numbers, err := fleet.Counters(ctx, job.Name)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.State, numbers.Pages(), "pages", numbers.Bytes, "bytes", numbers.Outcomes)
}

// A list that is read while it is admitted may be of any length. To bring the
// same again changes nothing.
func ExampleClient_Seed() {
	ctx := context.Background()
	fleet, err := tasks.Open(ctx, aFleet())
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
	numbers, err := fleet.Counters(ctx, job.Name)
	check(err)
	fmt.Println(numbers.Waiting, "URLs wait at", numbers.Hosts, "hosts")
	// Output:
	// 2 new, 1 known, 1 refused
	// line 4: "example.net" is not a URL: it has no scheme (begin with http:// or https://)
	// 2 URLs wait at 2 hosts
}

// A program that enqueues into asynq anyway, or must not wait, leaves the seeding
// to the fleet. Its schedulers carry the task out; the result is a
// [crawler.Seeding] in JSON.
func ExampleNewSeedTask() {
	redis, err := asynq.ParseRedisURI("redis://localhost:6379/0")
	if err != nil {
		log.Fatal(err)
	}
	client := asynq.NewClient(redis)
	defer client.Close()

	urls := []string{"https://example.com/", "https://example.org/"}
	for some := range slices.Chunk(urls, 1000) { // MaxSeedURLs and MaxSeedPayload bound a task
		task, err := tasks.NewSeedTask("news", some)
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

// Counters are cheap to read, and so may be shown now and then while a job runs.
func ExampleClient_Counters() {
	ctx := context.Background()
	fleet, err := tasks.Open(ctx, aFleet())
	check(err)
	defer fleet.Close()
	job := crawler.DefaultJob()
	job.Name = "news"
	check(fleet.Create(ctx, job))

	numbers, err := fleet.Counters(ctx, "news")
	check(err)
	fmt.Println(numbers.Seen, "seen,", numbers.Waiting, "wait,", numbers.Pages(), "fetched")
	// Output: 0 seen, 0 wait, 0 fetched
}

// A job that is paused finishes what is under way and keeps what waits.
func ExampleClient_Pause() {
	ctx := context.Background()
	fleet, err := tasks.Open(ctx, "redis://localhost:6379/0")
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

// A job that is cancelled has ended for good. To remove it makes its name free;
// the results stay where the workers keep them.
func ExampleClient_Cancel() {
	ctx := context.Background()
	fleet, err := tasks.Open(ctx, aFleet())
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
