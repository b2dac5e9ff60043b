package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrOrder is in the errors of orders that can not be carried out: of a form that
// has no fields, or that needs a file.
var ErrOrder = errors.New("no such export")

// Order says what is to be exported, and how.
type Order struct {
	// Form is how the records are written.
	Form Form
	// Where says which records are wanted. The zero Condition wants all.
	Where Condition
	// Fields are what is written of each record. Default: all that a record has.
	Fields []Field
	// To is the file or folder to write. Default "": standard output.
	To string
	// Replace says whether what has that name is replaced.
	Replace bool
	// Plain writes CSV without the apostrophe before texts that spreadsheets would
	// take for formulas.
	Plain bool
	// Out is standard output.
	Out io.Writer
	// Damaged hears of lines that are no records, and are left out. Default: nobody.
	Damaged func(at string, err error)

	// Set by Export, for who writes.
	ctx    context.Context
	crawl  *Crawl
	survey *survey
}

// Summary tells what was exported.
type Summary struct {
	Pages   int // that there are
	Written int // that were wanted
	Damaged int // lines that are no records
}

// Export writes the last record of each URL of a crawl, if it is wanted, in the
// order of the segments. When it fails nothing is left of a file or folder that
// it has begun.
func Export(ctx context.Context, c *Crawl, o Order) (sum Summary, err error) {
	if o.Form.whole && len(o.Fields) > 0 {
		return sum, fmt.Errorf("%w: fields can not be chosen of %s, which is written whole", ErrOrder, o.Form.Name)
	}
	if o.Damaged == nil {
		o.Damaged = func(string, error) {}
	}
	if o.Form.bodies {
		c = c.withBodies()
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
func (o Order) write(ctx context.Context, c *Crawl, out *Draft) (sum Summary, err error) {
	s, err := surveyOf(ctx, c, o.Damaged)
	if err != nil {
		return sum, err
	}
	sum.Pages, sum.Damaged = s.pages, s.damaged
	o.ctx, o.crawl, o.survey = ctx, c, s
	w, err := o.Form.open(out, o)
	if err != nil {
		return sum, err
	}
	known := newAcquaintance(append(o.Where.Fields(), o.Fields...))
	err = s.each(ctx, func(r *Record) error {
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

// acquaintance finds out whether fields that a job may have selected are in any
// record.
type acquaintance struct {
	missing []Field
	others  []string // that are there: a few
}

func newAcquaintance(fields []Field) *acquaintance {
	a := new(acquaintance)
	for _, f := range fields {
		if f.selected() {
			a.missing = append(a.missing, f)
		}
	}
	return a
}

// look takes note of the fields of a record.
func (a *acquaintance) look(r *Record) error {
	const mostOthers = 20
	for i := 0; i < len(a.missing); i++ {
		f := a.missing[i]
		_, found, err := f.value(r)
		if err != nil {
			return err
		}
		if found {
			a.missing = slices.Delete(a.missing, i, i+1)
			i--
			continue
		}
		values, _ := r.Values()
		object, _ := values[f.path[0]].(map[string]any)
		for name := range object {
			if name = f.path[0] + "." + name; len(a.others) < mostOthers && !slices.Contains(a.others, name) {
				a.others = append(a.others, name)
			}
		}
	}
	return nil
}

// strangers is an error when a field was in no record.
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
