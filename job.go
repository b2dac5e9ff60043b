package trawl

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Job is a crawl and its settings. It is crawler.Job, whose fields are those of a job file.
// Name is required. [NewJob] returns a job with the default settings. In a literal, all settings
// that are zero get their defaults: Follow is true, and Depth is -1. To set one to zero, such as
// Delay or Depth, begin with NewJob. A Job is a literal if its Shards are 0, which no other job
// has.
type Job = crawler.Job

// The groups of a job's settings, for literals. Programs set and read the fields of a [Job]
// without them.
type (
	ScopeSettings      = crawler.ScopeSettings      // which URLs are fetched
	BudgetSettings     = crawler.BudgetSettings     // when the job ends
	PolitenessSettings = crawler.PolitenessSettings // how hosts are treated
	RequestSettings    = crawler.RequestSettings    // how a request is made
	RetrySettings      = crawler.RetrySettings      // how often it is made again
	OutputSettings     = crawler.OutputSettings     // what is written
	ExtractSettings    = crawler.ExtractSettings    // what is recorded of a page
	EventSettings      = crawler.EventSettings      // who is told what happens to the job
	RecrawlSettings    = crawler.RecrawlSettings    // whether pages are fetched again and again
	SignalSettings     = crawler.SignalSettings     // who may say that pages have changed
)

// The scopes of links, for Job.Scope and Job.ResourceScope.
const (
	ScopeHost   = crawler.ScopeHost   // the hosts of the seeds
	ScopeDomain = crawler.ScopeDomain // their registrable domains
	ScopeAny    = crawler.ScopeAny    // all hosts
)

// CheckLinks requests links that lead out of scope once, for Job.Check.
const CheckLinks = crawler.CheckLinks

// FollowRule says which links of which pages are followed.
type FollowRule = crawler.FollowRule

// Webhook is a receiver of the events of a job.
type Webhook = crawler.Webhook

// Rendering says what is done with a page in a browser, for Job.Rendering.
type Rendering = crawler.Rendering

// Which pages are rendered in a browser, for Job.Render, and how their requests are paced, for
// Job.RenderRequests.
const (
	RenderAuto     = crawler.RenderAuto     // those that need it
	RenderAlways   = crawler.RenderAlways   // every page
	RenderPacePage = crawler.RenderPacePage // a page with its requests is one request
)

// OnDone says what follows when a job is done.
type OnDone = crawler.OnDone

// Recrawl makes a job continuous, with FetchRate as its budget.
type Recrawl = crawler.Recrawl

// FetchRate is how many fetches there may be in a time.
type FetchRate = crawler.FetchRate

// Counters are the counters of a job.
type Counters = crawler.Counters

// Status is a job with its state, as a [Client] returns it.
type Status = crawler.Status

// HostStatus is a host of a job, as [Client.Hosts] returns it.
type HostStatus = crawler.HostStatus

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
	OutcomeFetched         = crawler.OutcomeFetched         // a body arrived with a status of 2xx
	OutcomeNotModified     = crawler.OutcomeNotModified     // 304
	OutcomeRedirected      = crawler.OutcomeRedirected      // redirects to a URL that has its own fate
	OutcomeFollowed        = crawler.OutcomeFollowed        // part of the record of the URL that redirected here
	OutcomeDisallowed      = crawler.OutcomeDisallowed      // robots.txt forbids it
	OutcomeBlocked         = crawler.OutcomeBlocked         // the host sends block pages, such as a challenge
	OutcomePaymentRequired = crawler.OutcomePaymentRequired // the server asks to be paid: 402
	OutcomeGone            = crawler.OutcomeGone            // 404 or 410
	OutcomeRetry           = crawler.OutcomeRetry           // waits for another try
	OutcomeFailed          = crawler.OutcomeFailed          // failed permanently, or too often
	OutcomeSkipped         = crawler.OutcomeSkipped         // not fetched, because of a rule or a budget
)

// ErrorClass says in one word why a URL failed.
type ErrorClass = crawler.ErrorClass

// The classes of errors.
const (
	ErrorDNS       = crawler.ErrorDNS       // the host name has no address
	ErrorConnect   = crawler.ErrorConnect   // no connection, or it was refused
	ErrorTLS       = crawler.ErrorTLS       // handshake or certificate failed
	ErrorTimeout   = crawler.ErrorTimeout   // no response in time
	ErrorReset     = crawler.ErrorReset     // the connection broke
	ErrorBlocked   = crawler.ErrorBlocked   // connections to the address are not allowed
	ErrorProtocol  = crawler.ErrorProtocol  // the response is not HTTP, or cannot be decoded
	ErrorHTTP      = crawler.ErrorHTTP      // the server responded with an error status
	ErrorBlockPage = crawler.ErrorBlockPage // a block page, or a host given up because of them
	ErrorRedirect  = crawler.ErrorRedirect  // a redirect that leads nowhere
	ErrorHandler   = crawler.ErrorHandler   // a handler failed
	ErrorWorker    = crawler.ErrorWorker    // workers were lost while they had the URL
)

// Seeding is what became of URLs that were added to a job.
type Seeding = crawler.Seeding

// Changes are new values of a job's settings in JSON, by their names in job files. The value
// null stands for the setting's default.
type Changes map[string]json.RawMessage

// Adjustment is what [Client.Set] or [Run.Set] has changed.
type Adjustment struct {
	Changed  []crawler.Change // empty if all settings had these values already
	Notes    []string         // what an operator should know about the changes
	Reopened bool             // the job was done because of a budget, and continues
}

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
	if job.Shards != 0 {
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

// validate returns an error for the first setting of a job that is wrong, by its name in Go.
func validate(job Job) error {
	if job.Name == "" {
		return inGo(&crawler.SettingError{Path: "name",
			Reason: "it is empty: name the job, as in trawl.NewJob(\"news\")"})
	}
	return inGo(rules.Validate(job))
}

// settingError is the error of a setting, which it names as Go programs do.
type settingError struct{ *SettingError }

// Error returns the setting and the reason, as in Job.PerHost: "0" is out of range.
func (e settingError) Error() string {
	name, rest := e.Path, ""
	if end := strings.IndexAny(e.Path, ".["); end > 0 {
		name, rest = e.Path[:end], e.Path[end:]
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Job]()) {
		if f.Tag.Get("yaml") == name {
			name = "Job." + f.Name
		}
	}
	return name + rest + ": " + e.Reason
}

// Unwrap returns the [SettingError], whose path is that of a job file.
func (e settingError) Unwrap() error { return e.SettingError }

// inGo makes the error of a setting name it as Go programs do. Other errors stay as they are.
func inGo(err error) error {
	if setting, ok := err.(*SettingError); ok {
		return settingError{setting}
	}
	return err
}
