package crawler

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/version"
)

// Job is one named crawl and its settings, as stored in a job file, on the command line and
// in Redis. Start from [DefaultJob]: the zero values of most fields are not their defaults.
//
// Settings are embedded in groups, so that code which needs one group takes only that. Job
// files, JSON and Redis have all of them at one level.
type Job struct {
	// Name names the job, and so its asynq queue, its keys in Redis and its records. It has
	// lower-case letters, digits and hyphens, at most 63.
	Name string `json:"name" yaml:"name"`
	// Seeds are the URLs that the crawl starts from.
	Seeds []string `json:"seeds,omitempty" yaml:"seeds"`

	ScopeSettings      `yaml:",inline"`
	BudgetSettings     `yaml:",inline"`
	PolitenessSettings `yaml:",inline"`
	RequestSettings    `yaml:",inline"`
	RetrySettings      `yaml:",inline"`
	OutputSettings     `yaml:",inline"`
	ExtractSettings    `yaml:",inline"`

	// Handlers names the handlers for the job's pages that Go programs provide, such as
	// "shop". Only workers that have all of them run the job's visits. Default none.
	Handlers []string `json:"handlers,omitempty" yaml:"handlers"`
	// Weight is the job's share of a fleet, relative to other jobs. Default 1, at most
	// 1,000.
	Weight int `json:"weight" yaml:"weight"`
	// Schedule makes the job periodic, as [ParseSchedule] parses it: "@daily", or minute,
	// hour, day of the month, month and day of the week as in cron, in UTC or in the time
	// zone that it names. At each tick a separate run starts, named after the job and the
	// tick, unless the previous run is still going. The name of a periodic job has at most
	// 47 letters.
	Schedule string `json:"schedule,omitempty" yaml:"schedule"`
	// Runs is how many runs of such a job are kept in Redis. The output of older runs that
	// have ended stays. Default 10; 0: all.
	Runs int `json:"runs" yaml:"runs"`
	// Shards is the number of Redis Cluster slots that hold the frontier. It cannot change
	// after the job was created. Default 1, at most 1024.
	Shards int `json:"shards" yaml:"shards"`
}

// DefaultUserAgent identifies Trawl and says where to read about it.
const DefaultUserAgent = "Trawl/" + version.Series + " (+https://github.com/trawlcrawler/trawl/blob/main/docs/robot.md)"

// DefaultJob returns a job with every setting at its default.
func DefaultJob() Job {
	return Job{
		ScopeSettings: ScopeSettings{
			Follow: true, Scope: ScopeHost, SeedRedirects: SeedRedirectsFollow, Depth: -1,
			Traps: true, MaxURLLength: 2048, MaxRepeats: 3, MaxParams: 32, ResourceScope: ScopeAny,
		},
		PolitenessSettings: PolitenessSettings{
			Delay: Duration(time.Second), AddressDelay: Auto, Politeness: PolitenessFleet, Throttle: 2, PerHost: 1,
			UserAgent: DefaultUserAgent, CrawlDelayCap: Duration(time.Minute),
		},
		RequestSettings: RequestSettings{TLS: TLSModern, BodyLimit: 32 << 20, Timeout: Duration(time.Minute), MinRate: 100},
		RetrySettings:   RetrySettings{RobotsTries: 5, HostTries: 8, Retries: 3, RetryPause: Duration(2 * time.Second)},
		OutputSettings: OutputSettings{
			Format: []string{"jsonl"}, Durable: DurableShipped, LostAfter: Duration(2 * time.Minute), Journal: true,
		},
		Weight: 1,
		Runs:   10,
		Shards: 1,
	}
}

var (
	jobName     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	headerValue = regexp.MustCompile(`^[\x20-\x7e]+$`)
)

// Validate returns an error for the first setting that is out of range, with its name in a
// job file and its value. CSS selectors are checked by parse.Check.
func (j Job) Validate() error {
	for _, check := range []struct {
		ok    bool
		field string
		value any
		want  string
	}{
		{jobName.MatchString(j.Name), "name", j.Name, "1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen"},
		{slices.Contains(ScopeKinds, j.Scope), "scope", j.Scope, "host, domain or any"},
		{slices.Contains(SeedRedirectsKinds, j.SeedRedirects), "seed_redirects", j.SeedRedirects, "follow or stay"},
		{slices.Contains(ScopeKinds, j.ResourceScope), "resource_scope", j.ResourceScope, "host, domain or any"},
		{j.Depth >= -1, "depth", j.Depth, "-1 (no limit), 0 (only the seeds) or more"},
		{j.MaxURLLength >= 0, "max_url_length", j.MaxURLLength, "0 (no limit) or more"},
		{j.MaxRepeats >= 0, "max_repeats", j.MaxRepeats, "0 (no limit) or more"},
		{j.MaxParams >= 0, "max_params", j.MaxParams, "0 (no limit) or more"},
		{j.Pages >= 0, "pages", j.Pages, "0 (no limit) or more"},
		{j.Bytes >= 0, "bytes", j.Bytes, "0 (no limit) or more"},
		{j.Time >= 0, "time", j.Time, "0 (no limit) or more"},
		{j.PagesPerHost >= 0, "pages_per_host", j.PagesPerHost, "0 (no limit) or more"},
		{j.PagesPerDomain >= 0, "pages_per_domain", j.PagesPerDomain, "0 (no limit) or more"},
		{j.Delay >= 0, "delay", j.Delay, "0 or more"},
		{j.AddressDelay >= 0 || j.AddressDelay == Auto, "address_delay", j.AddressDelay, "auto, 0 (none) or more"},
		{j.AddressDelay <= 0 || j.Shards == 1, "shards", j.Shards, "1, because of address_delay"},
		{slices.Contains(Politenesses, j.Politeness), "politeness", j.Politeness, "fleet or job"},
		{j.Throttle >= 0 && j.Throttle <= 100, "throttle", j.Throttle, "0 (off) to 100"},
		{j.PerHost >= 1 && j.PerHost <= 256, "per_host", j.PerHost, "1 to 256"},
		{headerValue.MatchString(j.UserAgent), "user_agent", j.UserAgent, "printable ASCII"},
		{j.Contact == "" || headerValue.MatchString(j.Contact), "contact", j.Contact, "printable ASCII"},
		{j.RobotsTries >= 1, "robots_tries", j.RobotsTries, "1 or more"},
		{j.CrawlDelayCap >= 0, "crawl_delay_cap", j.CrawlDelayCap, "0 or more"},
		{j.HostTries >= 1 && j.HostTries < HopelessFailures, "host_tries", j.HostTries, "1 or more"},
		{j.Retries >= 0 && j.Retries <= 100, "retries", j.Retries, "0 to 100"},
		{j.RetryPause >= 0, "retry_pause", j.RetryPause, "0 or more"},
		{j.BodyLimit > 0, "body_limit", j.BodyLimit, "more than 0"},
		{j.MinRate >= 0, "min_rate", j.MinRate, "0 (no limit) or more"},
		{slices.Contains(TLSKinds, j.TLS), "tls", j.TLS, "modern or legacy"},
		{j.Timeout > 0, "timeout", j.Timeout, "more than 0"},
		{slices.Contains(DurableKinds, j.Durable), "durable", j.Durable, "shipped or disk"},
		{j.LostAfter >= Duration(leastLostAfter), "lost_after", j.LostAfter, leastLostAfter.String() + " or more"},
		{j.Weight >= 1 && j.Weight <= 1000, "weight", j.Weight, "1 to 1000"},
		{j.Runs >= 0 && j.Runs <= 1_000_000, "runs", j.Runs, "0 to 1000000"},
		{j.Shards >= 1 && j.Shards <= 1024, "shards", j.Shards, "1 to 1024"},
	} {
		if !check.ok {
			return fmt.Errorf("%s: %q is out of range%s: want %s", check.field, fmt.Sprint(check.value), meant(check.value, check.want), check.want)
		}
	}
	for _, rule := range j.Same {
		if !slices.Contains(SameKinds, rule) {
			return fmt.Errorf("same: %q is not a rule%s: want any of %v", rule, Suggest(rule, SameKinds), SameKinds)
		}
	}
	for _, name := range j.Handlers {
		if !jobName.MatchString(name) {
			return fmt.Errorf("handlers: %q is not a valid name: want 1 to 63 lower-case letters, digits and hyphens, not starting with a hyphen", name)
		}
	}
	if _, err := j.Extractions(); err != nil {
		return err
	}
	if err := j.checkExtract(); err != nil {
		return err
	}
	if _, err := NewFollowRules(j.FollowRules); err != nil {
		return err
	}
	if _, err := ParsePrefixes(j.AddressExempt); err != nil {
		return fmt.Errorf("address_exempt: %w", err)
	}
	if err := j.checkSchedule(); err != nil {
		return err
	}
	_, err := NewScope(j.ScopeSettings, nil)
	return err
}

// meant suggests one of the wanted words for a value that is a word of a few; "" for other
// values.
func meant(value any, want string) string {
	switch value.(type) {
	case ScopeKind, SeedRedirects, Politeness, TLSKind, DurableKind:
		return Suggest(fmt.Sprint(value), strings.FieldsFunc(want, func(r rune) bool { return r == ' ' || r == ',' }))
	}
	return ""
}

// ParsePrefixes parses networks.
func ParsePrefixes(texts []string) ([]netip.Prefix, error) {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		var err error
		if all[i], err = netip.ParsePrefix(text); err != nil {
			return nil, fmt.Errorf("%q is not a network (write 192.0.2.0/24)", text)
		}
	}
	return all, nil
}

// AddressGap is the shortest time between two requests to an IP address, for any of its
// hosts; 0: none. If AddressDelay is [Auto], it is Delay in a job that follows links beyond
// the hosts of its seeds, because there strangers decide how many hosts an address has.
// Otherwise, and in a job with several shards, it is 0.
func (j Job) AddressGap() time.Duration {
	switch {
	case j.AddressDelay != Auto:
		return time.Duration(j.AddressDelay)
	case !j.Follow || j.Scope == ScopeHost || j.Shards > 1:
		return 0
	}
	return time.Duration(j.Delay)
}

// SeedEntries returns the job's seeds as entries to admit. The error names the first seed
// that is not a URL, or that has a password (see [ErrLogin]).
func (j Job) SeedEntries() ([]Entry, error) {
	priorities, err := NewPriorityRules(j.Priorities)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(j.Seeds))
	for _, s := range j.Seeds {
		u, err := ParseBare(s)
		if err != nil {
			return nil, fmt.Errorf("seeds: %w", err)
		}
		entries = append(entries, Entry{URL: u, Band: priorities.Band(u, BandFirst)})
	}
	return entries, nil
}

// Errors of jobs that callers can distinguish.
var (
	// ErrJobExists says that a job with that name already exists.
	ErrJobExists = errors.New("a job of this name exists")
	// ErrNoJob says that no job has that name.
	ErrNoJob = errors.New("there is no job of this name")
	// ErrNoHost says that a job has seen no URL of a host.
	ErrNoHost = errors.New("the job has seen no URL of this host")
	// ErrJobEnded says that a job has ended: it takes no seeds, and cannot be paused. A job
	// that is done can be resumed.
	ErrJobEnded = errors.New("the job has ended")
	// ErrJobState says that the state of a job does not allow an operation: for example, to
	// pause a job that has not started, or one that another client changes at the same
	// moment.
	ErrJobState = errors.New("the state of the job does not allow it")
	// ErrLayout says that the keys in Redis were written by another version of trawl, so
	// that this version must not touch them.
	ErrLayout = errors.New("the jobs in this Redis belong to another version of trawl")
	// ErrGarbage says that a key in Redis has the wrong type or an invalid value.
	ErrGarbage = errors.New("a key in Redis is not what it should be")
	// ErrJobChanged says that another client changed the settings of a job since they were
	// read.
	ErrJobChanged = errors.New("its settings were changed in the meantime")
	// ErrJobRuns says that a job has not ended, and must be cancelled before it is removed.
	ErrJobRuns = errors.New("the job has not ended: cancel it first")
)

// CheckOneDocument returns an error if a YAML job file has a second document, which would
// be ignored, and names the line where it starts. Documents without content do not count.
// Markers are found without parsing, because no content may have "---" or "..." at the
// start of a line (YAML 1.2.2, 9.1.2).
func CheckOneDocument(text []byte) error {
	documents, line := 0, 0
	within := false // inside a document that has content
	for row := range bytes.Lines(text) {
		line++
		row = bytes.TrimRight(row, "\r\n")
		if rest, ok := afterMarker(row); ok {
			within, row = false, rest
		}
		row = bytes.TrimLeft(row, " \t")
		if within || len(row) == 0 || row[0] == '#' || row[0] == '%' {
			continue
		}
		within = true
		if documents++; documents > 1 {
			return fmt.Errorf("[%d:1] a second document starts here: a file can have only one job: put each job into a file of its own", line)
		}
	}
	return nil
}

// afterMarker returns what follows the marker of a document in its line.
func afterMarker(row []byte) (rest []byte, ok bool) {
	if !bytes.HasPrefix(row, []byte("---")) && !bytes.HasPrefix(row, []byte("...")) {
		return nil, false
	}
	rest = row[3:]
	return rest, len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t'
}

// Process is a process of a fleet that showed a sign of life in the last few seconds.
type Process struct {
	// Kind is [KindScheduler] or [KindWorker].
	Kind ProcessKind `json:"kind"`
	// ID is unique to the process, even among processes with the same name over time.
	ID string `json:"id"`
	// Name is the name of a worker, as in its records; for a scheduler, its machine.
	Name string `json:"name"`
	// Jobs lists the jobs that it runs, including the runs of periodic ones. Empty: all.
	Jobs []string `json:"jobs,omitempty"`
	// Handlers lists the sets of handlers that a worker has. Empty: none.
	Handlers []string `json:"handlers,omitempty"`
	// Closed says that a worker connects only to what its own operator allowed, and not to
	// what was allowed for a single job ([Opened]).
	Closed bool `json:"closed,omitempty"`
}

// ProcessKind is the role of a process in its fleet.
type ProcessKind string

// The kinds of processes.
const (
	KindScheduler ProcessKind = "scheduler"
	KindWorker    ProcessKind = "worker"
)

// Serves reports whether the process is configured to run a job.
func (p Process) Serves(job Status) bool {
	return len(p.Jobs) == 0 || slices.Contains(p.Jobs, job.Job.Name) || job.RunOf != "" && slices.Contains(p.Jobs, job.RunOf)
}

// HasAll reports whether a worker has all of these sets of handlers.
func (p Process) HasAll(handlers []string) bool {
	return !slices.ContainsFunc(handlers, func(name string) bool { return !slices.Contains(p.Handlers, name) })
}
