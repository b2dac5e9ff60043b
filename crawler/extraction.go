package crawler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Extraction says what a job extracts from the pages of one kind, in addition to their
// title and links. All extractions that match a page apply. If several have a field of the
// same name, the first that finds something provides its value.
type Extraction struct {
	// Match is a regular expression (RE2) that must match anywhere in the URL of a page,
	// after redirects. The default "" matches every page.
	Match string `json:"match,omitempty" yaml:"match"`
	// Fields are the fields by name. A name has letters, digits, "_", "-" and ".", and
	// starts with a letter or "_". A name that ends in "[]" is a list.
	Fields Fields `json:"fields" yaml:"fields"`
}

// Fields are fields by name.
type Fields map[string]Field

// FieldType says what a field holds, and so which part of its text is the value.
type FieldType string

// The types of fields.
const (
	TypeText   FieldType = "text"   // white space collapsed
	TypeHTML   FieldType = "html"   // the markup within the element
	TypeNumber FieldType = "number" // the one number in the text
	TypeDate   FieldType = "date"   // a day, or a point in time, in any of many languages; as ISO 8601
	TypeURL    FieldType = "url"    // resolved against the page's base
)

// FieldTypes lists the types.
var FieldTypes = []FieldType{TypeText, TypeHTML, TypeNumber, TypeDate, TypeURL}

// Field says where to find a field's value, and how to convert it. It uses one of CSS,
// JSONLD, OG, Meta and Microdata. If it uses none of these, Regex applies to the markup of
// the page. In files and in JSON, a field may also be a string, which [ParseField] parses.
type Field struct {
	// CSS selects elements. In a nested field, it selects elements within those of the
	// outer field. There, "" with Attr means the element itself.
	CSS string `json:"css,omitempty" yaml:"css"`
	// Attr is the attribute to read. The default "" reads the text.
	Attr string `json:"attr,omitempty" yaml:"attr"`
	// JSONLD is a path into the page's JSON-LD, such as "Product.offers.price": a type of
	// schema.org (or any other), then properties. If the first part starts with a
	// lower-case letter, it is a property of the top-level object. Nested in a field that
	// has Fields and JSONLD, it is a path that starts at the value of that field.
	JSONLD string `json:"jsonld,omitempty" yaml:"jsonld"`
	// OG is a property of the Open Graph protocol, without its "og:" prefix.
	OG string `json:"og,omitempty" yaml:"og"`
	// Meta is the name or the property of a <meta>.
	Meta string `json:"meta,omitempty" yaml:"meta"`
	// Microdata is a path into the page's microdata, in the form of JSONLD.
	Microdata string `json:"microdata,omitempty" yaml:"microdata"`
	// Regex is a regular expression (RE2) that is applied to the text. The value is its
	// first group or, if it has none, the whole match. The default "" takes all of the
	// text.
	Regex string `json:"regex,omitempty" yaml:"regex"`
	// Type is what the field holds. The default "" is text; for the attributes href and
	// src, an absolute URL; for JSON-LD, the value as it is.
	Type FieldType `json:"type,omitempty" yaml:"type"`
	// Decimal is the decimal separator of a number, "." or ",". The default "" derives it
	// from the text (see docs/extract.md).
	Decimal string `json:"decimal,omitempty" yaml:"decimal"`
	// Order is the order of day, month and year in dates written in digits: dmy, mdy or
	// ymd. The default "" refuses a date that has two meanings.
	Order string `json:"order,omitempty" yaml:"order"`
	// List takes every value instead of only the first.
	List bool `json:"list,omitempty" yaml:"list"`
	// Required makes a page without the field incomplete.
	Required bool `json:"required,omitempty" yaml:"required"`
	// Fields turn each match into an object, with values read from within it. By
	// default a match is a single value.
	Fields Fields `json:"fields,omitempty" yaml:"fields"`
}

// source is one place where a field may look.
type source struct{ name, value string }

// sources returns the places that the field names.
func (f Field) sources() (named []source) {
	for _, s := range []source{{"css", f.CSS}, {"jsonld", f.JSONLD}, {"og", f.OG}, {"meta", f.Meta},
		{"microdata", f.Microdata}} {
		if s.value != "" {
			named = append(named, s)
		}
	}
	return named
}

// Limits on what a job may extract from each page.
const (
	maxFields  = 1000 // in total
	maxNesting = 8    // levels of fields within fields
)

var (
	fieldName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	attributeName = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)
)

// Extractions returns everything that the job extracts: the fields of Select, then Extract.
// The error quotes a selection that cannot be parsed.
func (s ExtractSettings) Extractions() ([]Extraction, error) {
	selected, err := selection(s.Select)
	if err != nil || len(selected) == 0 {
		return s.Extract, err
	}
	return append([]Extraction{{Fields: selected}}, s.Extract...), nil
}

// selection parses the fields of Select.
func selection(selects []string) (Fields, error) {
	fields := make(Fields, len(selects))
	for _, s := range selects {
		name, short, ok := strings.Cut(s, "=")
		name, every := strings.CutSuffix(strings.TrimSpace(name), "[]")
		if !ok || !fieldName.MatchString(name) || ParseField(short).CSS == "" {
			return nil, NewSettingError("select", "%q is not a field: write name=css, name=css@attribute or name[]=css",
				s)
		}
		if _, known := fields[name]; known {
			return nil, NewSettingError("select", "%q: there is already a field %q", s, name)
		}
		f := ParseField(short)
		f.List = every
		fields[name] = f
	}
	return fields, nil
}

// CheckExtract returns the first error in Extract. Whether selectors are valid CSS is
// checked by internal/parse.
func (s ExtractSettings) CheckExtract() error {
	count := 0
	for i, x := range s.Extract {
		at := fmt.Sprintf("extract[%d]", i)
		if err := checkPattern(at+".match", x.Match); err != nil {
			return err
		}
		if len(x.Fields) == 0 {
			return NewSettingError(at, "it has no fields")
		}
		if err := x.Fields.check(at+".fields", nil, 1, &count); err != nil {
			return err
		}
	}
	return nil
}

// check validates fields nested in the field within, which is nil at the top.
func (fs Fields) check(at string, within *Field, depth int, count *int) error {
	if depth > maxNesting {
		return NewSettingError(at, "fields are nested more than %d deep", maxNesting)
	}
	if *count += len(fs); *count > maxFields {
		return NewSettingError(at, "there are more than %d fields", maxFields)
	}
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		f, place := fs[name], SettingAt(at, name)
		bare, every := strings.CutSuffix(name, "[]")
		if !fieldName.MatchString(bare) {
			return NewSettingError(place,
				"%q is not a valid name: use letters, digits, _, - and ., starting with a letter or _", name)
		}
		if _, both := fs[bare]; every && both {
			return NewSettingError(place, "there is already a field %q", bare)
		}
		if err := f.check(place, within); err != nil {
			return err
		}
		if f.Fields == nil {
			continue
		}
		if err := f.Fields.check(place+".fields", &f, depth+1, count); err != nil {
			return err
		}
	}
	return nil
}

// check validates one field.
func (f Field) check(at string, within *Field) error {
	named := f.sources()
	switch {
	case len(named) > 1:
		return NewSettingError(at, "it uses both %s and %s: use only one", named[0].name, named[1].name)
	case within == nil && len(named) == 0 && f.Regex == "":
		return NewSettingError(at, "it does not say where to look: set one of css, jsonld, og, meta, microdata, regex")
	case within == nil && len(named) == 0 && f.Attr != "":
		return NewSettingError(at+".attr", "an attribute belongs to an element: set css as well")
	}
	for _, check := range []error{
		f.checkWithin(at, within, named), f.checkPaths(at), checkPattern(at+".regex", f.Regex), f.checkValue(at),
	} {
		if check != nil {
			return check
		}
	}
	return nil
}

// checkWithin returns an error if a nested field uses another kind of place than its outer
// field.
func (f Field) checkWithin(at string, within *Field, named []source) error {
	if within == nil {
		return nil
	}
	place := "css"
	if own := within.sources(); len(own) > 0 {
		place = own[0].name
	}
	switch {
	case len(named) == 0 && place == "css" && f.Fields == nil:
		return nil // the element itself
	case len(named) == 0:
		return NewSettingError(at, "it does not say where to look: set %s", place)
	case named[0].name != place:
		return NewSettingError(at+"."+named[0].name, "a field nested in one that uses %s can only use %s", place, place)
	}
	return nil
}

// checkPaths returns an error for malformed attributes and paths, and for settings that do
// not go together.
func (f Field) checkPaths(at string) error {
	if f.Attr != "" && !attributeName.MatchString(f.Attr) {
		return NewSettingError(at+".attr", "%q is not the name of an attribute", f.Attr)
	}
	for _, p := range []source{{"jsonld", f.JSONLD}, {"microdata", f.Microdata}} {
		if p.value != "" && slices.Contains(strings.Split(p.value, "."), "") {
			return NewSettingError(at+"."+p.name, "%q is not a path: write Type.property.property", p.value)
		}
	}
	if named := f.sources(); f.Attr != "" && len(named) > 0 && named[0].name != "css" {
		return NewSettingError(at+".attr", "only elements have attributes, and %s does not find elements",
			named[0].name)
	}
	return nil
}

// checkValue validates how the text is converted to a value.
func (f Field) checkValue(at string) error {
	switch {
	case f.Type != "" && !slices.Contains(FieldTypes, f.Type):
		return NewSettingError(at+".type", "%q is not a type: want one of %v", f.Type, FieldTypes)
	case f.Decimal != "" && f.Decimal != "." && f.Decimal != ",":
		return NewSettingError(at+".decimal", `%q is not a decimal separator: want "." or ","`, f.Decimal)
	case f.Decimal != "" && f.Type != TypeNumber:
		return NewSettingError(at+".decimal", "only numbers have a decimal separator: set type to number")
	case f.Order != "" && !slices.Contains([]string{"dmy", "mdy", "ymd"}, f.Order):
		return NewSettingError(at+".order", "%q is not an order: want dmy, mdy or ymd", f.Order)
	case f.Order != "" && f.Type != TypeDate:
		return NewSettingError(at+".order", "only dates have an order: set type to date")
	case f.Type == TypeHTML && (f.CSS == "" || f.Attr != ""):
		return NewSettingError(at+".type", "only elements have markup: set css, and no attr")
	case f.Fields == nil:
		return nil
	case len(f.Fields) == 0:
		return NewSettingError(at+".fields", "the list is empty")
	case f.Type != "" || f.Regex != "" || f.Attr != "":
		return NewSettingError(at, "a field with fields is an object: it cannot have type, regex or attr")
	case f.OG != "" || f.Meta != "":
		return NewSettingError(at+".fields", "og and meta are text, which cannot have fields")
	}
	return nil
}

// ParseField parses the short form of a field: "css" is the text of the selected element,
// "css@attribute" is one of its attributes. An "@" inside brackets or quotes belongs to the
// selector.
func ParseField(short string) Field {
	at := lastAt(short)
	if at < 0 {
		return Field{CSS: short}
	}
	attribute := strings.TrimSpace(short[at+1:])
	if !attributeName.MatchString(attribute) {
		return Field{CSS: short} // not a valid selector; reported later
	}
	return Field{CSS: strings.TrimSpace(short[:at]), Attr: strings.ToLower(attribute)}
}

// lastAt returns the index of the last "@" outside brackets and quotes, or -1.
func lastAt(css string) int {
	at, depth, quote := -1, 0, byte(0)
	for i := 0; i < len(css); i++ {
		switch c := css[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '(':
			depth++
		case c == ']' || c == ')':
			depth--
		case c == '@' && depth == 0:
			at = i
		}
	}
	return at
}

// plainField is a field without its short form.
type plainField Field

// UnmarshalYAML decodes a field, or its short form.
func (f *Field) UnmarshalYAML(unmarshal func(any) error) error {
	var short string
	if unmarshal(&short) == nil {
		*f = ParseField(short)
		return nil
	}
	return unmarshal((*plainField)(f))
}

// UnmarshalJSON decodes a field, or its short form. An unknown key is an error, because
// ignoring it would extract something else.
func (f *Field) UnmarshalJSON(text []byte) error {
	var short string
	if json.Unmarshal(text, &short) == nil {
		*f = ParseField(short)
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode((*plainField)(f))
}

// SettingError is an invalid setting of a job.
type SettingError struct {
	// Path is where the setting is in a job file: "extract[0].fields.price.regex". A key
	// that is not a plain word is in single quotes.
	Path   string
	Reason string // includes the value
}

// Error returns the setting and the reason.
func (e *SettingError) Error() string { return e.Path + ": " + e.Reason }

// NewSettingError returns an error about the setting at a path. The arguments format its
// reason.
func NewSettingError(path, format string, args ...any) *SettingError {
	return &SettingError{path, fmt.Sprintf(format, args...)}
}

// SettingAt returns the path of a key within the setting at another path.
func SettingAt(path, key string) string {
	if strings.ContainsAny(key, ".[]' ") {
		key = "'" + strings.ReplaceAll(key, "'", `\'`) + "'"
	}
	return path + "." + key
}
