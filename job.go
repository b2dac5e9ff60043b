package trawl

import "github.com/trawlcrawler/trawl/crawler"

// Job is a crawl and its settings. It is crawler.Job, whose fields are those of a job file.
type Job = crawler.Job

// Counters are the counters of a job.
type Counters = crawler.Counters

// Priority says which URLs of a host are fetched before others.
type Priority = crawler.Priority

// The priorities, the highest first.
const (
	PriorityUrgent = crawler.PriorityUrgent
	PriorityHigh   = crawler.PriorityHigh
	PriorityNormal = crawler.PriorityNormal
	PriorityLow    = crawler.PriorityLow
)

// PriorityRule gives the URLs of a job that match a regular expression a priority.
type PriorityRule = crawler.PriorityRule

// Duration is a time.Duration that job files write in Go's format, "1m30s".
type Duration = crawler.Duration

// NewJob returns a job with the settings of crawler.DefaultJob: one connection to a host at
// a time, a second between requests, robots.txt obeyed, and links followed on the hosts of
// the seeds.
func NewJob(name string, seeds ...string) Job {
	job := crawler.DefaultJob()
	job.Name, job.Seeds = name, seeds
	return job
}
