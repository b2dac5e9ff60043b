package parse

// Finding is how a field of a page came by its value, or why it has none.
type Finding struct {
	// Field is its path: "price", in other fields "reviews.author".
	Field string `json:"field"`
	// Place is where it looks, as "css .price" or "css img @src".
	Place string `json:"place"`
	// Tried is how often it was looked for: once, and in a field once a match.
	Tried int `json:"tried"`
	// Matches is how many elements, or values of data, are there, in all.
	Matches int `json:"matches"`
	// Text is that of the first, before regular expression and type; "" where there
	// is none.
	Text string `json:"text"`
	// Value is what became of it; nil for nothing. In a field it is the first.
	Value any `json:"value"`
	// Empty is how often nothing was found.
	Empty int `json:"empty"`
	// Why says why nothing was found, the first time that it was so; "" when there
	// always was something.
	Why string `json:"why"`
	// Required says that pages without it are marked.
	Required bool `json:"required"`
}

// findings gathers what there is to say of the fields of a page. Nil gathers
// nothing.
type findings struct {
	all []*Finding
	of  map[*field]*Finding
}

func newFindings() *findings { return &findings{of: make(map[*field]*Finding)} }

// entry returns the finding of a field. Those of fields in fields come behind it.
func (fs *findings) entry(f *field) *Finding {
	one := fs.of[f]
	if one == nil {
		one = &Finding{Field: f.path, Place: f.where(), Required: f.Required}
		fs.of[f] = one
		fs.all = append(fs.all, one)
	}
	return one
}

// where is the place of a field, with its attribute.
func (f *field) where() string {
	if f.Attr != "" {
		return f.place.String() + " @" + f.Attr
	}
	return f.place.String()
}

// begin notes that a field is looked for.
func (fs *findings) begin(f *field) {
	if fs != nil {
		fs.entry(f).Tried++
	}
}

// raw notes the text of a match.
func (fs *findings) raw(f *field, text string) {
	if fs == nil {
		return
	}
	if one := fs.entry(f); one.Text == "" {
		one.Text = quotable(text)
	}
}

// end notes what came of it.
func (fs *findings) end(f *field, matches int, value any, why string) {
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

// spare notes that a field need not be read.
func (fs *findings) spare(f *field) {
	if fs != nil {
		fs.entry(f).Why = "not looked for: an earlier rule has found it"
	}
}

// list returns the findings.
func (fs *findings) list() []Finding {
	all := make([]Finding, len(fs.all))
	for i, one := range fs.all {
		all[i] = *one
	}
	return all
}
