package recordstream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// files says which files of an output have the records of a job.
type files struct{ prefix, end string }

// filesOf chooses the files of the first format of a job that has a record for each URL, one
// to a line. The error says which formats these are.
func filesOf(job crawler.Job) (files, error) {
	for _, known := range []struct {
		format string
		files  files
	}{
		{"jsonl", files{"pages", output.Plain}}, {"jsonl.gz", files{"pages", output.Gzip}},
		{"jsonl.zst", files{"pages", output.Zstd}}, {"files", files{"manifest", output.Plain}},
		{"mirror", files{"manifest", output.Plain}}, {"markdown", files{"markdown", output.Plain}},
	} {
		if slices.Contains(job.Format, known.format) {
			return known.files, nil
		}
	}
	return files{}, fmt.Errorf("%w: job %s writes %s, which cannot be read while it grows: add jsonl to its formats, or use trawl export",
		queue.ErrOutput, job.Name, strings.Join(job.Format, ", "))
}

// final returns the name that a file has when it is finished, without its prefix and its end;
// "" if it has no records.
func (f files) final(name string) string {
	name = strings.TrimSuffix(name, output.Growing)
	if !output.Lines(name, f.prefix) || !strings.HasSuffix(name, f.end) {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(name, f.prefix), f.end)
}

// reading reads one place of a job's output from where its progress says.
type reading struct {
	*Stream
	job      crawler.Status
	files    files
	place    place
	progress *progress
	do       func(line []byte) (more bool, err error)
	pass     bool  // files that are finished count as read
	found    *bool // set if there is a file; nil if that does not matter
}

// run reads all that is new. It returns errEnough if do wants no more.
func (r *reading) run(ctx context.Context) (err error) {
	at, err := output.Open(ctx, r.place.where)
	if err != nil {
		return r.place.unreachable(err)
	}
	defer func() { err = errors.Join(err, at.Close()) }()
	names, err := r.list(ctx, at)
	if err != nil {
		return err
	}
	if err := r.progress.check(names); err != nil {
		return err
	}
	for _, name := range names {
		if r.progress.has(name) {
			continue
		}
		if r.pass && !r.progress.grows[name] {
			r.progress.ends(name)
			continue
		}
		if err := r.file(ctx, at, name); err != nil {
			return err
		}
	}
	return nil
}

// list returns the files with records, each under its final name, in the order in which their
// writers began them. Until a worker has written something, there are none.
func (r *reading) list(ctx context.Context, at *output.Location) ([]string, error) {
	if r.place.abroad != "" {
		owner, err := at.Owner(ctx)
		if err == nil && (owner == nil || !owner.Created.Equal(r.job.Created)) {
			err = errors.New("that folder is not on this machine")
		}
		if err != nil {
			return nil, r.place.unreachable(err)
		}
	}
	other, err := at.OfAnother(ctx, r.job.Job.Name, r.job.Created)
	if err != nil {
		return nil, r.place.unreachable(err)
	}
	if other != nil { // a worker of this job sets these records aside before it writes its own
		return nil, nil
	}
	all, err := at.Names(ctx)
	if errors.Is(err, output.ErrMissing) {
		return nil, r.outputs()
	}
	if err != nil {
		return nil, r.place.unreachable(err)
	}
	var names []string
	for _, name := range all {
		if final := r.files.final(name); final != "" {
			names = append(names, final)
			r.progress.sees(final, strings.HasSuffix(name, output.Growing))
		}
	}
	if r.found != nil && len(names) > 0 {
		*r.found = true
	}
	slices.SortFunc(names, inOrder)
	return slices.Compact(names), nil
}

// outputs returns an error if the folder that the operator named for all jobs does not exist:
// then it is not the one of the workers.
func (r *reading) outputs() error {
	if r.cfg.Out == "" || output.IsBucket(r.cfg.Out) {
		return nil
	}
	if _, err := os.Stat(r.cfg.Out); err != nil {
		return r.place.unreachable(err)
	}
	return nil
}

// file reads what is new in a file.
func (r *reading) file(ctx context.Context, at *output.Location, name string) error {
	full := r.files.prefix + name + r.files.end
	if r.progress.grows[name] {
		full += output.Growing
	}
	ended, err := at.LinesFrom(ctx, full, r.progress.Open[name], func(line []byte, next output.Mark) error {
		more, err := r.do(line)
		if err != nil {
			return err
		}
		r.progress.reads(name, next)
		if !more {
			return errEnough
		}
		return nil
	})
	if ended {
		r.progress.ends(name)
	}
	if damage := damageIn(err); damage != nil {
		r.cfg.Damaged(damage)
	}
	switch {
	case errors.Is(err, errEnough):
		return errEnough
	case ended, errors.Is(err, output.ErrMissing): // it was removed, or set aside, since it was listed
		return nil
	}
	return err
}

// damageIn returns what an error says about damage, without errEnough.
func damageIn(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if errors.Is(e, output.ErrDamaged) {
				return e
			}
		}
	}
	if errors.Is(err, output.ErrDamaged) {
		return err
	}
	return nil
}
