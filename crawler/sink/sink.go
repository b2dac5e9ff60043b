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
)

// Sink keeps results. It is safe for concurrent use.
type Sink interface {
	// Keep hands the results to the operating system, all of them or, when it
	// returns an error, as good as none: the caller may keep them again. It
	// does not hold on to them.
	Keep(ctx context.Context, results []*crawler.Result) error
	// Bodies reports whether Keep reads the bodies of pages, which may have been
	// released otherwise.
	Bodies() bool
	// Close ends the sink and puts what it holds on disk.
	Close() error
}

// Broken returns why a sink keeps nothing any more, whatever happens: it must be opened
// again. Nil for one that can go on.
func Broken(s Sink) error {
	if b, ok := s.(interface{ Broken() error }); ok {
		return b.Broken()
	}
	return nil
}

// Names lists the formats that [Open] knows.
var Names = []string{"jsonl", "jsonl.gz", "jsonl.zst", "files", "warc", "parquet", "links", "markdown", "items", FormatMirror}

// FormatMirror is the format of files of which, when the crawl is over, a copy is
// made that a browser can open from disk. The sink is that of files.
const FormatMirror = "mirror"

// Options are the settings that the formats share. The zero value is useful.
type Options struct {
	// Links lists the links of a page in its record, instead of counting them.
	Links bool
	// Worker sets this writer apart from others that share the folder.
	// Default "": it has the folder to itself.
	Worker string
	// SegmentSize is how many bytes a segment of JSONL or WARC holds before the
	// next begins, and how many of lines make a table of Parquet. Default 256 MiB
	// of JSONL, 1 GiB of WARC, 128 MiB for Parquet.
	SegmentSize int64
	// MaxAge is how long a segment is written, at most, before the next begins, so
	// that it can be brought elsewhere. Default 0: until it is full, but 15 minutes
	// for Parquet.
	MaxAge time.Duration
	// Scattered says that the files of this folder are brought to a place where those
	// of other folders are: names of bodies then depend on nothing but their URLs.
	Scattered bool
	// Job is whose pages are kept, as WARC files say. Default none.
	Job crawler.Job
	// Log takes warnings about what earlier writers left. Default none.
	Log *slog.Logger
}

// Open opens the sinks of the named formats on a folder, as one. The folder is
// made when it is missing. A format that is named twice is opened once.
func Open(formats []string, dir string, opts Options) (Sink, error) {
	if err := known(formats); err != nil {
		return nil, err
	}
	var opened []Sink
	for i, format := range formats {
		if slices.ContainsFunc(formats[:i], func(other string) bool { return sinkOf(other) == sinkOf(format) }) {
			continue
		}
		s, err := open(sinkOf(format), dir, opts)
		if err != nil {
			return nil, errors.Join(err, All(opened...).Close())
		}
		opened = append(opened, s)
	}
	return All(opened...), nil
}

// sinkOf names the format whose sink keeps the results.
func sinkOf(format string) string {
	if format == FormatMirror {
		return "files"
	}
	return format
}

func known(formats []string) error {
	if len(formats) == 0 {
		return fmt.Errorf("no format is named: name one of %s", strings.Join(Names, ", "))
	}
	for _, format := range formats {
		if !slices.Contains(Names, format) {
			return fmt.Errorf("%q is no format: name one of %s", format, strings.Join(Names, ", "))
		}
	}
	return nil
}

func open(format, dir string, opts Options) (Sink, error) {
	lines := JSONLConfig{
		Dir: dir, Links: opts.Links, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge, Log: opts.Log,
	}
	switch format {
	case "jsonl.gz":
		lines.Compression = Gzip
	case "jsonl.zst":
		lines.Compression = Zstandard
	case "files":
		return NewFiles(FilesConfig{
			Dir: dir, Links: opts.Links, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge,
			Scattered: opts.Scattered, Log: opts.Log,
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
	case "warc":
		return NewWARC(WARCConfig{
			Dir: dir, Job: opts.Job, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge, Log: opts.Log,
		})
	case "parquet":
		return NewParquet(ParquetConfig{Dir: dir, Worker: opts.Worker, SegmentSize: opts.SegmentSize, MaxAge: opts.MaxAge, Log: opts.Log})
	}
	return NewJSONL(lines)
}

// All makes several sinks into one, which keeps in their order and stops at the
// first error: what the sinks before it have kept, they have kept. When the same results
// are kept again, it goes on at the sink that failed. Close closes them all and joins
// their errors.
func All(sinks ...Sink) Sink { return &all{sinks: sinks, failed: make(map[*crawler.Result]int)} }

type all struct {
	sinks []Sink

	mu     sync.Mutex
	failed map[*crawler.Result]int // the sink that failed to keep a batch, by its first result
}

// mostFailed bounds the batches of which is known where they failed. Those that were given
// up stay until then.
const mostFailed = 10_000

func (a *all) Keep(ctx context.Context, results []*crawler.Result) error {
	if len(results) == 0 {
		return nil
	}
	first := a.resume(results[0])
	for i, s := range a.sinks[first:] {
		if err := s.Keep(ctx, results); err != nil {
			a.note(results[0], first+i)
			return err
		}
	}
	return nil
}

// resume returns at which sink a batch is to go on.
func (a *all) resume(batch *crawler.Result) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := a.failed[batch]
	delete(a.failed, batch)
	return at
}

// note remembers where a batch failed. That it holds its result keeps another from getting
// the same address.
func (a *all) note(batch *crawler.Result, at int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failed) >= mostFailed {
		clear(a.failed)
	}
	if at > 0 {
		a.failed[batch] = at
	}
}

func (a *all) Bodies() bool { return slices.ContainsFunc(a.sinks, Sink.Bodies) }

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
