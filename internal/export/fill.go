package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/output"
)

// filling adds to records of pages that have not changed what the earlier records say, to which
// they refer. It copies these to a file without a name, and takes about 40 bytes of memory for each.
type filling struct {
	crawl  *Crawl
	others []*Crawl // that have the earlier records
	file   *os.File // their lines
	size   int64
	lines  map[recordKey]span
}

// recordKey identifies a record.
type recordKey struct {
	url uint64 // a hash of it
	at  int64  // when it was fetched, unix milliseconds
}

// span is a part of a file.
type span struct{ at, length int64 }

// newFilling finds the records that those of a crawl refer to. The error says which output is not
// there any more.
func newFilling(ctx context.Context, c *Crawl, s *survey) (f *filling, err error) {
	f = &filling{crawl: c, lines: make(map[recordKey]span)}
	wanted, own, err := f.references(ctx, s)
	if err != nil {
		return nil, err
	}
	if f.file, err = os.CreateTemp("", ".trawl-fill-*"); err != nil {
		return nil, fmt.Errorf("fill in records of pages that have not changed: %w", err)
	}
	if err := os.Remove(f.file.Name()); err != nil {
		return nil, errors.Join(err, f.close())
	}
	if own {
		err = f.copy(ctx, c)
	}
	for _, name := range wanted {
		if err != nil {
			break
		}
		var other *Crawl
		if other, err = c.beside(ctx, name); err == nil {
			f.others = append(f.others, other)
			err = f.copy(ctx, other)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// references notes the records that those of a crawl refer to, and lists their outputs. own says
// that some are in the crawl itself.
func (f *filling) references(ctx context.Context, s *survey) (outputs []string, own bool, err error) {
	err = s.each(ctx, func(r *Record) error {
		was, complete, err := sameAs(r)
		if was == nil || err != nil {
			return err
		}
		if !complete {
			key, err := keyOf(was)
			if err != nil {
				return err
			}
			f.lines[key] = span{}
		}
		if was.Output == "" {
			own = true
		} else if !slices.Contains(outputs, was.Output) {
			outputs = append(outputs, was.Output)
		}
		return nil
	})
	slices.Sort(outputs)
	return outputs, own, err
}

// sameAs returns the reference in a record; nil if it has none. complete says that the record has
// the content itself: only the response in an archive is elsewhere.
func sameAs(r *Record) (was *crawler.SameAs, complete bool, err error) {
	if !bytes.Contains(r.Line, []byte(`"same_as"`)) {
		return nil, false, nil
	}
	rec, err := r.Read()
	return rec.SameAs, rec.Outcome != crawler.OutcomeNotModified, err
}

// beside opens an output that records refer to: it is next to this one, or within it.
func (c *Crawl) beside(ctx context.Context, name string) (*Crawl, error) {
	parent, _, query := split(c.at.String())
	var errs []error
	for _, where := range []string{output.Join(cmp.Or(parent, ".")+query, name), output.Join(c.at.String(), name)} {
		other, err := Open(ctx, where)
		if !errors.Is(err, ErrNoOutput) {
			return other, err
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%q refers to records of %q, which cannot be found: %w", c, name, errors.Join(errs...))
}

// keyOf returns which record is referred to.
func keyOf(was *crawler.SameAs) (recordKey, error) {
	at, err := fetched.ParseRecordTime(was.FetchedAt)
	if err != nil {
		return recordKey{}, fmt.Errorf("a record refers to one of %q: %w", was.URL, err)
	}
	return recordKey{hashOf(was.URL), at.UnixMilli()}, nil
}

// copy keeps the lines of an output that are referred to.
func (f *filling) copy(ctx context.Context, c *Crawl) error {
	return c.Each(ctx, func(line []byte) error {
		url, at, err := readHeader(line)
		if err != nil {
			return nil // it cannot be referred to
		}
		key := recordKey{hashOf(url), at.UnixMilli()}
		if _, wanted := f.lines[key]; !wanted {
			return nil
		}
		n, err := f.file.WriteAt(line, f.size)
		if err != nil {
			return fmt.Errorf("fill in records of pages that have not changed: %w", err)
		}
		f.lines[key] = span{f.size, int64(n)}
		f.size += int64(n)
		return nil
	})
}

// fill returns a record with the content of the earlier one, if it refers to one.
func (f *filling) fill(r *Record) (*Record, error) {
	if f == nil {
		return r, nil
	}
	was, complete, err := sameAs(r)
	if was == nil || complete || err != nil {
		return r, err
	}
	key, err := keyOf(was)
	if err != nil {
		return r, err
	}
	place := f.lines[key]
	if place.length == 0 {
		return r, fmt.Errorf("no record of %q was fetched at %s, although another refers to it: export without filling in",
			was.URL, was.FetchedAt)
	}
	line := make([]byte, place.length)
	if _, err := f.file.ReadAt(line, place.at); err != nil {
		return r, fmt.Errorf("fill in records of pages that have not changed: %w", err)
	}
	line, err = filled(r.Line, line)
	return &Record{Line: line}, err
}

// wholeRecord is a record whose fields keep their digits.
type wholeRecord struct {
	crawler.Record
	Fields json.RawMessage `json:"fields,omitempty"`
}

// filled returns the record of a page that has not changed, with what the earlier record says about
// its content. What concerns the request, and where the page was found, stays.
func filled(now, earlier []byte) ([]byte, error) {
	var record, was wholeRecord
	if err := errors.Join(json.Unmarshal(now, &record), json.Unmarshal(earlier, &was)); err != nil {
		return nil, err
	}
	r, w := record.Record, &was.Record
	w.URL, w.FinalURL, w.Redirects, w.SeedHost = r.URL, r.FinalURL, r.Redirects, r.SeedHost
	w.Status, w.Outcome, w.Error, w.ErrorClass, w.Fault = r.Status, r.Outcome, r.Error, r.ErrorClass, r.Fault
	w.Repaired, w.FetchedAt, w.DurationMS, w.MovedTo = r.Repaired, r.FetchedAt, r.DurationMS, r.MovedTo
	w.Depth, w.Referrer, w.Sitemap, w.Embeds = r.Depth, r.Referrer, r.Sitemap, r.Embeds
	w.Job, w.Worker, w.DuplicateOf, w.SameAs = r.Job, r.Worker, r.DuplicateOf, r.SameAs
	w.Rights, w.Usage = r.Rights, r.Usage
	w.Path = "" // of a file in the other output
	if _, listed := r.Links.([]any); listed {
		w.Links = r.Links
	}
	return was.json()
}

// json encodes the record as crawls write records.
func (r *wholeRecord) json() ([]byte, error) {
	r.Record.Fields = nil
	line, err := r.Record.JSON()
	if err != nil || len(r.Fields) == 0 {
		return line, err
	}
	line = append(line[:len(line)-1], `,"fields":`...)
	return append(append(line, r.Fields...), '}'), nil
}

func (f *filling) close() error {
	if f == nil {
		return nil
	}
	var errs []error
	for _, c := range f.others {
		errs = append(errs, c.Close())
	}
	return errors.Join(append(errs, f.file.Close())...)
}
