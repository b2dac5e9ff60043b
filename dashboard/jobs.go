package dashboard

import (
	"context"
	"iter"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Jobs are the jobs of a fleet. All methods are safe for concurrent use and return when
// their context ends. Methods that take the name of a job return [queue.ErrNoJob] if it
// does not exist.
type Jobs interface {
	// CreateClosed stores a valid job, which a scheduler then starts. Its seeds allow
	// connections neither to private addresses nor to unusual ports. It returns
	// [queue.ErrJobExists] if a job with that name exists.
	CreateClosed(ctx context.Context, job crawler.Job) error
	// Jobs lists all jobs with their states.
	Jobs(ctx context.Context) ([]crawler.Status, error)
	// Status returns one job with its state.
	Status(ctx context.Context, name string) (crawler.Status, error)
	// Counters returns the counters of a job.
	Counters(ctx context.Context, name string) (crawler.Counters, error)
	// Waiting says what a job waits for if none of its pages is being fetched, given its
	// status and counters as just read.
	Waiting(ctx context.Context, job crawler.Status, numbers crawler.Counters) (waiting.Waiting, error)

	// Recent returns what a job had done in each of the last seconds, at most limit, the
	// oldest first.
	Recent(ctx context.Context, job string, limit int) ([]forecast.Sample, error)
	// History returns what a job had done over the last day.
	History(ctx context.Context, job string) (forecast.History, error)
	// Estimate returns how long a job still takes, given its status and its counters.
	Estimate(ctx context.Context, job crawler.Status, numbers crawler.Counters) (forecast.Estimate, error)
	// Use returns what the places of the workers of a job are used for, given its status and
	// counters as just read.
	Use(ctx context.Context, job crawler.Status, numbers crawler.Counters) (forecast.Use, error)
	// Tail returns what the workers of a job have reported of its recent pages since a
	// position, 0 at first. They report only while it is called at least every few seconds.
	Tail(ctx context.Context, job string, since int64) (tail.Excerpt, error)
	// HostTail returns the last pages of a host that its workers have reported, the latest first.
	// They report all of its pages while it is called at least every few seconds.
	HostTail(ctx context.Context, job string, host crawler.Host) ([]tail.Row, error)
	// Spread returns how the pages of a job are distributed.
	Spread(ctx context.Context, job string) (spread.Counts, error)
	// Events lists what happened to a job as a whole, the oldest first.
	Events(ctx context.Context, job string) ([]event.Event, error)
	// Deliveries lists what was delivered to the webhooks of a job.
	Deliveries(ctx context.Context, job string) ([]event.Deliveries, error)
	// Places lists where workers keep the pages of a job.
	Places(ctx context.Context, job string) ([]queue.Kept, error)
	// Failures lists URLs of a job that failed permanently, and why, the latest first: some
	// of them.
	Failures(ctx context.Context, job string) ([]string, error)
	// Failed lists URLs of a job that failed permanently, at most limit for each cause and
	// shard, by cause and then the latest first: those that the fleet remembers.
	Failed(ctx context.Context, job string, limit int) ([]queue.Failed, error)
	// Hosts lists at most limit hosts of a job that are visited or wait for a visit, those
	// whose turn is first.
	Hosts(ctx context.Context, job string, limit int) ([]crawler.HostStatus, error)
	// Host returns one host of a job, or [queue.ErrNoHost].
	Host(ctx context.Context, job string, host crawler.Host) (crawler.HostStatus, error)
	// Queued returns the first URLs of a host, at most limit.
	Queued(ctx context.Context, job string, host crawler.Host, limit int) ([]queue.Location, error)
	// Robots returns what the fleet remembers of the robots.txt of a host.
	Robots(ctx context.Context, job string, host crawler.Host) ([]queue.Robots, error)
	// Members lists the live processes of the fleet.
	Members(ctx context.Context) ([]waiting.Member, error)
	// Vitals returns what the fleet's Redis reports about itself.
	Vitals(ctx context.Context) (redisconn.Vitals, error)

	// Pause stops a job from starting visits. Pausing a paused job does nothing. It returns
	// [queue.ErrJobEnded] for a job that has ended, and [queue.ErrJobState] for one
	// that has not started. The methods that follow return these errors, too, when the
	// state of the job does not allow them.
	Pause(ctx context.Context, name string) error
	// Resume continues a job that is paused or done. It returns [queue.ErrJobEnded] for a
	// job that cannot be continued.
	Resume(ctx context.Context, name string) error
	// Set changes settings of a job, either all or none. revision is the revision of the
	// settings to change, or -1 for any. The error is a [crawler.SettingError], or wraps
	// [queue.ErrJobChanged] if the settings have another revision, or
	// [queue.ErrJobEnded] for a job that was cancelled.
	Set(ctx context.Context, name string, revision int64, changes setting.Changes) (setting.Adjustment, error)
	// Cancel ends a job and drops its waiting URLs. It returns [queue.ErrJobEnded] for a
	// job that has ended.
	Cancel(ctx context.Context, name string) error
	// Govern changes an operator's rules for a host. change gets the rules in force, and may be
	// called again if someone else changes them at the same moment. If it returns an error, nothing
	// is changed, and Govern returns that error. With forgive, the host is retried at once although
	// it refused requests or could not be reached. The error wraps [queue.ErrNoHost] if the job has
	// not met the host.
	Govern(ctx context.Context, job string, host crawler.Host, change func(*crawler.HostRules) error, forgive bool) error
	// Retry queues URLs again that Failed lists, and returns their number. It reopens a job that is
	// done.
	Retry(ctx context.Context, job string, which queue.FailedFilter) (urls int, err error)
	// Refetch queues URLs of a job again if their worker was lost before it had shipped their
	// records, and returns their number. These are the URLs of workers that were silent for too
	// long, and those of the worker named lost, unless that is "".
	Refetch(ctx context.Context, job, lost string) (urls int64, err error)
	// Remove removes a job and everything that is stored of it.
	Remove(ctx context.Context, name string) error

	// SeedClosed adds URLs to a job, which cannot end meanwhile, and calls progress now and
	// then with the result so far. The URLs allow connections neither to private addresses
	// nor to unusual ports. urls yields the lines of a list. The empty string stands for a
	// line without a URL: it is skipped, and counts only in [crawler.Refusal].Line. A
	// string that is not a URL is refused, and the list continues. An error ends the list
	// and is returned. SeedClosed returns [queue.ErrJobEnded] for a job that has ended.
	// The Seeding says what was done even if there is an error.
	SeedClosed(ctx context.Context, name string, urls iter.Seq2[string, error],
		progress func(crawler.Seeding)) (crawler.Seeding, error)
}
