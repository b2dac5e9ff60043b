package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrOrder is wrapped in errors about orders that cannot be carried out: for example, of
// a form that has no fields, or that needs a file.
var ErrOrder = errors.New("no such export")

// Order says what to export, and how.
type Order struct {
	// Form is the form in which records are written.
	Form Form
	// Where selects records. The zero Condition selects all.
	Where Condition
	// Every writes every record of a URL that was fetched several times, instead of the last
	// one.
	Every bool
	// Fields are the fields to write of each record. Default: all.
	Fields []Field
	// To is the file or folder to write. Default "": standard output.
	To string
	// Replace allows replacing an existing file or folder.
	Replace bool
	// Plain writes CSV without the apostrophe before texts that spreadsheets would take
	// for formulas.
	Plain bool
	// Mark begins CSV with a byte order mark, by which spreadsheets recognize UTF-8.
	Mark bool
	// Keys is the form of the keys in the index of WARC and WACZ: "pywb" or "warcio", see
	// package surt. Default "pywb".
	Keys string
	// SignWith is the private key, in PEM, that signs a WACZ file: ECDSA over P-384. Default
	// nil: the file is not signed.
	SignWith []byte
	// MainText makes wet the main text of each page, without menus and other surroundings,
	// instead of all that is visible.
	MainText bool
	// Fill adds to the records of pages that have not changed what the earlier records say, to
	// which they refer. In an archive, it adds the responses that others refer to.
	Fill bool
	// Out is standard output.
	Out io.Writer
	// Damaged is called for lines that are not records, which are skipped. Default none.
	Damaged func(at string, err error)

	// Set by Export, for writers.
	ctx    context.Context
	crawl  *Crawl
	survey *survey
	fill   *filling // nil unless Fill is set
}

// Summary is the result of an export.
type Summary struct {
	Pages   int // pages in the crawl
	Written int // records that were selected and written
	Damaged int // lines that are not records
}

// Export writes the last record of each URL of a crawl, if the order selects it, in the
// order of the segments. If it fails, nothing remains of the file or folder that it
// began.
func Export(ctx context.Context, c *Crawl, o Order) (sum Summary, err error) {
	if o.Form.whole && len(o.Fields) > 0 {
		return sum, fmt.Errorf("%w: fields cannot be chosen for %s, which is written whole", ErrOrder, o.Form.Name)
	}
	if o.Every && o.Form.whole {
		return sum, fmt.Errorf("%w: %s has each page once: for all records, choose jsonl, csv or parquet", ErrOrder,
			o.Form.Name)
	}
	if o.Mark && o.Form.Name != "csv" {
		return sum, fmt.Errorf("%w: a byte order mark is for csv, and this is %s", ErrOrder, o.Form.Name)
	}
	if o.Keys != "" && o.Form.Name != "warc" && o.Form.Name != "wacz" {
		return sum, fmt.Errorf("%w: forms of keys are for warc and wacz, and this is %s", ErrOrder, o.Form.Name)
	}
	if len(o.SignWith) > 0 && o.Form.Name != "wacz" {
		return sum, fmt.Errorf("%w: a signature is for wacz, and this is %s", ErrOrder, o.Form.Name)
	}
	if o.MainText && o.Form.Name != "wet" {
		return sum, fmt.Errorf("%w: the main text is for wet, and this is %s", ErrOrder, o.Form.Name)
	}
	if o.Damaged == nil {
		o.Damaged = func(string, error) {}
	}
	if o.Form.bodies {
		c = c.WithBodies()
	}
	out, err := o.Form.draft(o)
	if err != nil {
		return sum, err
	}
	if sum, err = o.write(ctx, c, out); err != nil {
		return sum, errors.Join(err, out.Discard())
	}
	return sum, out.Place()
}

// write fills the draft.
func (o Order) write(ctx context.Context, c *Crawl, out *draft) (sum Summary, err error) {
	s, err := surveyOf(ctx, c, o.Damaged)
	if err != nil {
		return sum, err
	}
	sum.Pages, sum.Damaged = s.pages, s.damaged
	o.ctx, o.crawl, o.survey = ctx, c, s
	if o.Fill {
		if o.fill, err = newFilling(ctx, c, s); err != nil {
			return sum, err
		}
		defer func() { err = errors.Join(err, o.fill.close()) }()
	}
	if o.Every {
		s.everything()
	}
	o.Fields, err = unfold(o.Fields, o.wanted)
	if err != nil {
		return sum, err
	}
	w, err := o.Form.open(out, o)
	if err != nil {
		return sum, err
	}
	known := newAcquaintance(append(o.Where.Fields(), o.Fields...))
	err = s.each(ctx, func(r *Record) error {
		r, err := o.fill.fill(r)
		if err != nil {
			return err
		}
		if err := known.look(r); err != nil {
			return err
		}
		ok, err := o.Where.Match(r)
		if !ok || err != nil {
			return err
		}
		sum.Written++
		return w.Write(r)
	})
	if err == nil {
		err = known.strangers()
	}
	if err == nil {
		return sum, w.Close()
	}
	if a, ok := w.(aborter); ok {
		err = errors.Join(err, a.abort())
	}
	return sum, err
}

// wanted calls do with the records that the order selects.
func (o Order) wanted(do func(*Record) error) error {
	return o.survey.each(o.ctx, func(r *Record) error {
		r, err := o.fill.fill(r)
		if err != nil {
			return err
		}
		ok, err := o.Where.Match(r)
		if !ok || err != nil {
			return err
		}
		return do(r)
	})
}

// acquaintance finds out whether the fields that a job may have selected occur in any
// record.
type acquaintance struct {
	missing []Field
	others  []string // some of those that do occur
}

func newAcquaintance(fields []Field) *acquaintance {
	a := new(acquaintance)
	for _, f := range fields {
		if f.Selected() {
			a.missing = append(a.missing, f)
		}
	}
	return a
}

// look notes the fields of a record.
func (a *acquaintance) look(r *Record) error {
	const maxOthers = 20
	for i := 0; i < len(a.missing); i++ {
		f := a.missing[i]
		_, found, err := f.Value(r)
		if err != nil {
			return err
		}
		if found {
			a.missing = slices.Delete(a.missing, i, i+1)
			i--
			continue
		}
		values, _ := r.Values()
		object, _ := values[f.Top()].(map[string]any)
		for name := range object {
			if name = f.Top() + "." + name; len(a.others) < maxOthers && !slices.Contains(a.others, name) {
				a.others = append(a.others, name)
			}
		}
	}
	return nil
}

// strangers returns an error if a field occurred in no record.
func (a *acquaintance) strangers() error {
	if len(a.missing) == 0 {
		return nil
	}
	slices.Sort(a.others)
	there := strings.Join(a.others, ", ")
	if there == "" {
		there = "none"
	}
	return fmt.Errorf("no record has the field %q: there are %s", a.missing[0].Name, there)
}
