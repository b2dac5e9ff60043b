package parse

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
	"golang.org/x/net/html"
)

// field is a selector of a job and what becomes of its matches.
type field struct {
	name      string
	every     bool   // every match, instead of the first
	attribute string // its value; "" for the text
	selector  cascadia.Selector
}

var (
	fieldName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
	attributeName = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)
)

// parseFields compiles the selectors of a job.
func parseFields(selects []string) ([]field, error) {
	fields := make([]field, 0, len(selects))
	names := make(map[string]bool, len(selects))
	for _, s := range selects {
		f, err := parseField(s)
		if err != nil {
			return nil, err
		}
		if names[f.name] {
			return nil, fmt.Errorf("select: %q: there is a field of the name %q already", s, f.name)
		}
		names[f.name] = true
		fields = append(fields, f)
	}
	return fields, nil
}

// parseField reads "name=css", "name=css@attribute" or "name[]=css". The first
// equals sign ends the name.
func parseField(s string) (field, error) {
	name, css, ok := strings.Cut(s, "=")
	name, every := strings.CutSuffix(strings.TrimSpace(name), "[]")
	if !ok || !fieldName.MatchString(name) {
		return field{}, fmt.Errorf("select: %q is no field: write name=css, name=css@attribute or name[]=css", s)
	}
	css, attribute := cutAttribute(css)
	selector, err := cascadia.Compile(css)
	if err != nil {
		return field{}, fmt.Errorf("select: %q: %q is not a CSS selector: %w", s, css, err)
	}
	return field{name: name, every: every, attribute: attribute, selector: selector}, nil
}

// cutAttribute parts a selector from the attribute behind its last "@". An "@"
// inside of brackets or quotes belongs to the selector.
func cutAttribute(css string) (selector, attribute string) {
	at := lastAt(css)
	if at < 0 || !attributeName.MatchString(strings.TrimSpace(css[at+1:])) {
		return css, ""
	}
	return css[:at], strings.ToLower(strings.TrimSpace(css[at+1:]))
}

// lastAt finds the last "@" outside of brackets and quotes, or -1.
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

// extract reads the fields of a document. They are nil, and trouble says why, when
// it can not have a tree.
func (p *Parser) extract(ctx context.Context, t *tree, res resolver) (values map[string]any, trouble string) {
	values = make(map[string]any, len(p.fields))
	for _, f := range p.fields {
		values[f.name] = nil
	}
	root, trouble := t.document(ctx)
	if trouble != "" {
		return values, "its fields were not read: " + trouble
	}
	room := mostFields
	for _, f := range p.fields {
		values[f.name] = f.value(ctx, root, res, &room)
	}
	if room < 0 {
		trouble = fmt.Sprintf("its fields have more than %d bytes: the others were left out", mostFields)
	}
	return values, trouble
}

// mostFields is how many bytes the fields of a page may have together. Elements
// within one another repeat their text: a page may have hundreds of times its
// length of it.
const mostFields = 8 << 20

// value is a []string for every match, or the string of the first, or nil. It
// takes from room what its strings have, and leaves out what no room is for.
func (f field) value(ctx context.Context, root *html.Node, res resolver, room *int) any {
	all := []string{}
	for n := range f.matches(ctx, root) {
		s, ok := f.read(goquery.NewDocumentFromNode(n).Selection, res)
		if *room -= len(s); *room < 0 {
			break
		}
		if ok {
			all = append(all, s)
		}
		if !f.every {
			break
		}
	}
	switch {
	case f.every:
		return all
	case len(all) > 0:
		return all[0]
	}
	return nil
}

// matches yields the elements beneath root that the selector fits, in their
// order, for as long as ctx lasts.
func (f field) matches(ctx context.Context, root *html.Node) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for n := range root.Descendants() {
			if ctx.Err() != nil || f.selector.Match(n) && !yield(n) {
				return
			}
		}
	}
}

// read returns the text or the attribute of one match. References become
// absolute URLs, without their fragments; those that are no http or https URLs
// stay as they are.
func (f field) read(match *goquery.Selection, res resolver) (string, bool) {
	if f.attribute == "" {
		return collapse(match.Text(), 0), true
	}
	value, ok := match.Attr(f.attribute)
	if f.attribute == "href" || f.attribute == "src" {
		if u, isURL := res.url(value); ok && isURL {
			return u.String(), true
		}
	}
	return clean(value), ok
}
