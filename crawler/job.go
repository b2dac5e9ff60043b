package crawler

import (
	"time"

	"github.com/trawlcrawler/trawl/internal/textform"
	"github.com/trawlcrawler/trawl/internal/version"
)

// Job is one named crawl and its settings, as stored in a job file, on the command line and
// in Redis. Start from [DefaultJob]: the zero values of most fields are not their defaults.
//
// Settings are embedded in groups, so that code which needs one group takes only that. Job
// files, JSON and Redis have all of them at one level, and durations as in "2s".
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
	RightsSettings     `yaml:",inline"`
	EventSettings      `yaml:",inline"`
	RecrawlSettings    `yaml:",inline"`
	SignalSettings     `yaml:",inline"`

	// Handlers names the handlers for the job's pages that Go programs provide, such as
	// "shop". Only workers that have all of them run the job's visits. Default none.
	Handlers []string `json:"handlers,omitempty" yaml:"handlers"`
	// Weight is the job's share of a fleet, relative to other jobs. Default 1, at most
	// 1,000.
	Weight int `json:"weight" yaml:"weight"`
	// Schedule makes the job periodic. It is @hourly, @daily, @weekly, @monthly or @yearly;
	// "@every 36h"; or minute, hour, day of the month, month and day of the week as in
	// crontab(5). Times are in UTC, or in the zone that it begins with, as in
	// "CRON_TZ=Europe/Paris 0 6 * * *". At each tick a separate run starts, named after the
	// job and the tick, unless the previous run is still going. The name of a periodic job
	// has at most 47 letters.
	Schedule string `json:"schedule,omitempty" yaml:"schedule"`
	// Runs is how many runs of such a job are kept in Redis. The output of older runs that
	// have ended stays. Default 10; 0: all.
	Runs int `json:"runs" yaml:"runs"`
	// Shards is the number of Redis Cluster slots that hold the frontier. It cannot change
	// after the job was created. Default 1, at most 1024.
	Shards int `json:"shards" yaml:"shards"`
}

// defaultUserAgent identifies Trawl and says where to read about it.
const defaultUserAgent = "Trawl/" + version.Series + " (+https://github.com/trawlcrawler/trawl/blob/main/docs/robot.md)"

// DefaultJob returns a job with every setting at its default.
func DefaultJob() Job {
	return Job{
		ScopeSettings: ScopeSettings{
			Follow: true, Scope: ScopeHost, Check: CheckNone, SeedRedirects: SeedRedirectsFollow, Depth: -1,
			Traps: true, MaxURLLength: 2048, MaxRepeats: 3, MaxParams: 32, ResourceScope: ScopeAny,
		},
		PolitenessSettings: PolitenessSettings{
			Delay: time.Second, AddressDelay: textform.Auto, Politeness: PolitenessFleet, Throttle: 2, PerHost: 1,
			UserAgent: defaultUserAgent, CrawlDelayCap: time.Minute,
		},
		RequestSettings: RequestSettings{TLS: TLSModern, Conditional: ConditionalAuto, BodyLimit: 32 << 20,
			Timeout: time.Minute, MinRate: 100, RenderTime: defaultRenderTime},
		RetrySettings: RetrySettings{RobotsTries: 5, HostTries: 8, Retries: 3, RetryPause: 2 * time.Second},
		OutputSettings: OutputSettings{
			Format: []string{"jsonl"}, Durable: DurableShipped, LostAfter: 2 * time.Minute, Journal: true,
		},
		RightsSettings: RightsSettings{Rights: RightsRecord},
		EventSettings:  EventSettings{StalledAfter: 10 * time.Minute},

		Weight: 1,
		Runs:   10,
		Shards: 1,
	}
}

// AddressGap is the shortest time between two requests to an IP address, for any of its
// hosts; 0: none. If AddressDelay is "auto" (-1), it is Delay in a job that follows or checks links
// beyond the hosts of its seeds, because there strangers decide how many hosts an address has.
// Otherwise, and in a job with several shards, it is 0.
func (j Job) AddressGap() time.Duration {
	switch {
	case j.AddressDelay != textform.Auto:
		return j.AddressDelay
	case !j.Follow || j.Scope == ScopeHost && !j.Checks() || j.Shards > 1:
		return 0
	}
	return j.Delay
}
