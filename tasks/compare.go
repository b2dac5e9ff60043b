package tasks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Comparing finds the URLs that a job has settled but that have no record in its output,
// and requeues them. Call its methods in this order: [Comparing.Record] with each record;
// [Comparing.Sum], which says what is missing; and, if [Comparing.Due] returns true,
// [Comparing.OfferLinksOf] with each record again, and [Comparing.Offer] with URLs that may be
// missing. If [Comparing.Unnamed] says that some missing URLs were not named, call
// [Comparing.Reread] with each record once more. Then call [Comparing.Reopen], and finally
// [Comparing.Close]. Nothing is changed before Offer, and a comparison that ends early is
// completed by the next one. A Comparing takes about 30 bytes of memory for each URL that
// the job has seen, and is not safe for concurrent use.
type Comparing struct {
	client   *Client
	status   crawler.Status
	frontier *frontier.Frontier
	holder   string
	held     time.Time        // when the hold was last renewed
	whole    bool             // the output has a record for every URL
	counters crawler.Counters // counters at the start

	urls    map[int64]url // by fingerprint: all URLs that the job has seen
	account frontier.Account
	sum     account.Comparison
	levels  map[int64]int // by fingerprint: levels of the sitemaps on record
	named   []queue.Entry // URLs to fetch again
	unnamed int64         // URLs without a record that nothing has named so far
	brought queue.Refetch
}

// url is what is known about a URL that the job has seen.
type url struct {
	fate   fate
	page   bool  // its record is of a page that was fetched
	listed bool  // its links are in the link graph
	depth  uint8 // as stored in seen, or else as in its record
	shard  uint16
	group  uint16 // of its host in seen
}

// fate is what happened to a URL.
type fate uint8

const (
	unrecorded fate = iota // it is settled, and no record of it was found so far
	waits                  // in a queue
	follows                // a redirect led to it, and it is part of another record
	recorded               // it has a record of its own
)

// Compare starts to compare a job that has ended with its output. worker is a worker that
// will not come back, so that its records are not waited for; "" for none. The error wraps
// [queue.ErrNoJob], [queue.ErrJobEnded] for a cancelled job, and [queue.ErrNotComparable] for
// a job that cannot be compared at the moment.
func (c *Client) Compare(ctx context.Context, job, worker string) (*Comparing, error) {
	status, err := c.store.Status(ctx, job)
	if err != nil {
		return nil, err
	}
	if err := incomparable(status); err != nil {
		return nil, err
	}
	if _, err := c.Refetch(ctx, job, worker); err != nil {
		return nil, err
	}
	r := &Comparing{
		client: c, status: status, frontier: c.store.Frontier(status.Job), urls: make(map[int64]url),
		levels: make(map[int64]int),
		holder: fmt.Sprintf("compare-%d-%d", os.Getpid(), time.Now().UnixNano()),
	}
	if r.counters, err = r.frontier.Counters(ctx); err != nil {
		return nil, err
	}
	if n := r.counters.Unshipped + r.counters.OnDisk; n > 0 {
		return nil, r.arriving(ctx, n)
	}
	if err := r.hold(ctx); err != nil {
		return nil, err
	}
	if err := r.look(ctx); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	return r, nil
}

// hold prevents other processes from comparing the job, and the job from ending.
func (r *Comparing) hold(ctx context.Context) error {
	if time.Since(r.held) < holdEvery {
		return nil
	}
	r.held = time.Now()
	return r.client.store.Hold(ctx, r.status.Job.Name, r.holder, holdTerm)
}

// look reads which URLs the job has seen, and which of them wait.
func (r *Comparing) look(ctx context.Context) error {
	r.account = frontier.Account{Shards: make([]frontier.ShardAccount, r.status.Job.Shards),
		Hosts: make(map[crawler.Host]*frontier.HostAccount)}
	for i := range r.account.Shards {
		r.account.Shards[i].Outcomes = make(map[crawler.Outcome]int64)
	}
	err := r.frontier.EachSeen(ctx, func(s frontier.Sighting) {
		r.urls[s.Fingerprint] = url{depth: uint8(s.Depth), shard: uint16(s.Shard), group: uint16(s.Group)}
	})
	if err != nil {
		return err
	}
	return r.frontier.EachWaiting(ctx, func(e queue.Entry) { r.queued(e.URL) })
}

// queued records that a URL waits.
func (r *Comparing) queued(u crawler.URL) {
	fp := r.frontier.Fingerprint(u)
	known := r.urls[fp]
	known.fate = waits
	r.urls[fp] = known
	r.host(u).Seen++
}

func (r *Comparing) host(u crawler.URL) *frontier.HostAccount {
	n := r.account.Hosts[u.Host()]
	if n == nil {
		n = new(frontier.HostAccount)
		r.account.Hosts[u.Host()] = n
	}
	return n
}

// Record records that the output has a record. If a URL has several, pass only the last.
// Records of URLs that the job has not seen belong to another crawl and are ignored.
func (r *Comparing) Record(ctx context.Context, rec crawler.Record) error {
	own, err := queue.Own(rec)
	if err != nil {
		return r.hold(ctx)
	}
	r.note(own.URL, rec)
	return r.hold(ctx)
}

func (r *Comparing) note(own crawler.URL, rec crawler.Record) {
	fp := r.frontier.Fingerprint(own)
	known, seen := r.urls[fp]
	switch {
	case !seen || known.fate == recorded:
		return
	case known.fate == follows: // the other record is older
		r.count(own, crawler.OutcomeFollowed, -1)
		r.host(own).Seen--
	}
	r.sum.Records++
	if known.fate == waits { // it is already being fetched again
		return
	}
	r.urls[fp] = r.become(known, recorded, rec)
	r.enter(own, rec, 1)
	for _, u := range queue.Followed(rec) {
		fp := r.frontier.Fingerprint(u)
		if known, seen := r.urls[fp]; seen && known.fate == unrecorded {
			r.urls[fp] = r.become(known, follows, rec)
			r.count(u, crawler.OutcomeFollowed, 1)
			r.host(u).Seen++
		}
	}
}

// become returns what is known about a URL after reading a record.
func (r *Comparing) become(known url, f fate, rec crawler.Record) url {
	known.fate, known.page = f, f == recorded && rec.Outcome == crawler.OutcomeFetched
	if r.status.Job.DepthLimit() < 0 {
		known.depth = uint8(min(max(rec.Depth, 0), math.MaxUint8))
	}
	return known
}

// enter adds a record to the account, or removes it if by is -1.
func (r *Comparing) enter(u crawler.URL, rec crawler.Record, by int64) {
	r.count(u, rec.Outcome, by)
	shard, host := r.shard(u), r.host(u)
	shard.Bytes += by * rec.Bytes
	shard.Records += by
	host.Seen += by
	if rec.Outcome == crawler.OutcomeFetched {
		host.Pages += by
	}
	if len(rec.Missing) > 0 {
		shard.Incomplete += by
	}
}

func (r *Comparing) shard(u crawler.URL) *frontier.ShardAccount {
	return &r.account.Shards[r.frontier.ShardOf(u.Host())]
}

func (r *Comparing) count(u crawler.URL, o crawler.Outcome, by int64) { r.shard(u).Outcomes[o] += by }

// Sum compares what is settled with the records so far. whole says that the output has a
// record for every URL. Otherwise only pages are compared, since such an output has nothing
// else.
func (r *Comparing) Sum(whole bool) account.Comparison {
	r.whole = whole
	r.sum.Settled = r.counters.Recorded()
	if !whole {
		r.sum.Settled, r.sum.Records = r.counters.Pages(), 0
		for _, s := range r.account.Shards {
			r.sum.Records += s.Outcomes[crawler.OutcomeFetched]
		}
	}
	for _, u := range r.urls {
		if u.fate == unrecorded {
			r.unnamed++
		}
	}
	return r.sum
}

// Due reports whether something must be fetched again: records are missing, or an earlier
// comparison was not completed.
func (r *Comparing) Due() bool {
	job, n := r.status.Job, r.counters
	spent := job.Pages > 0 && n.Pages() >= job.Pages || job.Bytes > 0 && n.Bytes >= int64(job.Bytes)
	return r.sum.Missing() > 0 || n.Waiting > 0 && !spent && r.status.State == crawler.StateDone
}

// letGoTerm is how long a job with forgotten URLs must have ended before it is reopened. By
// then, all processes have seen that it ended, and remember nothing of it.
const letGoTerm = 3 * time.Second

// Reopen resumes the job to fetch the missing URLs, and returns their numbers.
func (r *Comparing) Reopen(ctx context.Context) (queue.Refetch, error) {
	if err := r.flush(ctx); err != nil {
		return r.brought, err
	}
	if err := r.forget(ctx); err != nil {
		return r.brought, err
	}
	if err := r.frontier.Recount(ctx, r.account); err != nil {
		return r.brought, err
	}
	if r.brought.Forgotten > 0 {
		select {
		case <-time.After(letGoTerm - r.status.Now.Sub(r.status.Ended)):
		case <-ctx.Done():
			return r.brought, ctx.Err()
		}
	}
	store, name := r.client.store, r.status.Job.Name
	moved, err := store.Move(ctx, name, crawler.StateRunning, "", crawler.StateDone, crawler.StateFailed)
	if err != nil {
		return r.brought, err
	}
	if !moved {
		return r.brought, fmt.Errorf("job %q: %w: another client has changed its state: try again", name,
			queue.ErrNotComparable)
	}
	return r.brought, store.Seeded(ctx, name, true)
}

// forget makes URLs that nothing names unseen, so that they can be found again.
func (r *Comparing) forget(ctx context.Context) error {
	var gone []frontier.Sighting
	for fp, u := range r.urls {
		if u.fate == unrecorded {
			gone = append(gone, frontier.Sighting{Shard: int(u.shard), Group: int(u.group), Fingerprint: fp,
				Depth: int(u.depth)})
		}
	}
	var err error
	r.brought.Forgotten, err = r.frontier.Forget(ctx, gone)
	return err
}

// Close releases the job, so that another process may compare it.
func (r *Comparing) Close(ctx context.Context) error {
	return r.client.store.LetGo(context.WithoutCancel(ctx), r.status.Job.Name, r.holder)
}

// Job returns the job as it was when the comparison started.
func (r *Comparing) Job() crawler.Job { return r.status.Job }
