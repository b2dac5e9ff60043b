package crawler

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Extraction is what a job reads from the pages of one kind, beside their title
// and links. Of several that fit a page all apply; where two have a field of the
// same name, the first that finds something gives its value.
type Extraction struct {
	// Match is a regular expression (RE2) that the URL of a page must match
	// anywhere, after redirects. Default "": every page.
	Match string `json:"match,omitempty" yaml:"match"`
	// Fields are the fields by their names: letters, digits, "_", "-" and ".",
	// beginning with a letter or "_". A name that ends in "[]" is that of a list.
	Fields Fields `json:"fields" yaml:"fields"`
}

// Fields are fields by name.
type Fields map[string]Field

// FieldType says what a field holds, and so what of its text is a value.
type FieldType string

// The types.
const (
	TypeText   FieldType = "text"   // white space collapsed
	TypeHTML   FieldType = "html"   // the markup within the element
	TypeNumber FieldType = "number" // the one number in the text
	TypeDate   FieldType = "date"   // a day, or a moment, in any of many languages; ISO 8601
	TypeURL    FieldType = "url"    // resolved against the page's base
)

// FieldTypes lists the types.
var FieldTypes = []FieldType{TypeText, TypeHTML, TypeNumber, TypeDate, TypeURL}

// Field says where a field's value is found, and what becomes of it. It looks at
// one of CSS, JSONLD, OG, Meta and Microdata; where it names none, Regex looks at
// the markup of the page as it is written. In files and in JSON a field may also be
// a string, which [ParseField] reads.
type Field struct {
	// CSS selects elements; within a field with Fields, elements in its own. "" with
	// Attr is there that element itself.
	CSS string `json:"css,omitempty" yaml:"css"`
	// Attr is the attribute that is read. Default "": the text.
	Attr string `json:"attr,omitempty" yaml:"attr"`
	// JSONLD is a path into the page's JSON-LD, "Product.offers.price": a type of
	// schema.org (or any), then properties. A first part that begins with a small
	// letter is a property of what stands at the top. Within a field that has Fields
	// and JSONLD, it is a path from its own value.
	JSONLD string `json:"jsonld,omitempty" yaml:"jsonld"`
	// OG is a property of the Open Graph protocol without its "og:".
	OG string `json:"og,omitempty" yaml:"og"`
	// Meta is the name, or property, of a <meta>.
	Meta string `json:"meta,omitempty" yaml:"meta"`
	// Microdata is a path into the page's microdata, as JSONLD has them.
	Microdata string `json:"microdata,omitempty" yaml:"microdata"`
	// Regex is a regular expression (RE2) of which the first group, or the whole if
	// there is none, is taken of the text. Default "": all of the text.
	Regex string `json:"regex,omitempty" yaml:"regex"`
	// Type is what the field holds. Default "": text, of the attributes href and src
	// an absolute URL, and of JSON-LD what stands there.
	Type FieldType `json:"type,omitempty" yaml:"type"`
	// Decimal is the decimal separator of a number, "." or ",". Default "": told
	// from the text (see docs/extract.md).
	Decimal string `json:"decimal,omitempty" yaml:"decimal"`
	// Order is that of day, month and year in dates written in digits: dmy, mdy or
	// ymd. Default "": a date that has two meanings is refused.
	Order string `json:"order,omitempty" yaml:"order"`
	// List takes every value instead of the first.
	List bool `json:"list,omitempty" yaml:"list"`
	// Required marks pages that lack the field.
	Required bool `json:"required,omitempty" yaml:"required"`
	// Fields make an object of each match, read from within it. Default none.
	Fields Fields `json:"fields,omitempty" yaml:"fields"`
}

// source is one place where a field may look.
type source struct{ name, value string }

// sources are those that the field names.
func (f Field) sources() (named []source) {
	for _, s := range []source{{"css", f.CSS}, {"jsonld", f.JSONLD}, {"og", f.OG}, {"meta", f.Meta}, {"microdata", f.Microdata}} {
		if s.value != "" {
			named = append(named, s)
		}
	}
	return named
}

// Bounds of what a job may ask of each page.
const (
	mostFields  = 1000 // in all
	mostNesting = 8    // of fields in fields
)

var (
	fieldName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	attributeName = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)
)

// Extractions returns all that the job extracts: Select, written out, and then
// Extract. The error quotes the selection that can not be read.
func (j Job) Extractions() ([]Extraction, error) {
	selected, err := selection(j.Select)
	if err != nil || len(selected) == 0 {
		return j.Extract, err
	}
	return append([]Extraction{{Fields: selected}}, j.Extract...), nil
}

// selection reads the fields of Select.
func selection(selects []string) (Fields, error) {
	fields := make(Fields, len(selects))
	for _, s := range selects {
		name, short, ok := strings.Cut(s, "=")
		name, every := strings.CutSuffix(strings.TrimSpace(name), "[]")
		if !ok || !fieldName.MatchString(name) || ParseField(short).CSS == "" {
			return nil, settingError("select", "%q is no field: write name=css, name=css@attribute or name[]=css", s)
		}
		if _, known := fields[name]; known {
			return nil, settingError("select", "%q: there is a field of the name %q already", s, name)
		}
		f := ParseField(short)
		f.List = every
		fields[name] = f
	}
	return fields, nil
}

// checkExtract returns what of Extract can not be used. Whether selectors are
// those of CSS is for crawler/parse to say.
func (j Job) checkExtract() error {
	count := 0
	for i, x := range j.Extract {
		at := fmt.Sprintf("extract[%d]", i)
		if err := checkPattern(at+".match", x.Match); err != nil {
			return err
		}
		if len(x.Fields) == 0 {
			return settingError(at, "it has no fields")
		}
		if err := x.Fields.check(at+".fields", nil, 1, &count); err != nil {
			return err
		}
	}
	return nil
}

// check looks at fields of the field within, nil at the top.
func (fs Fields) check(at string, within *Field, depth int, count *int) error {
	if depth > mostNesting {
		return settingError(at, "fields are nested more than %d deep", mostNesting)
	}
	if *count += len(fs); *count > mostFields {
		return settingError(at, "there are more than %d fields", mostFields)
	}
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		f, place := fs[name], SettingAt(at, name)
		bare, every := strings.CutSuffix(name, "[]")
		if !fieldName.MatchString(bare) {
			return settingError(place, "%q is no name: write letters, digits, _, - and ., beginning with a letter or _", name)
		}
		if _, both := fs[bare]; every && both {
			return settingError(place, "there is a field of the name %q already", bare)
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

// check looks at one field.
func (f Field) check(at string, within *Field) error {
	named := f.sources()
	switch {
	case len(named) > 1:
		return settingError(at, "it looks at %s and at %s: one is enough", named[0].name, named[1].name)
	case within == nil && len(named) == 0 && f.Regex == "":
		return settingError(at, "it says not where to look: name one of css, jsonld, og, meta, microdata, regex")
	case within == nil && len(named) == 0 && f.Attr != "":
		return settingError(at+".attr", "it is the attribute of an element: name css as well")
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

// checkWithin refuses a field of a field that looks at other things than that.
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
		return settingError(at, "it says not where to look: name %s", place)
	case named[0].name != place:
		return settingError(at+"."+named[0].name, "within a field that looks at %s, only %s can be looked at", place, place)
	}
	return nil
}

// checkPaths refuses attributes and paths that are none, and what does not go
// together.
func (f Field) checkPaths(at string) error {
	if f.Attr != "" && !attributeName.MatchString(f.Attr) {
		return settingError(at+".attr", "%q is not the name of an attribute", f.Attr)
	}
	for _, p := range []source{{"jsonld", f.JSONLD}, {"microdata", f.Microdata}} {
		if p.value != "" && slices.Contains(strings.Split(p.value, "."), "") {
			return settingError(at+"."+p.name, "%q is no path: write Type.property.property", p.value)
		}
	}
	if named := f.sources(); f.Attr != "" && len(named) > 0 && named[0].name != "css" {
		return settingError(at+".attr", "only elements have attributes, and %s finds none", named[0].name)
	}
	return nil
}

// checkValue refuses what can not become of a text.
func (f Field) checkValue(at string) error {
	switch {
	case f.Type != "" && !slices.Contains(FieldTypes, f.Type):
		return settingError(at+".type", "%q is no type: want one of %v", f.Type, FieldTypes)
	case f.Decimal != "" && f.Decimal != "." && f.Decimal != ",":
		return settingError(at+".decimal", `%q is no decimal separator: want "." or ","`, f.Decimal)
	case f.Decimal != "" && f.Type != TypeNumber:
		return settingError(at+".decimal", "only numbers have one: give it the type number")
	case f.Order != "" && !slices.Contains([]string{"dmy", "mdy", "ymd"}, f.Order):
		return settingError(at+".order", "%q is no order: want dmy, mdy or ymd", f.Order)
	case f.Order != "" && f.Type != TypeDate:
		return settingError(at+".order", "only dates have one: give it the type date")
	case f.Type == TypeHTML && (f.CSS == "" || f.Attr != ""):
		return settingError(at+".type", "only elements have markup: name css, and no attr")
	case f.Fields == nil:
		return nil
	case len(f.Fields) == 0:
		return settingError(at+".fields", "there are none")
	case f.Type != "" || f.Regex != "" || f.Attr != "":
		return settingError(at, "a field with fields is an object: it has neither type, regex nor attr")
	case f.OG != "" || f.Meta != "":
		return settingError(at+".fields", "og and meta are text, which has no fields")
	}
	return nil
}
