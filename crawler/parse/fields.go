package parse

import (
	"fmt"
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
	matcher   goquery.Matcher
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
	f := field{name: name, every: every, attribute: attribute, matcher: selector}
	if !every {
		f.matcher = goquery.SingleMatcher(selector)
	}
	return f, nil
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

// extract reads the fields of a document. They are nil when it is nested too
// deeply for a tree.
func (p *Parser) extract(src source, res resolver) map[string]any {
	values := make(map[string]any, len(p.fields))
	root, err := html.ParseWithOptions(src.reader(), html.ParseOptionEnableScripting(false))
	if err != nil || p.deep < mostDeep && deeperThan(root, p.deep) {
		for _, f := range p.fields {
			values[f.name] = nil
		}
		return values
	}
	doc := goquery.NewDocumentFromNode(root)
	for _, f := range p.fields {
		values[f.name] = f.value(doc, res)
	}
	return values
}

// deeperThan reports whether more than most elements are open at once below n.
func deeperThan(n *html.Node, most int) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode && (most == 0 || deeperThan(c, most-1)) {
			return true
		}
	}
	return false
}

// value is a []string for every match, or the string of the first, or nil.
func (f field) value(doc *goquery.Document, res resolver) any {
	matches := doc.FindMatcher(f.matcher)
	if !f.every {
		if s, ok := f.read(matches, res); ok {
			return s
		}
		return nil
	}
	all := []string{}
	for _, match := range matches.EachIter() {
		if s, ok := f.read(match, res); ok {
			all = append(all, s)
		}
	}
	return all
}

// read returns the text or the attribute of one match. References become
// absolute URLs, without their fragments; those that are no http or https URLs
// stay as they are.
func (f field) read(match *goquery.Selection, res resolver) (string, bool) {
	if match.Length() == 0 {
		return "", false
	}
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
