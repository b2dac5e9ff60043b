package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/validators"
)

// Sink writes results. It is safe for concurrent use.
type Sink interface {
	// Keep hands all of the results to the operating system. When it returns an error, it
	// is as if none were kept, and the caller may keep them again. Keep does not retain
	// the results.
	Keep(ctx context.Context, results []*fetched.Result) error
	// Needs returns what Keep requires of pages. It always returns the same.
	Needs() fetched.Needs
	// Close closes the sink and puts its data on disk.
	Close() error
}

// Broken returns the error because of which every later Keep of the sink will fail, so
// that it must be opened again. It returns nil for a sink that can continue.
func Broken(s Sink) error {
	if b, ok := s.(interface{ Broken() error }); ok {
		return b.Broken()
	}
	return nil
}

// Names lists the formats that [Open] supports.
var Names = []string{"jsonl", "jsonl.gz", "jsonl.zst", "files", "warc", "parquet", "links", "markdown", "items",
	fetched.FormatSkipped, FormatMirror, FormatWACZ}

// formatFiles is the format of bodies as files.
const formatFiles = "files"

// FormatMirror is the format of files that are copied, when the crawl is over, into a
// form that a browser can open from disk. Its sink is that of the format files.
const FormatMirror = "mirror"

// FormatWACZ is the format of WARC files that are packed, when the crawl is over, into one
// WACZ file. Its sink is that of the format warc.
const FormatWACZ = "wacz"

// Options are the settings that the formats share. The zero value is useful.
type Options struct {
	// Links lists the links of a page in its record instead of counting them.
	Links bool
	// Worker distinguishes this writer from others that share the folder. Default "": the
	// writer has the folder to itself.
	Worker string
	// SegmentSize is how many bytes a segment of JSONL or WARC holds before the next
	// begins, and from how many bytes of lines Parquet makes tables. Default 256 MiB for
	// JSONL, 1 GiB for WARC, 128 MiB for Parquet.
	SegmentSize int64
	// MaxAge is how long a segment is written, at most, before the next begins, so that
	// it can be moved. Default 0: until it is full, or 15 minutes for Parquet.
	MaxAge time.Duration
	// Scattered says that the files are moved to a place that also receives files from
	// other folders. The names of bodies then depend only on their URLs.
	Scattered bool
	// Job is the job whose pages are kept, for the header of WARC files. Default none.
	Job crawler.Job
	// Validators also keeps the validators of pages, in lines of package validators, so that
	// later fetches can be conditional.
	Validators bool
	// Remember is called with the lines of validators that were kept, if Validators is set, by
	// several goroutines at once. Default none.
	Remember func([]validators.Line)
	// Log receives warnings about what earlier writers left behind. Default none.
	Log *slog.Logger
}

// Open opens sinks of the named formats in a folder and combines them. The folder is
// created if missing. A format that is named twice is opened once.
func Open(formats []string, dir string, opts Options) (Sink, error) {
	if err := known(formats); err != nil {
		return nil, err
	}
	var opened []Sink
	for i, format := range formats {
		if slices.ContainsFunc(formats[:i], func(other string) bool { return sinkOf(other) == sinkOf(format) }) {
			continue
		}
		s, err := open(sinkOf(format), dir, opts, slices.Contains(formats, formatFiles))
		if err != nil {
			return nil, errors.Join(err, All(opened...).Close())
		}
		opened = append(opened, s)
	}
	if opts.Validators { // after the records that its lines refer to
		s, err := newValidators(dir, opts, All(opened...).Needs())
		if err != nil {
			return nil, errors.Join(err, All(opened...).Close())
		}
		opened = append(opened, s)
	}
	return All(opened...), nil
}

// NeedsOf returns what the sinks of these formats require of pages.
func NeedsOf(formats []string) (n fetched.Needs) {
	for _, format := range formats {
		switch sinkOf(format) {
		case formatFiles:
			n = n.Or((&Files{}).Needs())
		case "markdown":
			n = n.Or((&Markdown{Files: &Files{}}).Needs())
		case "links":
			n = n.Or((&Links{}).Needs())
		case fetched.FormatSkipped:
			n = n.Or((&Skipped{}).Needs())
		case "warc":
			n = n.Or((&WARC{}).Needs())
		case "parquet":
			n = n.Or((&Parquet{}).Needs())
		}
	}
	return n
}

// sinkOf returns the format whose sink writes this one.
func sinkOf(format string) string {
	switch format {
	case FormatMirror:
		return formatFiles
	case FormatWACZ:
		return "warc"
	}
	return format
}

func known(formats []string) error {
	if len(formats) == 0 {
		return fmt.Errorf("no format: want one or more of %s", strings.Join(Names, ", "))
	}
	for _, format := range formats {
		if !slices.Contains(Names, format) {
			return fmt.Errorf("unknown format %q: want one of %s", format, strings.Join(Names, ", "))
		}
	}
	return nil
}

// open opens the sink of one format. verbatim says that files are downloads.
func open(format, dir string, opts Options, verbatim bool) (Sink, error) {
	lines := JSONLConfig{
		Dir: dir, Links: opts.Links, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge,
		Log: opts.Log,
	}
	switch format {
	case "jsonl.gz":
		lines.Compression = Gzip
	case "jsonl.zst":
		lines.Compression = Zstandard
	case formatFiles:
		return NewFiles(FilesConfig{
			Dir: dir, Links: opts.Links, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge,
			Scattered: opts.Scattered, Verbatim: verbatim, Log: opts.Log,
		})
	case "markdown":
		return NewMarkdown(FilesConfig{
			Dir: dir, Links: opts.Links, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge,
			Scattered: opts.Scattered, Log: opts.Log,
		})
	case "items":
		return NewItems(lines)
	case "links":
		return NewLinks(lines)
	case fetched.FormatSkipped:
		return NewSkipped(lines)
	case "warc":
		return NewWARC(WARCConfig{
			Dir: dir, Job: opts.Job, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge,
			Log: opts.Log,
		})
	case "parquet":
		return NewParquet(ParquetConfig{Dir: dir, Worker: opts.Worker, SegmentSize: opts.SegmentSize,
			MaxAge: opts.MaxAge, Log: opts.Log})
	}
	return NewJSONL(lines)
}

// All combines several sinks. Its Keep calls them in order and stops at the first error;
// the sinks before have then kept the results. When the same results are kept again, it
// continues at the sink that failed. Close closes all sinks and joins their errors.
func All(sinks ...Sink) Sink { return &all{sinks: sinks, failed: make(map[*fetched.Result]int)} }

type all struct {
	sinks []Sink

	mu     sync.Mutex
	failed map[*fetched.Result]int // by a batch's first result, the sink that failed to keep it
}

// maxFailed bounds the number of failed batches that are remembered. Batches that the
// caller gave up stay until it is reached.
const maxFailed = 10_000

func (a *all) Keep(ctx context.Context, results []*fetched.Result) error {
	if len(results) == 0 {
		return nil
	}
	first := a.resume(results[0])
	recorded := results
	if slices.ContainsFunc(results, unrecorded) {
		recorded = slices.DeleteFunc(slices.Clone(results), unrecorded)
	}
	for i, s := range a.sinks[first:] {
		these := recorded
		if _, all := s.(*Skipped); all {
			these = results
		}
		if len(these) == 0 {
			continue
		}
		if err := s.Keep(ctx, these); err != nil {
			a.note(results[0], first+i)
			return err
		}
	}
	return nil
}

func unrecorded(r *fetched.Result) bool { return r.Unrecorded }

// resume returns the sink at which a batch continues.
func (a *all) resume(batch *fetched.Result) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.failed[batch]
	delete(a.failed, batch)
	return at
}

// note remembers where a batch failed. The map holds on to the result, so no other result
// can get the same address.
func (a *all) note(batch *fetched.Result, at int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failed) >= maxFailed {
		clear(a.failed)
	}
	if at > 0 {
		a.failed[batch] = at
	}
}

func (a *all) Needs() (n fetched.Needs) {
	for _, s := range a.sinks {
		n = n.Or(s.Needs())
	}
	return n
}

func (a *all) Broken() error {
	var errs []error
	for _, s := range a.sinks {
		errs = append(errs, Broken(s))
	}
	return errors.Join(errs...)
}

func (a *all) Close() error {
	var errs []error
	for _, s := range a.sinks {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
