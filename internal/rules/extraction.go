package rules

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// fieldTypes lists the types of fields.
var fieldTypes = []crawler.FieldType{
	crawler.TypeText, crawler.TypeHTML, crawler.TypeNumber, crawler.TypeDate, crawler.TypeURL,
}

// source is one place where a field may look.
type source struct{ name, value string }

// sources returns the places that a field names.
func sources(f crawler.Field) (named []source) {
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

// The names of fields, and of attributes as [crawler.Field.Set] knows them.
var (
	fieldName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	attributeName = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)
)

// Extractions returns everything that the job extracts: the fields of Select, then Extract.
// The error quotes a selection that cannot be parsed.
func Extractions(s crawler.ExtractSettings) ([]crawler.Extraction, error) {
	selected, err := selection(s.Select)
	if err != nil || len(selected) == 0 {
		return s.Extract, err
	}
	return append([]crawler.Extraction{{Fields: selected}}, s.Extract...), nil
}

// selection parses the fields of Select.
func selection(selects []string) (crawler.Fields, error) {
	fields := make(crawler.Fields, len(selects))
	for _, s := range selects {
		name, short, ok := strings.Cut(s, "=")
		name, every := strings.CutSuffix(strings.TrimSpace(name), "[]")
		var f crawler.Field
		f.Set(short)
		if !ok || !fieldName.MatchString(name) || f.CSS == "" {
			return nil, settingError("select", "%q is not a field: write name=css, name=css@attribute or name[]=css",
				s)
		}
		if _, known := fields[name]; known {
			return nil, settingError("select", "%q: there is already a field %q", s, name)
		}
		f.List = every
		fields[name] = f
	}
	return fields, nil
}

// checkExtract returns the first error in extractions. Whether selectors are valid CSS is
// checked by internal/parse.
func checkExtract(all []crawler.Extraction) error {
	count := 0
	for i, x := range all {
		at := fmt.Sprintf("extract[%d]", i)
		if err := checkPattern(at+".match", x.Match); err != nil {
			return err
		}
		if len(x.Fields) == 0 {
			return settingError(at, "it has no fields")
		}
		if err := checkFields(x.Fields, at+".fields", nil, 1, &count); err != nil {
			return err
		}
	}
	return nil
}

// checkFields validates fields nested in the field within, which is nil at the top.
func checkFields(fs crawler.Fields, at string, within *crawler.Field, depth int, count *int) error {
	if depth > maxNesting {
		return settingError(at, "fields are nested more than %d deep", maxNesting)
	}
	if *count += len(fs); *count > maxFields {
		return settingError(at, "there are more than %d fields", maxFields)
	}
	for _, name := range slices.Sorted(maps.Keys(fs)) {
		f, place := fs[name], SettingAt(at, name)
		bare, every := strings.CutSuffix(name, "[]")
		if !fieldName.MatchString(bare) {
			return settingError(place,
				"%q is not a valid name: use letters, digits, _, - and ., starting with a letter or _", name)
		}
		if _, both := fs[bare]; every && both {
			return settingError(place, "there is already a field %q", bare)
		}
		if err := checkField(f, place, within); err != nil {
			return err
		}
		if f.Fields == nil {
			continue
		}
		if err := checkFields(f.Fields, place+".fields", &f, depth+1, count); err != nil {
			return err
		}
	}
	return nil
}

// checkField validates one field.
func checkField(f crawler.Field, at string, within *crawler.Field) error {
	named := sources(f)
	switch {
	case len(named) > 1:
		return settingError(at, "it uses both %s and %s: use only one", named[0].name, named[1].name)
	case within == nil && len(named) == 0 && f.Regex == "":
		return settingError(at, "it does not say where to look: set one of css, jsonld, og, meta, microdata, regex")
	case within == nil && len(named) == 0 && f.Attr != "":
		return settingError(at+".attr", "an attribute belongs to an element: set css as well")
	}
	for _, check := range []error{
		checkWithin(f, at, within, named), checkPaths(f, at), checkPattern(at+".regex", f.Regex), checkValue(f, at),
	} {
		if check != nil {
			return check
		}
	}
	return nil
}

// checkWithin returns an error if a nested field uses another kind of place than its outer
// field.
func checkWithin(f crawler.Field, at string, within *crawler.Field, named []source) error {
	if within == nil {
		return nil
	}
	place := "css"
	if own := sources(*within); len(own) > 0 {
		place = own[0].name
	}
	switch {
	case len(named) == 0 && place == "css" && f.Fields == nil:
		return nil // the element itself
	case len(named) == 0:
		return settingError(at, "it does not say where to look: set %s", place)
	case named[0].name != place:
		return settingError(at+"."+named[0].name, "a field nested in one that uses %s can only use %s", place, place)
	}
	return nil
}

// checkPaths returns an error for malformed attributes and paths, and for settings that do
// not go together.
func checkPaths(f crawler.Field, at string) error {
	if f.Attr != "" && !attributeName.MatchString(f.Attr) {
		return settingError(at+".attr", "%q is not the name of an attribute", f.Attr)
	}
	for _, p := range []source{{"jsonld", f.JSONLD}, {"microdata", f.Microdata}} {
		if p.value != "" && slices.Contains(strings.Split(p.value, "."), "") {
			return settingError(at+"."+p.name, "%q is not a path: write Type.property.property", p.value)
		}
	}
	if named := sources(f); f.Attr != "" && len(named) > 0 && named[0].name != "css" {
		return settingError(at+".attr", "only elements have attributes, and %s does not find elements",
			named[0].name)
	}
	return nil
}

// checkValue validates how the text is converted to a value.
func checkValue(f crawler.Field, at string) error {
	switch {
	case f.Type != "" && !slices.Contains(fieldTypes, f.Type):
		return settingError(at+".type", "%q is not a type: want one of %v", f.Type, fieldTypes)
	case f.Decimal != "" && f.Decimal != "." && f.Decimal != ",":
		return settingError(at+".decimal", `%q is not a decimal separator: want "." or ","`, f.Decimal)
	case f.Decimal != "" && f.Type != crawler.TypeNumber:
		return settingError(at+".decimal", "only numbers have a decimal separator: set type to number")
	case f.Order != "" && !slices.Contains([]string{"dmy", "mdy", "ymd"}, f.Order):
		return settingError(at+".order", "%q is not an order: want dmy, mdy or ymd", f.Order)
	case f.Order != "" && f.Type != crawler.TypeDate:
		return settingError(at+".order", "only dates have an order: set type to date")
	case f.Type == crawler.TypeHTML && (f.CSS == "" || f.Attr != ""):
		return settingError(at+".type", "only elements have markup: set css, and no attr")
	case f.Fields == nil:
		return nil
	case len(f.Fields) == 0:
		return settingError(at+".fields", "the list is empty")
	case f.Type != "" || f.Regex != "" || f.Attr != "":
		return settingError(at, "a field with fields is an object: it cannot have type, regex or attr")
	case f.OG != "" || f.Meta != "":
		return settingError(at+".fields", "og and meta are text, which cannot have fields")
	}
	return nil
}
