// Command queue works off a queue of URLs, with as many processes as one likes: each
// is a worker of a fleet that fetches what others enqueue (crawl:seed tasks, see
// enqueue/main.go; trawl seed; curl), and for each page a task of its own goes into
// asynq, which any of the processes carries out. The queues are in asynq's web UI.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
)

// Count is the payload of a task: the text of a page, whose words are to be counted.
type Count struct {
	URL  string `json:"url"`
	Text string `json:"text"`
}

func main() {
	redis := flag.String("redis", os.Getenv("TRAWL_REDIS"), "Redis of the fleet")
	out := flag.String("out", "crawls", "folder of the records")
	private := flag.Bool("allow-private", false, "fetch from private networks too")
	delay := flag.Duration("delay", time.Second, "between two requests to a host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *redis, *out, *private, *delay); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, redis, out string, private bool, delay time.Duration) error {
	fleet, err := trawl.Connect(ctx, redis)
	if err != nil {
		return err
	}
	defer fleet.Close()
	if err := open(ctx, fleet, delay); err != nil {
		return err
	}
	server, err := serve(redis)
	if err != nil {
		return err
	}
	defer server.Shutdown()
	inbox := trawl.NewHandlers("inbox")
	inbox.OnPage("", enqueue)
	return trawl.Work(ctx, trawl.Config{Redis: redis, Out: out, AllowPrivate: private, Jobs: []string{"inbox"}}, inbox)
}

// open creates the job that URLs are brought to, if no other process has, and keeps it
// from ending while nothing waits: it is seeded from a list that has no end, and holds
// nothing. It follows no links.
func open(ctx context.Context, fleet *trawl.Client, delay time.Duration) error {
	job := trawl.NewJob("inbox")
	job.Follow, job.Delay, job.Handlers = false, delay, []string{"inbox"}
	err := fleet.Create(ctx, job)
	if errors.Is(err, trawl.ErrJobExists) {
		err = reopen(ctx, fleet, job.Name)
	}
	if err != nil {
		return err
	}
	go func() {
		_, err := fleet.Seed(ctx, job.Name, func(func(string, error) bool) { <-ctx.Done() }, nil)
		if ctx.Err() == nil {
			log.Fatal(err) // somebody ended the job
		}
	}()
	return nil
}

// reopen lets a job go on that came to its end while all processes were away.
func reopen(ctx context.Context, fleet *trawl.Client, job string) error {
	status, err := fleet.Status(ctx, job)
	if err != nil || status.State != trawl.StateDone {
		return err
	}
	return fleet.Resume(ctx, job)
}

// enqueue makes a task of a page. It is enqueued when the page is kept; asynq keeps it
// for an hour after it is done, in which it is not enqueued again, whatever is killed.
func enqueue(_ context.Context, p *trawl.Page) error {
	payload, err := json.Marshal(Count{URL: p.URL(), Text: p.Find("body").Text()})
	if err != nil {
		return err
	}
	return p.Enqueue(asynq.NewTask("words:count", payload, asynq.Queue("words"), asynq.Retention(time.Hour)))
}

// serve carries out the tasks: plain asynq.
func serve(redis string) (*asynq.Server, error) {
	endpoint, err := asynq.ParseRedisURI(redis)
	if err != nil {
		return nil, err
	}
	server := asynq.NewServer(endpoint, asynq.Config{Queues: map[string]int{"words": 1}, LogLevel: asynq.WarnLevel})
	return server, server.Start(asynq.HandlerFunc(count))
}

func count(_ context.Context, t *asynq.Task) error {
	var c Count
	if err := json.Unmarshal(t.Payload(), &c); err != nil {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	words := len(strings.Fields(c.Text))
	fmt.Printf("%s has %d words\n", c.URL, words)
	_, err := fmt.Fprintf(t.ResultWriter(), `{"words": %d}`, words)
	return err
}
