package parse

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/andybalholm/cascadia"

	"github.com/trawlcrawler/trawl/crawler"
)

// extraction is what the job extracts from the pages of one kind.
type extraction struct {
	match  *regexp.Regexp // of their URLs; nil for every page
	fields []field        // by name
}

// field is a field of the job, compiled.
type field struct {
	crawler.Field
	name   string // in its object, without "[]"
	path   string // from the top: "reviews.author"
	place  place
	regex  *regexp.Regexp // nil for none
	fields []field        // of the object that it makes of each match; nil for none
}

// Check returns what of a job's extraction and follow rules can not be used. It
// looks at what [crawler.Job.Validate] leaves to it, the CSS selectors. The error is
// a [crawler.SettingError].
func Check(j crawler.Job) error {
	_, err := New(Config{Select: j.Select, Extract: j.Extract, FollowRules: j.FollowRules})
	return err
}

// compileExtractions compiles what a job selects and extracts.
func compileExtractions(selects []string, extract []crawler.Extraction) ([]extraction, error) {
	all, err := crawler.Job{Select: selects, Extract: extract}.Extractions()
	if err != nil {
		return nil, err
	}
	selected := len(all) - len(extract)
	compiled := make([]extraction, len(all))
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

// inShort words an error of a field of Select by how that was written.
func inShort(selects []string, fields crawler.Fields, err error) error {
	var wrong *crawler.SettingError
	if !errors.As(err, &wrong) {
		return err
	}
	for _, s := range selects {
		name, _, _ := strings.Cut(s, "=")
		name = strings.TrimSuffix(strings.TrimSpace(name), "[]")
		if _, known := fields[name]; known && strings.HasSuffix(wrong.Path, crawler.SettingAt(".fields", name)+".css") {
			return &crawler.SettingError{Path: "select", Reason: fmt.Sprintf("%q: %s", s, wrong.Reason)}
		}
	}
	return err
}

// compileFields compiles fields whose paths begin with within, which is "" at the
// top.
func compileFields(at, within string, fields crawler.Fields) ([]field, error) {
	all := make([]field, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f, err := compileField(crawler.SettingAt(at, name), within, name, fields[name])
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

// compilePlace finds out where a field looks, which may be one of a field.
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

func compileSelector(at, css string) (cascadia.Selector, error) {
	selector, err := cascadia.Compile(css)
	if err != nil {
		return nil, &crawler.SettingError{Path: at, Reason: fmt.Sprintf("%q is not a CSS selector: %v", css, err)}
	}
	return selector, nil
}

// compilePattern compiles a regular expression that may be left out: nil.
func compilePattern(at, pattern string) (*regexp.Regexp, error) {
	if pattern == "" {
		return nil, nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, &crawler.SettingError{Path: at, Reason: fmt.Sprintf("%q is not a regular expression: %v", pattern, err)}
	}
	return re, nil
}
