package sink

import (
	"context"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/validators"
)

// Validators writes what servers said about the content of pages, as lines of JSON, each a
// [validators.Line], to compressed segments like those of [JSONL]. It comes after the sinks of
// the records that its lines refer to.
type Validators struct {
	lines    *JSONL
	reading  string
	remember func([]validators.Line)
}

// newValidators finishes the segments that this writer left open. needs are those of the other
// sinks.
func newValidators(dir string, opts Options, needs fetched.Needs) (*Validators, error) {
	lines, err := NewJSONL(JSONLConfig{
		Dir: dir, Prefix: validators.Name, Worker: opts.Worker, Compression: Zstandard, Fast: true,
		SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge, Log: opts.Log,
	})
	if err != nil {
		return nil, err
	}
	return &Validators{lines, validators.Reading(opts.Job, needs), opts.Remember}, nil
}

// Keep writes the validators of results as one batch. When it returns nil, the operating
// system has them; when it fails, nothing of the batch remains.
func (s *Validators) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	all := make([]validators.Line, 0, len(results))
	for _, r := range results {
		if l, ok := validators.LineOf(r, s.reading); ok {
			all = append(all, l)
		}
	}
	if len(all) == 0 {
		return nil
	}
	b := newBatch()
	defer b.free()
	var err error
	for i := range all {
		if b.lines, err = all[i].AppendJSON(b.lines); err != nil {
			break
		}
	}
	if err == nil {
		err = s.lines.write(b)
	}
	if err == nil && s.remember != nil {
		s.remember(all)
	}
	return err
}

// Needs returns the zero value: results are enough.
func (*Validators) Needs() fetched.Needs { return fetched.Needs{} }

// Broken returns the error after which the sink cannot continue, or nil.
func (s *Validators) Broken() error { return s.lines.Broken() }

// Close puts everything on disk and releases the folder to other writers. It may be called more
// than once.
func (s *Validators) Close() error { return s.lines.Close() }
