package sink

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

// intake is a file of entries, one line for each result, that tables will be made from.
// It has the name of the table of pages with ".open" appended.
type intake struct {
	*segment
	in     *folder
	number int
	nameOf func(table string, number int) string
	log    *slog.Logger
}

// entry is a line of an intake: a record and the references of the page.
type entry struct {
	crawler.Record
	Fields     json.RawMessage `json:"fields,omitempty"` // unparsed, so that numbers keep their digits
	References []edge          `json:"references,omitempty"`
}

// edge is a reference in an entry. Its source is the entry's page.
type edge struct {
	To       string                `json:"to"`
	Text     string                `json:"text,omitempty"`
	Rel      string                `json:"rel,omitempty"`
	NoFollow bool                  `json:"nofollow,omitempty"`
	Kind     fetched.ReferenceKind `json:"kind"`
}

// addEntry appends the entry of a result.
func (b *batch) addEntry(r *fetched.Result) error {
	e := entry{Record: r.Record(false)}
	e.Items = nil // tables have no column for them
	var err error
	if e.Record.Fields != nil {
		e.Fields, err = json.Marshal(e.Record.Fields)
	}
	for _, l := range r.LinkRecords() {
		e.References = append(e.References, edge{l.To, l.Text, l.Rel, l.NoFollow, l.Kind})
	}
	var line []byte
	if err == nil {
		line, err = json.Marshal(&e)
	}
	if err != nil {
		return fmt.Errorf("the record of %q cannot be written as JSON: %w", e.URL, err)
	}
	b.lines = append(append(b.lines, line...), '\n')
	return nil
}

// openIntake opens the intake with a number, or begins it.
func openIntake(in *folder, number int, nameOf func(string, int) string, log *slog.Logger) (*intake, error) {
	s, err := openSegment(in, nameOf("pages", number)+opened, log)
	if err != nil {
		return nil, err
	}
	return &intake{segment: s, in: in, number: number, nameOf: nameOf, log: log}, nil
}

// finish makes the tables of the intake and then removes the intake. If the process is
// killed, or a step fails, before the removal, the next start makes the same tables
// again.
func (i *intake) finish() error {
	err := i.vanished()
	if err != nil {
		err = errors.Join(err, i.rescue())
	} else {
		err = i.tables()
	}
	if err = errors.Join(err, i.Close()); err != nil {
		return err
	}
	if err := i.in.Remove(i.name); err != nil {
		return trouble("removing", i.dir, i.name, err)
	}
	return nil
}

func (i *intake) tables() error {
	if i.size == 0 {
		return nil
	}
	if err := i.Sync(); err != nil {
		return trouble("putting on disk", i.dir, i.name, err)
	}
	lines, err := i.lines()
	if err != nil {
		return err
	}
	pages, failures, links := i.nameOf("pages", i.number), i.nameOf("errors", i.number), i.nameOf("links", i.number)
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.url, b.url) })
	if err := writeTable(i.in, pages, func(t *tabular.Table[tabular.PageRow]) error {
		return i.writePages(lines, t)
	}); err != nil {
		return err
	}
	if err := writeTable(i.in, failures, func(t *tabular.Table[tabular.ErrorRow]) error {
		return i.writeErrors(lines, t)
	}); err != nil {
		return err
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.final, b.final) })
	if err := writeTable(i.in, links, func(t *tabular.Table[tabular.LinkRow]) error {
		return i.writeLinks(lines, t)
	}); err != nil {
		return err
	}
	return i.place(links, failures, pages)
}

// line is the place of a line in the intake and its sort keys. Sorting is stable, so
// lines of the same page stay in the order of writing, which is chronological.
type line struct {
	url, final string
	failed     bool
	linked     bool
	at         int64
	length     int
}

// lines finds the lines and skips those that a power failure damaged.
func (i *intake) lines() ([]line, error) {
	var all []line
	in := bufio.NewReaderSize(io.NewSectionReader(i, 0, i.size), 1<<20)
	for at := int64(0); at < i.size; {
		text, err := in.ReadBytes('\n')
		if err != nil {
			return nil, trouble("reading", i.dir, i.name, err)
		}
		var e struct {
			URL        string          `json:"url"`
			FinalURL   string          `json:"final_url"`
			Outcome    crawler.Outcome `json:"outcome"`
			Error      string          `json:"error"`
			FetchedAt  string          `json:"fetched_at"`
			References json.RawMessage `json:"references"`
		}
		err = json.Unmarshal(text, &e)
		if err == nil {
			_, err = tabular.RecordTime(e.URL, e.FetchedAt)
		}
		if err != nil {
			i.log.Warn("skipped a line that is not a record", "folder", i.dir, "file", i.name, "offset", at,
				"reason", err)
		} else {
			l := line{url: e.URL, final: e.FinalURL, at: at, length: len(text), linked: len(e.References) > 0}
			_, l.failed, _ = tabular.ErrorRowOf(crawler.Record{URL: e.URL, Outcome: e.Outcome, Error: e.Error,
				FetchedAt: e.FetchedAt})
			all = append(all, l)
		}
		at += int64(len(text))
	}
	return all, nil
}

// text reads a line.
func (i *intake) text(l line) ([]byte, error) {
	text := make([]byte, l.length)
	if n, err := i.ReadAt(text, l.at); n < len(text) {
		return nil, trouble("reading", i.dir, i.name, err)
	}
	return text, nil
}

// read parses an entry into the fields that into has.
func (i *intake) read(l line, into any) error {
	text, err := i.text(l)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%q, at byte %d: %w", i.name, l.at, err)
	}
	return nil
}

func (i *intake) writePages(lines []line, t *tabular.Table[tabular.PageRow]) error {
	for _, l := range lines {
		text, err := i.text(l)
		if err != nil {
			return err
		}
		row, err := tabular.EntryRow(text)
		if err != nil {
			return fmt.Errorf("%q, at byte %d: %w", i.name, l.at, err)
		}
		if err := t.Write(row); err != nil {
			return err
		}
	}
	return nil
}

func (i *intake) writeErrors(lines []line, t *tabular.Table[tabular.ErrorRow]) error {
	for _, l := range lines {
		if !l.failed {
			continue
		}
		var rec crawler.Record
		if err := i.read(l, &rec); err != nil {
			return err
		}
		row, _, err := tabular.ErrorRowOf(rec)
		if err != nil {
			return err
		}
		if err := t.Write(row); err != nil {
			return err
		}
	}
	return nil
}

func (i *intake) writeLinks(lines []line, t *tabular.Table[tabular.LinkRow]) error {
	for _, l := range lines {
		if !l.linked {
			continue
		}
		var e struct {
			FinalURL   string `json:"final_url"`
			FetchedAt  string `json:"fetched_at"`
			References []edge `json:"references"`
		}
		if err := i.read(l, &e); err != nil {
			return err
		}
		at, err := tabular.RecordTime(e.FinalURL, e.FetchedAt)
		if err != nil {
			return err
		}
		for _, r := range e.References {
			row := tabular.LinkRow{From: e.FinalURL, To: r.To, Text: r.Text, Rel: r.Rel, NoFollow: r.NoFollow,
				Kind: string(r.Kind), FetchedAt: at}
			if err := t.Write(row); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeTable writes a whole table to disk, under its name with ".part" appended. When it
// fails, it removes the file.
func writeTable[R tabular.Row](in *folder, name string, fill func(*tabular.Table[R]) error) error {
	part := name + unplaced
	f, err := in.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return trouble("writing", in.dir, part, err)
	}
	out := bufio.NewWriterSize(f, 256<<10)
	t := tabular.New[R](out)
	err = fill(t)
	if err = errors.Join(err, t.Close()); err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(trouble("writing", in.dir, part, err), in.Remove(part))
	}
	return nil
}

// place gives the tables their names, the table of pages last, so that a reader that sees
// a page also finds its links. It puts the names on disk, because the intake is removed
// next.
func (i *intake) place(names ...string) error {
	for _, name := range names {
		if err := i.in.Rename(name+unplaced, name); err != nil {
			return trouble("finishing", i.dir, name, err)
		}
	}
	return i.in.sync()
}
