package recordstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Jobs knows where the workers of a fleet keep the pages of its jobs.
type Jobs interface {
	// Places lists where workers keep the pages of a job.
	Places(ctx context.Context, job string) ([]queue.Kept, error)
}

// Config configures a [Stream].
type Config struct {
	// Out is the folder, or the URL of the bucket, that has the outputs of all jobs, each
	// beneath the name of the job. Default: the places that the workers name.
	Out string
	// Machine is the name of this machine, as workers on it name it. Folders of workers on
	// other machines are read only if they are mounted here at the same path.
	Machine string
	// Runs lists the runs of a periodic job, the oldest first. Default none: then changes of
	// periodic jobs cannot be read.
	Runs func(ctx context.Context, job string) ([]crawler.Status, error)
	// Damaged is called with what is wrong with a damaged file. What can be read of it was
	// read. Default none.
	Damaged func(error)
}

// Stream reads the records of the jobs of a fleet. It is safe for concurrent use.
type Stream struct {
	jobs Jobs
	cfg  Config
}

// New returns a stream of the records of jobs.
func New(jobs Jobs, cfg Config) *Stream {
	if cfg.Damaged == nil {
		cfg.Damaged = func(error) {}
	}
	return &Stream{jobs, cfg}
}

// errEnough ends reading because the caller wants no more records.
var errEnough = errors.New("enough records")

// Read calls do with each record of a job after a cursor, as a line of JSON without a newline,
// until do returns false, or all records that exist now were read. The line is valid until do
// returns. The cursor "" is the beginning. Read returns the cursor after the last record, and
// whether there may be more records now. A record that do returned an error for was not read.
//
// The error wraps [queue.ErrCursor] if the cursor cannot be used, and [queue.ErrOutput] if the
// output cannot be read from here.
func (s *Stream) Read(ctx context.Context, job crawler.Status, from string,
	do func(line []byte) (more bool, err error)) (next string, more bool, err error) {
	return s.read(ctx, job, from, reading{do: do})
}

// Latest returns a cursor after all records of a job that exist now. It does not read files
// that are finished.
func (s *Stream) Latest(ctx context.Context, job crawler.Status) (string, error) {
	next, _, err := s.read(ctx, job, "", reading{pass: true, do: func([]byte) (bool, error) { return true, nil }})
	return next, err
}

// read reads all places as how says.
func (s *Stream) read(ctx context.Context, job crawler.Status, from string,
	how reading) (next string, more bool, err error) {
	how.Stream, how.job = s, job
	if how.files == (files{}) {
		if how.files, err = filesOf(job.Job); err != nil {
			return "", false, err
		}
	}
	c, err := parseCursor(from, job)
	if err != nil {
		return "", false, err
	}
	places, err := s.places(ctx, job)
	if err != nil {
		return "", false, err
	}
	for _, p := range places {
		how.place, how.progress = p, c.at(p.key())
		if err = how.run(ctx); err != nil {
			break
		}
	}
	if err != nil && !errors.Is(err, errEnough) {
		return "", false, err
	}
	return c.text(), err != nil, nil
}

// place is where records of a job are.
type place struct {
	where  string
	worker string // that named it; "" if the operator did
	abroad string // the machine that its folder is on, if that is not this one
}

// key identifies the place in a cursor. Parameters of a bucket, which follow a question mark,
// do not count.
func (p place) key() string {
	where, _, _ := strings.Cut(p.where, "?")
	return digestOf(strings.TrimRight(where, "/"))
}

// places lists where records of a job are, each place once.
func (s *Stream) places(ctx context.Context, job crawler.Status) ([]place, error) {
	if s.cfg.Out != "" {
		return []place{{where: output.Join(s.cfg.Out, job.Job.Name)}}, nil
	}
	kept, err := s.jobs.Places(ctx, job.Job.Name)
	if err != nil {
		return nil, err
	}
	var all []place
	for _, k := range kept {
		if k.Where == "" || slices.ContainsFunc(all, func(p place) bool { return p.where == k.Where }) {
			continue
		}
		p := place{where: k.Where, worker: k.Worker}
		if k.Machine != s.cfg.Machine && !output.IsBucket(k.Where) {
			p.abroad = k.Machine
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.where, b.where) })
	return all, nil
}

// unreachable says why a place cannot be read from here, and what to do.
func (p place) unreachable(why error) error {
	if p.worker == "" {
		return fmt.Errorf("%w: %q: %w (--out names the folder or bucket)", queue.ErrOutput, p.where, why)
	}
	on := ""
	if p.abroad != "" {
		on = " on machine " + p.abroad
	}
	return fmt.Errorf("%w: worker %s%s keeps records in %q: %w (name a folder that is mounted here, or the bucket, with --out)",
		queue.ErrOutput, p.worker, on, p.where, why)
}
