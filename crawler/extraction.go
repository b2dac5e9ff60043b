package crawler

import (
	"bytes"
	"encoding/json"
	"regexp"
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

// Field says where to find a field's value, and how to convert it. It uses one of CSS,
// JSONLD, OG, Meta and Microdata. If it uses none of these, Regex applies to the markup of
// the page. In files and in JSON, a field may also be a string, which [Field.Set] parses.
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

// attributeName is the form of an attribute's name.
var attributeName = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)

// Set makes f the field that a short form describes: "css" is the text of the selected
// element, "css@attribute" is one of its attributes. An "@" inside brackets or quotes belongs
// to the selector.
func (f *Field) Set(short string) {
	*f = Field{CSS: short}
	at := lastAt(short)
	if at < 0 {
		return
	}
	// Anything else is not a valid selector, which is reported later.
	if attribute := strings.TrimSpace(short[at+1:]); attributeName.MatchString(attribute) {
		*f = Field{CSS: strings.TrimSpace(short[:at]), Attr: strings.ToLower(attribute)}
	}
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
		f.Set(short)
		return nil
	}
	return unmarshal((*plainField)(f))
}

// UnmarshalJSON decodes a field, or its short form. An unknown key is an error, because
// ignoring it would extract something else.
func (f *Field) UnmarshalJSON(text []byte) error {
	var short string
	if json.Unmarshal(text, &short) == nil {
		f.Set(short)
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
