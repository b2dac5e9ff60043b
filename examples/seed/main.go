// Seed creates a job, brings it the URLs of standard input, waits for its end and
// prints its numbers as JSON.
//
//	go run ./examples/seed -redis redis://localhost:6379/0 -job news < urls.txt
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl"
)

func main() {
	log.SetFlags(0)
	job := trawl.NewJob("")
	redis := flag.String("redis", "redis://localhost:6379/0", "the fleet's Redis")
	flag.StringVar(&job.Name, "job", "", "name of the job")
	flag.DurationVar(&job.Delay, "delay", time.Second, "time between two requests to a host")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *redis, job); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, redis string, job trawl.Job) error {
	fleet, err := trawl.Connect(ctx, redis)
	if err != nil {
		return err
	}
	defer fleet.Close()
	if err := fleet.Create(ctx, job); err != nil {
		return err
	}
	seeding, err := fleet.Seed(ctx, job.Name, lines(os.Stdin), nil)
	if err != nil {
		return err
	}
	log.Printf("%d new, %d known, %d refused", seeding.Admitted, seeding.Seen, seeding.Refused)
	for _, r := range seeding.Refusals {
		log.Printf("line %d: %s", r.Line, r.Reason)
	}
	status, err := fleet.Wait(ctx, job.Name)
	if err != nil {
		return err
	}
	counters, err := fleet.Counters(ctx, job.Name)
	if err != nil {
		return err
	}
	if status.State != trawl.StateDone {
		return fmt.Errorf("%s is %s: %s", job.Name, status.State, status.Reason)
	}
	return json.NewEncoder(os.Stdout).Encode(counters)
}

// lines yields the lines of a list, which is not held in memory.
func lines(r io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		scanner := bufio.NewScanner(r)
		for scanner.Scan() {
			if !yield(strings.TrimSpace(scanner.Text()), nil) {
				return
			}
		}
		if err := scanner.Err(); err != nil {
			yield("", err)
		}
	}
}
