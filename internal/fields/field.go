package fields

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Kind is what the job extracts from pages of one kind.
type Kind struct {
	match  *regexp.Regexp // pattern of their URLs; nil for all pages
	fields []field        // sorted by name
}

// field is a compiled field of the job.
type field struct {
	crawler.Field
	name   string // its name in its object, without "[]"
	path   string // its full path, such as "reviews.author"
	place  place
	regex  *regexp.Regexp // nil for none
	fields []field        // of the object made of each match; nil if it is not an object
}

// Matches reports whether a page with that URL is of the kind.
func (x *Kind) Matches(url string) bool { return x.match == nil || x.match.MatchString(url) }

// CompileKinds compiles what a job selects and extracts.
func CompileKinds(selects []string, extract []crawler.Extraction) ([]Kind, error) {
	all, err := rules.Extractions(crawler.ExtractSettings{Select: selects, Extract: extract})
	if err != nil {
		return nil, err
	}
	selected := len(all) - len(extract)
	compiled := make([]Kind, len(all))
	for i, x := range all {
		at := fmt.Sprintf("extract[%d]", i-selected)
		if compiled[i].match, err = compilePattern(at+".match", x.Match); err != nil {
			return nil, err
		}
		compiled[i].fields, err = compileFields(at+".fields", "", x.Fields)
		if err != nil && i < selected {
			return nil, inShort(selects, x.Fields, err)
		} else if err != nil {
			return nil, err
		}
	}
	return compiled, nil
}

// inShort rewrites an error in a field from Select to quote the short form that the user
// wrote.
func inShort(selects []string, fields crawler.Fields, err error) error {
	var wrong *crawler.SettingError
	if !errors.As(err, &wrong) {
		return err
	}
	for _, s := range selects {
		name, _, _ := strings.Cut(s, "=")
		name = strings.TrimSuffix(strings.TrimSpace(name), "[]")
		if _, known := fields[name]; known && strings.HasSuffix(wrong.Path, rules.SettingAt(".fields", name)+".css") {
			return &crawler.SettingError{Path: "select", Reason: fmt.Sprintf("%q: %s", s, wrong.Reason)}
		}
	}
	return err
}

// compileFields compiles fields whose paths begin with within, which is "" at the top.
func compileFields(at, within string, fields crawler.Fields) ([]field, error) {
	all := make([]field, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f, err := compileField(rules.SettingAt(at, name), within, name, fields[name])
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func compileField(at, within, name string, spec crawler.Field) (f field, err error) {
	bare, every := strings.CutSuffix(name, "[]")
	f = field{Field: spec, name: bare, path: within + bare}
	f.List = f.List || every
	f.Attr = strings.ToLower(f.Attr)
	if f.place, err = compilePlace(at, within != "", f.Field); err != nil {
		return f, err
	}
	if f.regex, err = compilePattern(at+".regex", f.Regex); err != nil {
		return f, err
	}
	if spec.Fields != nil {
		f.fields, err = compileFields(at+".fields", f.path+".", spec.Fields)
	}
	return f, err
}

// compilePlace determines where to look for a field, which may be nested in another.
func compilePlace(at string, nested bool, f crawler.Field) (place, error) {
	switch {
	case f.JSONLD != "":
		return inData{jsonLD, f.JSONLD, strings.Split(f.JSONLD, ".")}, nil
	case f.Microdata != "":
		return inData{microdata, f.Microdata, strings.Split(f.Microdata, ".")}, nil
	case f.OG != "":
		return inMeta("og:" + f.OG), nil
	case f.Meta != "":
		return inMeta(f.Meta), nil
	case f.CSS == "" && nested:
		return itself{}, nil
	case f.CSS == "":
		return written{}, nil
	}
	selector, err := compileSelector(at+".css", f.CSS)
	return inElements{f.CSS, selector}, err
}

// compilePattern compiles an optional regular expression. It returns nil for an empty
// one.
func compilePattern(at, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, &crawler.SettingError{Path: at,
			Reason: fmt.Sprintf("%q is not a regular expression: %v", pattern, err)}
	}
	return re, nil
}
