package simulate

import (
	"context"
	"fmt"
	"strings"
	"syscall"

	"github.com/trawlcrawler/trawl/crawler"
)

// disk is where a machine keeps records. What is on it outlives the process.
type disk struct {
	name    string
	full    bool
	records []record // that are on it, in order
	shipped int      // of these, how many are in the bucket as well
}

// record is what is kept of a URL.
type record struct {
	job       string
	url       string
	outcome   crawler.Outcome
	reason    string
	depth     int
	redirects []string
}

// keeper keeps the results of one job in one process. It implements [crawler.Sink].
type keeper struct {
	process *process
	disk    *disk
	job     string
}

// Bodies reports that bodies are not read.
func (k keeper) Bodies() bool { return false }

// Keep brings results to the disk.
func (k keeper) Keep(ctx context.Context, results []*crawler.Result) error {
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
	write := func() { k.disk.records = append(k.disk.records, records...) }
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

func recordOf(job string, r *crawler.Result) record {
	rec := record{job: job, url: r.Entry.URL.String(), outcome: r.Outcome, reason: r.Reason, depth: r.Entry.Depth}
	for _, u := range r.Redirects {
		rec.redirects = append(rec.redirects, u.String())
	}
	return rec
}

// followed are the URLs that share the record. Of one that was redirected for good, the
// last has a fate of its own.
func (r record) followed() []string {
	if n := len(r.redirects); n > 0 && r.outcome == crawler.OutcomeRedirected {
		return r.redirects[:n-1]
	}
	return r.redirects
}

// output is all that is on record when a run is over.
type output struct {
	disks  []*disk  // that exist
	bucket []record // what was shipped, also from those that do not
}

// ship brings to the bucket what a disk has.
func (o *output) ship(d *disk) {
	o.bucket = append(o.bucket, d.records[d.shipped:]...)
	d.shipped = len(d.records)
}

// all lists the records.
func (o *output) all() []record {
	all := append([]record(nil), o.bucket...)
	for _, d := range o.disks {
		all = append(all, d.records[d.shipped:]...)
	}
	return all
}
