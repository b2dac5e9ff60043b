package validators

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Config configures a [Builder] and its [Index].
type Config struct {
	// Dir is the folder for the files of the index, which have no names and end with the process.
	Dir string
	// Reading is how the job reads pages; see [Reading].
	Reading string
	// Archive says that the job archives pages. Then requests are conditional only for pages that
	// are in an archive already.
	Archive bool
	// There reports whether an output with the records of unchanged pages still exists; see
	// [crawler.SameAs]. It is called once for each output.
	There func(output string) bool
}

// Builder makes an index of the lines and the records of outputs. The later of two lines for a URL
// counts, so the outputs have to be read in the order of their time. A Builder is not safe for
// concurrent use.
//
// Its memory is 4 MB and, while Build runs, about one byte for each page. On disk it takes 25 bytes
// for each record, archived response and line until Build returns, besides the lines themselves.
type Builder struct {
	cfg    Config
	data   *data
	facts  spill
	there  map[string]bool
	output string // whose lines are read
	number byte   // of the output
	known  []string
}

// NewBuilder returns a builder whose files are in a folder that exists.
func NewBuilder(cfg Config) (*Builder, error) {
	d, err := newData(cfg.Dir)
	if err != nil {
		return nil, err
	}
	return &Builder{cfg: cfg, data: d, facts: spill{dir: cfg.Dir}, there: make(map[string]bool)}, nil
}

// maxOutputs is the largest number of outputs of one index.
const maxOutputs = 200

// From names the output in which the following lines and records were read; "" for the job's own.
func (b *Builder) From(output string) error {
	if len(b.known) == maxOutputs {
		return fmt.Errorf("validators of more than %d outputs cannot be read", maxOutputs)
	}
	b.output, b.number, b.known = output, byte(len(b.known)), append(b.known, output)
	return nil
}

var seed = maphash.MakeSeed()

// fingerprint identifies a URL in this process. Two URLs may have the same, so an index compares
// the URL of a line as well.
func fingerprint(url string) uint64 { return maphash.String(seed, url) }

// second is a time as facts have it: indexes of archives have no more precise one.
func second(t time.Time) uint32 { return uint32(t.Unix()) }

// Record adds a record: the URL of its last request, and when that was made.
func (b *Builder) Record(finalURL string, at time.Time) error {
	return b.facts.add(fact{url: fingerprint(finalURL), kind: aRecord, at: second(at)})
}

// Captured adds a response in an archive.
func (b *Builder) Captured(url string, at time.Time) error {
	return b.facts.add(fact{url: fingerprint(url), kind: aCapture, at: second(at)})
}

// pageBegins begins the last field of a line. It cannot occur within a string of JSON.
var pageBegins = []byte(`,"page":{`)

// Line adds a line. The error wraps [ErrLine] if it is not one.
func (b *Builder) Line(text []byte) error {
	head := text
	if at := bytes.Index(text, pageBegins); at >= 0 { // the page is long, and decides nothing here
		head = append(bytes.Clone(text[:at]), '}')
	}
	var l Line
	if err := json.Unmarshal(head, &l); err != nil {
		return fmt.Errorf("%w: %w", ErrLine, err)
	}
	at, err := fetched.ParseRecordTime(l.Record.FetchedAt)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLine, err)
	}
	f := fact{url: fingerprint(l.URL), kind: aLine, at: second(at)}
	if l.Unchanged > 0 && l.Record.Output != "" {
		if f.trusted = b.isThere(l.Record.Output); !f.trusted {
			return nil
		}
	}
	if l.Capture != nil {
		if l.Capture.URL != l.URL && !f.trusted { // the line is of another page, whose record is elsewhere
			return nil
		}
		f.captured = second(l.Capture.Date)
	}
	if f.line, err = b.data.add([]byte{b.number}, text); err != nil {
		return err
	}
	return b.facts.add(f)
}

// ErrLine is wrapped in errors about text that is not a line.
var ErrLine = errors.New("not a line of validators")

func (b *Builder) isThere(output string) bool {
	there, known := b.there[output]
	if !known {
		there = b.cfg.There(output)
		b.there[output] = there
	}
	return there
}

// Build returns the index and closes the builder.
func (b *Builder) Build() (*Index, error) {
	x := &Index{cfg: b.cfg, data: b.data, outputs: b.known, fresh: make(map[uint64]line)}
	table, err := newTable(b.cfg.Dir)
	if err == nil {
		err = b.sort(table)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close(), table.close())
	}
	x.table = table
	return x, b.facts.close()
}

// sort adds the last line of each URL, if its record was read, to a table.
func (b *Builder) sort(t *table) error {
	for n := range parts {
		facts, err := b.facts.part(n)
		if err != nil {
			return err
		}
		slices.SortStableFunc(facts, func(a, b fact) int { return cmp.Compare(a.url, b.url) })
		for len(facts) > 0 {
			end := 1
			for end < len(facts) && facts[end].url == facts[0].url {
				end++
			}
			if l, ok := chosen(facts[:end]); ok {
				if err := t.add(facts[0].url, l); err != nil {
					return err
				}
			}
			facts = facts[end:]
		}
	}
	return t.flush()
}

// chosen returns the last line, among the facts about a URL, whose record and archived response are
// among these facts too.
func chosen(facts []fact) (line, bool) {
	has := func(k kind, at uint32) bool {
		return slices.ContainsFunc(facts, func(f fact) bool { return f.kind == k && f.at == at })
	}
	for _, f := range slices.Backward(facts) {
		if f.kind != aLine {
			continue
		}
		if f.trusted || has(aRecord, f.at) && (f.captured == 0 || has(aCapture, f.captured)) {
			return f.line, true
		}
	}
	return 0, false
}

// Close gives up the builder. It must not be called after Build.
func (b *Builder) Close() error { return errors.Join(b.facts.close(), b.data.close()) }
