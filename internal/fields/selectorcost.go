package fields

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
)

// work is how much selectors and fields may still cost for a page, in steps. One step is
// roughly what it takes to inspect an element once. Counting steps instead of time means
// that a page is cut at the same place however busy the machine is. It is used by one
// goroutine.
type work struct {
	ctx  context.Context
	left int64
}

// maxWork is how many steps a page may take: a few seconds, while real pages take
// milliseconds.
const maxWork = 300_000_000

// spend takes steps. It returns false if none are left or ctx has ended.
func (w *work) spend(steps int64) bool {
	w.left -= steps
	return w.left >= 0 && w.ctx.Err() == nil
}

// spent reports whether no steps are left.
func (w *work) spent() bool { return w.left < 0 }

// overworked is the reason for cutting a page.
const overworked = "they take more work than a page may: the others were left out"

// cost is what pseudo-classes cost at an element.
type cost []pseudoCost

// pseudoCost is the cost of one pseudo-class: a number of elements, times the cost of
// what is in its parentheses.
type pseudoCost struct {
	of     costKind
	nested []costAlternative // alternatives in its parentheses
}

type costKind int

const (
	ofOne      costKind = iota // the element itself
	ofSiblings                 // its siblings
	ofChildren                 // its children
	ofSubtree                  // all of its descendants, with their text
)

// costAlternative is an alternative of a selector in parentheses.
type costAlternative struct {
	ancestors, before int // number of combinators that inspect all ancestors, and all preceding siblings
	cost              cost
}

// costOf returns the cost of a simple selector if it is more than inspecting the element.
func costOf(simple string) (c cost, costly bool) {
	name, argument, _ := strings.Cut(strings.ToLower(strings.TrimLeft(simple, ":")), "(")
	if !strings.HasPrefix(simple, ":") {
		return nil, false
	}
	of := ofOne
	switch name {
	case "not":
	case "has", "contains", "containsown", "matches", "matchesown":
		of = ofSubtree
	case "haschild", "empty":
		of = ofChildren
	case "nth-child", "nth-last-child", "nth-of-type", "nth-last-of-type", "first-child", "last-child", "first-of-type",
		"last-of-type", "only-child", "only-of-type":
		of = ofSiblings
	default:
		return nil, false
	}
	p := pseudoCost{of: of}
	if name == "not" || name == "has" || name == "haschild" {
		for _, alternative := range alternativesOf(strings.TrimSuffix(argument, ")")) {
			var a costAlternative
			for _, w := range alternative {
				switch w.combinator {
				case ' ':
					a.ancestors++
				case '~':
					a.before++
				}
				for _, inner := range simplesOf(w.text) {
					more, _ := costOf(inner)
					a.cost = append(a.cost, more...)
				}
			}
			p.nested = append(p.nested, a)
		}
	}
	return cost{p}, true
}

// maxSteps is more than any page can take.
const maxSteps = 1 << 50

// at returns the number of steps at an element of a page.
func (c cost) at(p *pageWork, n *html.Node) (steps int64) {
	for _, one := range c {
		elements := int64(1)
		switch one.of {
		case ofSiblings:
			elements = p.children(n.Parent)
		case ofChildren:
			elements = p.children(n)
		case ofSubtree:
			elements = p.size(n)
		}
		within := int64(1)
		for _, a := range one.nested {
			within = min(within+a.at(p, n), maxSteps)
		}
		steps = min(steps+times(elements, within), maxSteps)
	}
	return steps
}

// at returns the number of steps at one of the elements that a selector in parentheses is
// applied to. These may be anywhere within n, so the bounds are those of the whole page.
func (a costAlternative) at(p *pageWork, n *html.Node) int64 {
	steps := 1 + a.cost.at(p, n)
	for range a.ancestors {
		steps = times(steps, p.deepest())
	}
	for range a.before {
		steps = times(steps, p.widest())
	}
	return steps
}

func times(a, b int64) int64 {
	if a = max(a, 1); b > maxSteps/a {
		return maxSteps
	}
	return a * max(b, 1)
}

// pageWork is the work left for a page, and the measures of the page that selectors need.
type pageWork struct {
	work
	root   *html.Node
	sizes  map[*html.Node]int64 // nil until needed
	counts map[*html.Node]int64
	deep   int64
	wide   int64
}

func newPageWork(ctx context.Context, root *html.Node) *pageWork {
	return &pageWork{work: work{ctx, maxWork}, root: root}
}

// textStep is how many bytes of text take one step.
const textStep = 16

// measure determines the size of the page.
func (p *pageWork) measure() {
	if p.sizes != nil {
		return
	}
	p.sizes, p.counts = make(map[*html.Node]int64), make(map[*html.Node]int64)
	var of func(n *html.Node, depth int64) int64
	of = func(n *html.Node, depth int64) int64 {
		size, children := int64(1), int64(0)
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			children++
			if c.Type == html.ElementNode {
				size += of(c, depth+1)
			} else {
				size += 1 + int64(len(c.Data)/textStep)
			}
		}
		p.sizes[n], p.counts[n] = size, children
		p.deep, p.wide = max(p.deep, depth), max(p.wide, children)
		return size
	}
	p.spend(of(p.root, 1))
}

func (p *pageWork) size(n *html.Node) int64 {
	p.measure()
	return p.sizes[n]
}

func (p *pageWork) children(n *html.Node) int64 {
	p.measure()
	return p.counts[n]
}

func (p *pageWork) deepest() int64 {
	p.measure()
	return p.deep
}

func (p *pageWork) widest() int64 {
	p.measure()
	return p.wide
}

// compileSelector compiles a selector of a job. at is its path in the settings.
func compileSelector(at, css string) (*selector, error) {
	s, err := newSelector(css)
	if err != nil {
		return nil, &crawler.SettingError{Path: at, Reason: fmt.Sprintf("%q is not a CSS selector: %v", css, err)}
	}
	return s, nil
}
