// Enqueue brings the URLs of standard input to a job that exists, in asynq tasks:
// it does not wait until they are in, because the fleet's schedulers see to that.
// A program in another language does the same with its client of asynq: a task of
// type crawl:seed, in the queue crawl:seed, whose payload is
// {"job": "news", "urls": ["https://example.com/", …]}.
//
//	go run ./examples/enqueue -redis redis://localhost:6379/0 -job news < urls.txt
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/tasks"
)

// some is how many URLs go into a task; tasks.MaxSeedURLs is the most.
const some = 1000

func main() {
	log.SetFlags(0)
	redis := flag.String("redis", "redis://localhost:6379/0", "the fleet's Redis")
	job := flag.String("job", "", "name of the job")
	flag.Parse()
	if err := run(*redis, *job); err != nil {
		log.Fatal(err)
	}
}

func run(redis, job string) error {
	opt, err := asynq.ParseRedisURI(redis)
	if err != nil {
		return err
	}
	client := asynq.NewClient(opt)
	defer client.Close()
	var urls []string
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if urls = append(urls, lines.Text()); len(urls) == some {
			if err := enqueue(client, job, urls); err != nil {
				return err
			}
			urls = nil
		}
	}
	if len(urls) > 0 {
		if err := enqueue(client, job, urls); err != nil {
			return err
		}
	}
	return lines.Err()
}

// enqueue enqueues one task and prints its ID: asynq's web UI shows its result.
func enqueue(client *asynq.Client, job string, urls []string) error {
	task, err := tasks.NewSeedTask(job, urls)
	if err != nil {
		return err
	}
	info, err := client.Enqueue(task)
	if err != nil {
		return err
	}
	fmt.Println(info.ID)
	return nil
}
