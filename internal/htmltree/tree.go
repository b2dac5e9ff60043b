package htmltree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trawlcrawler/trawl/internal/charset"
	"golang.org/x/net/html"
)

// Tree is a page as a tree of elements. A page has at most one tree, which is built on
// first use and shared. It is used by one goroutine.
type Tree struct {
	src      charset.Source
	regrowth *Formatting // as estimated by the scan
	weight   int64       // likewise
	deep     int

	room  *Room  // nil once the parser is done with the page
	leave func() // releases the room; nil if none was taken

	built   bool
	root    *html.Node
	trouble string // why there is no tree
	passing bool   // another time there may be one
}

// New returns a tree of a source, to be built on first use. regrowth and weight are
// what the source was estimated at. A page in which elements are nested more than deep
// deep has no tree; deep is at most MaxDeep. The tree takes its memory from
// room; nil stands for unlimited memory.
func New(src charset.Source, regrowth *Formatting, weight int64, deep int, room *Room) *Tree {
	return &Tree{src: src, regrowth: regrowth, weight: weight, deep: deep, room: room}
}

// Source returns what the tree is built of.
func (t *Tree) Source() charset.Source { return t.src }

// Document returns the node of the whole document, or a message why it can have no tree.
// The content of a <template> is not part of it (HTML, 4.12.3).
func (t *Tree) Document(ctx context.Context) (root *html.Node, trouble string) {
	if !t.built {
		t.built = true
		t.root, t.trouble = t.build(ctx)
	}
	return t.root, t.trouble
}

// Passing reports whether the trouble may be gone when the page is fetched again, because it came
// from a busy machine and not from the page.
func (t *Tree) Passing() bool { return t.passing }

// LeaveRoom releases the room that the tree has taken, if any. Handlers may keep the tree
// longer, or build it later; the small number of places for handlers bounds their memory.
func (t *Tree) LeaveRoom() {
	if t.leave != nil {
		t.leave()
	}
	t.leave, t.room = nil, nil
}

// MaxDeep is the depth at which golang.org/x/net/html fails.
const MaxDeep = 512

// maxTreeTime is how much processor time a tree may take: some pages are made to take
// hours.
const maxTreeTime = 10 * time.Second

func (t *Tree) build(ctx context.Context) (root *html.Node, trouble string) {
	if t.regrowth.tooMany() {
		return nil, fmt.Sprintf("too many elements are not closed: a tree would have over %d more than the page",
			maxReopened)
	}
	weight := t.weight + int64(t.regrowth.Reopened)*nodeWeight
	if weight > MaxWeight {
		return nil, fmt.Sprintf("a tree of it would take more than %d MB", MaxWeight>>20)
	}
	if t.room != nil {
		var ok bool
		if t.leave, ok = t.room.enter(ctx, weight); !ok {
			t.passing = true
			return nil, fmt.Sprintf("no room for its tree within %s, beside those of other pages", roomTime)
		}
	}
	watch := StartWatch(maxTreeTime)
	defer watch.Stop()
	root, err := html.ParseWithOptions(patient{ctx, watch, t.src.Reader()}, html.ParseOptionEnableScripting(false))
	switch {
	case ctx.Err() != nil:
		t.passing = true
		return nil, "a tree takes more than the time that is left"
	case watch.late:
		return nil, fmt.Sprintf("a tree takes more than %s of a processor", maxTreeTime)
	case err != nil || t.deep < MaxDeep && deeperThan(root, t.deep):
		return nil, fmt.Sprintf("elements are nested more than %d deep", t.deep)
	}
	emptyTemplates(root)
	return root, ""
}

// emptyTemplates removes the content of templates, which is not part of the document:
// golang.org/x/net/html keeps it among their children.
func emptyTemplates(root *html.Node) {
	for n := range root.Descendants() {
		for n.Type == html.ElementNode && n.Data == "template" && n.Namespace == "" && n.FirstChild != nil {
			n.RemoveChild(n.FirstChild)
		}
	}
}

// patient reads small pieces until its context or its time ends. There is no other way to
// stop the parser that reads from it.
type patient struct {
	ctx   context.Context
	watch *Stopwatch
	r     io.Reader
}

// errLate ends the building of a tree that takes more processor time than a page may.
var errLate = errors.New("its time is over")

func (p patient) Read(b []byte) (int, error) {
	const little = 512
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	if p.watch.Over() {
		return 0, errLate
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
