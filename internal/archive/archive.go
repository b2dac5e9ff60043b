package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/surt"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// Errors that callers distinguish.
var (
	// ErrMissing is wrapped in errors about URLs that the archive does not have.
	ErrMissing = errors.New("it is not in the archive")
	// ErrDamaged is wrapped in errors about records that cannot be read.
	ErrDamaged = errors.New("the archive is damaged")
	// ErrEmpty is wrapped in errors about places that hold no archive.
	ErrEmpty = errors.New("no web archive")
)

// Capture is a response in an archive.
type Capture struct {
	Key  string // of the URL, in the form [surt.PyWB]
	Type string // media type of the response; of a revisit, that of its original, "" if unknown
	warc.Capture
}

// HTML reports whether the capture is a page that a browser can show: a complete response
// in HTML.
func (c Capture) HTML() bool {
	return c.Status == 200 && (c.Type == "text/html" || c.Type == "application/xhtml+xml")
}

// Archive is a web archive whose index was read. It takes about 1.2 KB of memory for
// each capture. It is safe for concurrent use.
type Archive struct {
	where    string
	from     source
	parser   *parse.Parser
	captures []Capture // sorted by key, time and place
	damage   []error   // of the index

	// originals are the captures with a payload that a revisit repeats, by its digest.
	originals map[string]int
}

// source is where an archive lies.
type source interface {
	// indexes calls do with the lines of each index. It passes on the errors of do.
	indexes(ctx context.Context, do func(name string, lines io.Reader) error) error
	// open opens a WARC file, which is named as in an index.
	open(ctx context.Context, name string) (io.ReaderAt, error)
	close() error
}

// Open opens the archive in a folder or a bucket, named as in [output.Open], or in a file
// whose name ends in .wacz. The error wraps [ErrEmpty] if no archive is there.
func Open(ctx context.Context, where string) (*Archive, error) {
	from, err := sourceOf(ctx, where)
	if err != nil {
		return nil, err
	}
	parser, err := parse.New(parse.Config{Resources: true})
	if err != nil {
		return nil, errors.Join(err, from.close())
	}
	a := &Archive{where: where, from: from, parser: parser}
	if err := from.indexes(ctx, a.read); err != nil {
		return nil, errors.Join(err, from.close())
	}
	if len(a.captures) == 0 {
		err := fmt.Errorf("%q holds %w: name a folder with WARC files (crawl with --format warc) or a .wacz file", where,
			ErrEmpty)
		return nil, errors.Join(err, errors.Join(a.damage...), from.close())
	}
	slices.SortFunc(a.captures, func(a, b Capture) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), a.Date.Compare(b.Date), cmp.Compare(a.File, b.File),
			cmp.Compare(a.Offset, b.Offset))
	})
	a.resolve()
	return a, nil
}

// resolve finds the originals of revisits, and what type they are.
func (a *Archive) resolve() {
	a.originals = make(map[string]int)
	for _, c := range a.captures {
		if c.Revisit() && c.Digest != "" {
			a.originals[c.Digest] = -1
		}
	}
	for i, c := range a.captures {
		if _, wanted := a.originals[c.Digest]; wanted && !c.Revisit() {
			a.originals[c.Digest] = i
		}
	}
	for i := range a.captures {
		c := &a.captures[i]
		if c.Type = c.MIME; c.Revisit() {
			c.Type = ""
			if of, ok := a.originals[c.Digest]; ok && of >= 0 {
				c.Type = a.captures[of].MIME
			}
		}
	}
}

// Close closes the files of the archive.
func (a *Archive) Close() error { return a.from.close() }

// String returns the name that the archive was opened with.
func (a *Archive) String() string { return a.where }

// Damaged returns an error for each part of the index that could not be read.
func (a *Archive) Damaged() []error { return a.damage }

// Len returns the number of captures.
func (a *Archive) Len() int { return len(a.captures) }

// All yields the captures by key and time.
func (a *Archive) All() iter.Seq[Capture] { return slices.Values(a.captures) }

// Of yields the captures of a URL, the oldest first. URLs with the same key are the same.
func (a *Archive) Of(url string) iter.Seq[Capture] {
	key := surt.Key(url)
	return slices.Values(a.between(key, key+"\x00"))
}

// WithPrefix yields the captures whose keys begin with a text.
func (a *Archive) WithPrefix(prefix string) iter.Seq[Capture] {
	return slices.Values(a.between(prefix, prefix+"\xff"))
}

// between returns the captures whose keys are from one, and less than the other.
func (a *Archive) between(from, to string) []Capture {
	place := func(key string) int {
		return sort.Search(len(a.captures), func(i int) bool { return a.captures[i].Key >= key })
	}
	first, end := place(from), place(to)
	return a.captures[first:max(first, end)]
}

// Closest returns the capture of a URL that is closest in time. Captures of exactly this
// URL come before those of another one with the same key, and good responses before
// errors. The error wraps [ErrMissing] if the archive has no capture of the URL.
func (a *Archive) Closest(url string, at time.Time) (Capture, error) {
	if u, err := crawler.ParseURL(url); err == nil {
		url = u.String()
	}
	best, found := Capture{}, false
	for c := range a.Of(url) {
		if !found || closer(c, best, url, at) {
			best, found = c, true
		}
	}
	if !found {
		return Capture{}, fmt.Errorf("%s: %w", url, ErrMissing)
	}
	return best, nil
}

// closer reports whether capture a of a URL is better than b.
func closer(a, b Capture, url string, at time.Time) bool {
	if exact := a.URL == url; exact != (b.URL == url) {
		return exact
	}
	if good := a.Status < 400; good != (b.Status < 400) {
		return good
	}
	return a.Date.Sub(at).Abs() < b.Date.Sub(at).Abs()
}

// original finds the capture that a revisit refers to.
func (a *Archive) original(url string, at time.Time, digest string) (Capture, bool) {
	best, found := Capture{}, false
	for c := range a.Of(url) {
		if c.Revisit() || c.URL != url || digest != "" && c.Digest != digest {
			continue
		}
		if !found || c.Date.Sub(at).Abs() < best.Date.Sub(at).Abs() {
			best, found = c, true
		}
	}
	if found || digest == "" {
		return best, found
	}
	if i, ok := a.originals[digest]; ok && i >= 0 {
		return a.captures[i], true
	}
	return Capture{}, false
}

// sourceOf opens the place of an archive.
func sourceOf(ctx context.Context, where string) (source, error) {
	if strings.HasSuffix(strings.ToLower(where), ".wacz") {
		return openFile(where)
	}
	return openFolder(ctx, where)
}
