package trawl

import (
	"reflect"

	"github.com/trawlcrawler/trawl/crawler"
)

// Job is a crawl and its settings. It is crawler.Job, whose fields are those of a job file.
// [NewJob] returns one with the default settings. In a literal, which cannot be valid
// otherwise because it lacks a user agent, settings that are zero get their defaults; to set
// one to zero, such as Delay, begin with NewJob.
type Job = crawler.Job

// Counters are the counters of a job.
type Counters = crawler.Counters

// Record is what is on record of one URL.
type Record = crawler.Record

// State is the state of a job.
type State = crawler.State

// The states of a job.
const (
	StateCreated   = crawler.StateCreated
	StateRunning   = crawler.StateRunning
	StatePaused    = crawler.StatePaused
	StateDone      = crawler.StateDone
	StateCancelled = crawler.StateCancelled
	StateFailed    = crawler.StateFailed
)

// Outcome is the fate of one URL. Every URL that a job has seen is waiting, in flight, or has
// exactly one final outcome.
type Outcome = crawler.Outcome

// The outcomes. All except OutcomeRetry are final.
const (
	OutcomeFetched     = crawler.OutcomeFetched     // a body arrived with a status of 2xx
	OutcomeNotModified = crawler.OutcomeNotModified // 304
	OutcomeRedirected  = crawler.OutcomeRedirected  // redirects to a URL that has its own fate
	OutcomeFollowed    = crawler.OutcomeFollowed    // part of the record of the URL that redirected here
	OutcomeDisallowed  = crawler.OutcomeDisallowed  // robots.txt forbids it
	OutcomeGone        = crawler.OutcomeGone        // 404 or 410
	OutcomeRetry       = crawler.OutcomeRetry       // waits for another try
	OutcomeFailed      = crawler.OutcomeFailed      // failed permanently, or too often
	OutcomeSkipped     = crawler.OutcomeSkipped     // not fetched, because of a rule or a budget
)

// ErrorClass says in one word why a URL failed.
type ErrorClass = crawler.ErrorClass

// The classes of errors.
const (
	ErrorDNS      = crawler.ErrorDNS      // the host name has no address
	ErrorConnect  = crawler.ErrorConnect  // no connection, or it was refused
	ErrorTLS      = crawler.ErrorTLS      // handshake or certificate failed
	ErrorTimeout  = crawler.ErrorTimeout  // no response in time
	ErrorReset    = crawler.ErrorReset    // the connection broke
	ErrorBlocked  = crawler.ErrorBlocked  // connections to the address are not allowed
	ErrorProtocol = crawler.ErrorProtocol // the response is not HTTP, or cannot be decoded
	ErrorHTTP     = crawler.ErrorHTTP     // the server responded with an error status
	ErrorRedirect = crawler.ErrorRedirect // a redirect that leads nowhere
	ErrorHandler  = crawler.ErrorHandler  // a handler failed
	ErrorWorker   = crawler.ErrorWorker   // workers were lost while they had the URL
)

// Seeding is what became of URLs that were added to a job.
type Seeding = crawler.Seeding

// Changes are new values of a job's settings, by their names in job files, as JSON.
type Changes = crawler.Changes

// Adjustment is what [Run.Set] has changed.
type Adjustment = crawler.Adjustment

// SettingError says which setting of a job is wrong, and why.
type SettingError = crawler.SettingError

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

// NewJob returns a job with the settings of crawler.DefaultJob: one connection to a host at
// a time, a second between requests, robots.txt obeyed, and links followed on the hosts of
// the seeds.
func NewJob(name string, seeds ...string) Job {
	job := crawler.DefaultJob()
	job.Name, job.Seeds = name, seeds
	return job
}

// complete returns a job with defaults for the settings that are zero, if it is a literal.
func complete(job Job) Job {
	if job.UserAgent != "" || job.PerHost != 0 || job.Timeout != 0 {
		return job
	}
	whole := crawler.DefaultJob()
	overlay(reflect.ValueOf(&whole).Elem(), reflect.ValueOf(job))
	return whole
}

// overlay sets the fields of a struct to those of another that are not zero.
func overlay(whole, part reflect.Value) {
	for i := range part.NumField() {
		switch field := part.Field(i); {
		case part.Type().Field(i).Anonymous && field.Kind() == reflect.Struct:
			overlay(whole.Field(i), field)
		case !field.IsZero():
			whole.Field(i).Set(field)
		}
	}
}
