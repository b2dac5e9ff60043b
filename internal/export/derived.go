package export

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/commoncrawl"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// derivedWriter writes a WARC file of records that are made from the last response of each
// page, with an index beside it. It reads one response at a time.
type derivedWriter struct {
	*captures
	index  *draft // nil for a stream
	to     *warc.Derived
	reader *commoncrawl.Reader
	files  archives
	others archives // of payloads that revisits refer to
	derive derivation
}

// derivation makes the block of a record, and the fields of its header that are not the same
// for all forms. A nil block is not written.
type derivation func(a *commoncrawl.Answer) (record warc.Derivation, block []byte, err error)

// newDerived begins a file whose name has an ending, such as ".warc.wet.gz".
func newDerived(out *draft, o Order, ending, description string, derive derivation) (Writer, error) {
	chosen, err := newCaptures(o)
	if err != nil {
		return nil, err
	}
	w := &derivedWriter{captures: chosen, reader: commoncrawl.NewReader(), derive: derive,
		files: archives{ctx: o.ctx, at: o.crawl.at}, others: archives{ctx: o.ctx, at: o.crawl.at}}
	name := "export" + ending
	if out.Name() != "" {
		name = filepath.Base(out.Name())
		stem, ok := strings.CutSuffix(out.Name(), ".gz")
		if !ok || !strings.HasSuffix(name, ending) {
			return nil, fmt.Errorf("%q: %s is written compressed, to a file whose name ends in %s", out.Name(),
				o.Form.Name, ending)
		}
		if w.index, err = out.Beside(stem+".cdxj", o.Replace); err != nil {
			return nil, err
		}
	}
	from, err := w.first()
	if err != nil {
		return nil, err
	}
	w.to, err = warc.NewDerived(out, name, from, description, time.Now())
	return w, err
}

// Close writes the records in the order in which the crawl stored the responses.
func (w *derivedWriter) Close() error {
	last, err := w.last()
	if err != nil {
		return err
	}
	payloads, err := w.payloads(last)
	if err != nil {
		return err
	}
	for _, c := range last {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.one(c, payloads); err != nil {
			return err
		}
	}
	if w.index == nil {
		return nil
	}
	_, err = w.index.Write(w.to.Index())
	return err
}

// one writes the record that is made from a capture.
func (w *derivedWriter) one(c warc.Capture, payloads map[string]warc.Capture) error {
	record, err := readRecord(&w.files, c)
	if err != nil {
		return w.passOver(c.File, err)
	}
	payload := record
	if c.Revisit() {
		if payload, err = w.original(payloads[c.Digest]); err != nil {
			return err
		}
	}
	answer, err := w.reader.Read(w.ctx, c, record, payload)
	if err != nil {
		return err
	}
	made, block, err := w.derive(answer)
	if block == nil || err != nil {
		return err
	}
	made.From, made.Refers = c, record.Get("WARC-Record-ID")
	if made.Date, err = answer.Date(); err != nil {
		return err
	}
	return w.to.Add(made, block)
}

// original reads the record that a revisit refers to; nil if it is not there, or damaged.
func (w *derivedWriter) original(c warc.Capture) (*warc.Stored, error) {
	if c.File == "" {
		return nil, nil
	}
	record, err := readRecord(&w.others, c)
	if err != nil {
		return nil, w.passOver(c.File, err)
	}
	return record, nil
}

// readRecord reads the record of a capture.
func readRecord(files *archives, c warc.Capture) (*warc.Stored, error) {
	in, err := files.open(c.File)
	if err != nil {
		return nil, err
	}
	return warc.Read(in, c, commoncrawl.MaxBlock)
}

// newWAT writes the metadata of the responses.
func newWAT(out *draft, o Order) (Writer, error) {
	return newDerived(out, o, ".warc.wat.gz", "the metadata of the last response of each page, by trawl export",
		func(a *commoncrawl.Answer) (warc.Derivation, []byte, error) {
			block, err := a.WAT()
			return warc.Derivation{Kind: "metadata", ContentType: "application/json"}, block, err
		})
}

// newWET writes the texts of the pages: all that is visible, or, if the order says so, the
// main text.
func newWET(out *draft, o Order) (Writer, error) {
	text := func(a *commoncrawl.Answer) (string, error) { return a.Text(), nil }
	description := "the visible text of each page, by trawl export"
	if o.MainText {
		main := texts{ctx: o.ctx}
		text, description = main.main, "the main text of each page, by trawl export"
	}
	return newDerived(out, o, ".warc.wet.gz", description,
		func(a *commoncrawl.Answer) (warc.Derivation, []byte, error) {
			words, err := text(a)
			if words == "" || err != nil {
				return warc.Derivation{}, nil, err
			}
			r := warc.Derivation{Kind: "conversion", ContentType: "text/plain"}
			if language := a.Language(); language != "" {
				r.More = []warc.Field{{Name: "WARC-Identified-Content-Language", Value: language}}
			}
			return r, []byte(words), nil
		})
}
