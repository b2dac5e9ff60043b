package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// disk is where a machine keeps records. It outlives the process.
type disk struct {
	name    string
	full    bool
	records []record // stored permanently, in order

	mu       sync.Mutex
	stagings []*staging // on their way to the bucket, in order
}

func (d *disk) add(t *staging) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stagings = append(d.stagings, t)
}

func (d *disk) remove(t *staging) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stagings = slices.DeleteFunc(d.stagings, func(o *staging) bool { return o == t })
}

// waiting lists the staging folders.
func (d *disk) waiting() []*staging {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.stagings)
}

// record is what is kept of a URL.
type record struct {
	job       string
	url       string
	outcome   crawler.Outcome
	reason    string
	depth     int
	redirects []string
	at        time.Time          // when it was kept
	change    crawler.PageChange // "" in other than continuous jobs
	version   int                // of the page, as it was fetched
	same      string             // for a page that was not modified: when the record of its content was kept
}

// keeper keeps the results of one job in one process. It implements [visit.Sink].
type keeper struct {
	process *process
	disk    *disk
	job     string
	to      *[]record // where on the disk
}

// Needs returns the zero value: records are enough.
func (k keeper) Needs() fetched.Needs { return fetched.Needs{} }

// Keep writes results to the disk.
func (k keeper) Keep(ctx context.Context, results []*fetched.Result) error {
	if len(results) == 0 {
		return nil
	}
	records := make([]record, len(results))
	names := make([]string, len(results))
	for i, r := range results {
		records[i] = recordOf(k.job, r)
		names[i] = fmt.Sprintf("%s %s", r.Outcome, r.Entry.URL)
	}
	name := k.job + " " + strings.Join(names, ", ")
	write := func() { *k.to = append(*k.to, records...) }
	return k.process.interact(ctx, toDisk, name, func() error {
		if k.disk.full {
			k.process.arbiter.trace.add("%s keeps %s = no room", k.process.name, short(name))
			return fmt.Errorf("write to %s: %w", k.disk.name, syscall.ENOSPC)
		}
		k.process.arbiter.trace.add("%s keeps %s", k.process.name, short(name))
		write()
		return nil
	}, write)
}

func recordOf(job string, r *fetched.Result) record {
	rec := record{job: job, url: r.Entry.URL.String(), outcome: r.Outcome, reason: r.Reason, depth: r.Entry.Depth}
	rec.at, rec.change = time.Now(), r.Change
	if r.Page != nil {
		rec.version = versionOf(r.Page.Header.Get("ETag"))
	}
	if same := r.SameAs(); same != nil && r.Outcome == crawler.OutcomeNotModified {
		rec.same = same.FetchedAt
	}
	for _, u := range r.Redirects {
		rec.redirects = append(rec.redirects, u.String())
	}
	return rec
}

// keptAt returns when the record was kept, as other records refer to it.
func (r record) keptAt() string { return r.at.UTC().Format(time.RFC3339Nano) }

// followed returns the URLs that share the record. If the record says that the URL was
// redirected, the last one has a record of its own.
func (r record) followed() []string {
	if n := len(r.redirects); n > 0 && r.outcome == crawler.OutcomeRedirected {
		return r.redirects[:n-1]
	}
	return r.redirects
}

// output is everything on record when a run is over: what is in the bucket or, without
// one, on the disks.
type output struct {
	disks  []*disk   // that exist
	bucket []staging // in the order in which they first arrived
}

// all lists the records.
func (o *output) all() []record {
	var all []record
	for _, t := range o.bucket {
		all = append(all, t.records...)
	}
	for _, d := range o.disks {
		all = append(all, d.records...)
	}
	return all
}
