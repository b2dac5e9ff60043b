package fields

import "github.com/trawlcrawler/trawl/internal/htmltok"

// Finding explains how a field of a page got its value, or why it has none.
type Finding struct {
	// Field is its path: "price", or "reviews.author" if it is nested.
	Field string `json:"field"`
	// Place is where it is looked for, such as "css .price" or "css img @src".
	Place string `json:"place"`
	// Tried is how often it was looked for: once, or once for each match of the enclosing
	// field.
	Tried int `json:"tried"`
	// Matches is the total number of matching elements or data values.
	Matches int `json:"matches"`
	// Text is the text of the first match, before regular expression and type; "" if
	// there is none.
	Text string `json:"text"`
	// Value is the resulting value, or nil. For a nested field it is the first.
	Value any `json:"value"`
	// Empty is how often nothing was found.
	Empty int `json:"empty"`
	// Why says why nothing was found the first time that happened; "" if it never
	// happened.
	Why string `json:"why"`
	// Required says that pages without it are marked.
	Required bool `json:"required"`
}

// Findings collects explanations of the fields of a page. A nil findings collects
// nothing.
type Findings struct {
	all []*Finding
	of  map[*field]*Finding
}

// NewFindings returns an empty list of findings.
func NewFindings() *Findings { return &Findings{of: make(map[*field]*Finding)} }

// entry returns the finding of a field. Findings of nested fields follow that of their
// parent.
func (fs *Findings) entry(f *field) *Finding {
	one := fs.of[f]
	if one == nil {
		one = &Finding{Field: f.path, Place: f.where(), Required: f.Required}
		fs.of[f] = one
		fs.all = append(fs.all, one)
	}
	return one
}

// where returns the place of a field, with its attribute.
func (f *field) where() string {
	if f.Attr != "" {
		return f.place.String() + " @" + f.Attr
	}
	return f.place.String()
}

// begin notes that a field is being looked for.
func (fs *Findings) begin(f *field) {
	if fs != nil {
		fs.entry(f).Tried++
	}
}

// raw notes the text of a match.
func (fs *Findings) raw(f *field, text string) {
	if fs == nil {
		return
	}
	if one := fs.entry(f); one.Text == "" {
		one.Text = htmltok.Quotable(text)
	}
}

// end notes the result.
func (fs *Findings) end(f *field, matches int, value any, why string) {
	if fs == nil {
		return
	}
	one := fs.entry(f)
	one.Matches += matches
	if empty(one.Value) {
		one.Value = value
	}
	if why != "" {
		one.Empty++
		if one.Why == "" {
			one.Why = why
		}
	}
}

// spare notes that a field need not be looked for.
func (fs *Findings) spare(f *field) {
	if fs != nil {
		fs.entry(f).Why = "not looked for: an earlier rule has found it"
	}
}

// List returns the findings.
func (fs *Findings) List() []Finding {
	all := make([]Finding, len(fs.all))
	for i, one := range fs.all {
		all[i] = *one
	}
	return all
}
