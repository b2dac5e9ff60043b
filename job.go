package trawl

import "github.com/trawlcrawler/trawl/crawler"

// Job is a crawl and its settings: crawler.Job, whose fields are those of a job file.
type Job = crawler.Job

// Counters are the numbers of a job.
type Counters = crawler.Counters

// Duration is a time.Duration that job files write as Go does, "1m30s".
type Duration = crawler.Duration

// NewJob returns a job with the settings that crawler.DefaultJob has: one connection
// to a host at a time, a second between requests, robots.txt obeyed, links followed
// on the hosts of the seeds.
func NewJob(name string, seeds ...string) Job {
	job := crawler.DefaultJob()
	job.Name, job.Seeds = name, seeds
	return job
}
