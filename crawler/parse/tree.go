package parse

import (
	"context"
	"fmt"
	"io"
	"time"

	"golang.org/x/net/html"
)

// tree is a page as a tree of elements, for whoever selects from it. A page has
// one at most, for all of them: it is built when it is first asked for. It is
// used by one goroutine.
type tree struct {
	src      source
	regrowth *formatting // as the scan has estimated it
	weight   int64       // the same
	deep     int

	room  *Room  // nil when it is not shared: the parser is done with the page
	leave func() // gives the room back; nil when none was taken

	built   bool
	root    *html.Node
	trouble string // why there is none
}

// newTree promises a tree of the source that was scanned.
func (p *Parser) newTree(s *scan, src source) *tree {
	return &tree{src: src, regrowth: s.regrowth, weight: s.weight, deep: p.deep, room: p.room}
}

// document returns the node of the whole document, or says, for a person, why it
// can have no tree. What is in a <template> is not part of it (HTML, 4.12.3).
func (t *tree) document(ctx context.Context) (root *html.Node, trouble string) {
	if !t.built {
		t.built = true
		t.root, t.trouble = t.build(ctx)
	}
	return t.root, t.trouble
}

// leaveRoom gives back the room that the tree has taken, if any. Handlers may hold
// the tree longer, or build it then: in few places, which bound it otherwise.
func (t *tree) leaveRoom() {
	if t.leave != nil {
		t.leave()
	}
	t.leave, t.room = nil, nil
}

// mostDeep is where golang.org/x/net/html gives a tree up.
const mostDeep = 512

// mostTreeTime is how long a tree may take: some pages are made to take hours.
const mostTreeTime = 30 * time.Second

func (t *tree) build(ctx context.Context) (root *html.Node, trouble string) {
	if t.regrowth.tooMany() {
		return nil, fmt.Sprintf("too many elements are not closed: a tree would have over %d more than the page", mostReopened)
	}
	weight := t.weight + int64(t.regrowth.reopened)*nodeWeight
	if weight > mostWeight {
		return nil, fmt.Sprintf("a tree of it would take more than %d MB", mostWeight>>20)
	}
	if t.room != nil {
		var ok bool
		if t.leave, ok = t.room.enter(ctx, weight); !ok {
			return nil, fmt.Sprintf("no room for its tree within %s, beside those of other pages", roomTime)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, mostTreeTime)
	defer cancel()
	root, err := html.ParseWithOptions(patient{ctx, t.src.reader()}, html.ParseOptionEnableScripting(false))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Sprintf("a tree takes more than %s", mostTreeTime)
	case err != nil || t.deep < mostDeep && deeperThan(root, t.deep):
		return nil, fmt.Sprintf("elements are nested more than %d deep", t.deep)
	}
	emptyTemplates(root)
	return root, ""
}

// emptyTemplates takes out of templates what is none of the document's:
// golang.org/x/net/html keeps it among their children.
func emptyTemplates(root *html.Node) {
	for n := range root.Descendants() {
		for n.Type == html.ElementNode && n.Data == "template" && n.Namespace == "" && n.FirstChild != nil {
			n.RemoveChild(n.FirstChild)
		}
	}
}

// patient reads a little at a time, for as long as its context lasts: who builds a
// tree of what is read can not be told to stop otherwise.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	const little = 512
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b[:min(len(b), little)])
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
