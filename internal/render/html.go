package render

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/trawlcrawler/trawl/crawler"
)

// snapshot is the result of DOMSnapshot.captureSnapshot: documents as columns, which refer to a
// table of texts.
type snapshot struct {
	Documents []document `json:"documents"`
	Strings   []string   `json:"strings"`
}

type document struct {
	URL   int `json:"documentURL"`
	Title int `json:"title"`
	Base  int `json:"baseURL"`
	Nodes struct {
		Parent     []int   `json:"parentIndex"`
		Type       []int   `json:"nodeType"`
		Name       []int   `json:"nodeName"`
		Value      []int   `json:"nodeValue"`
		ID         []int64 `json:"backendNodeId"`
		Attributes [][]int `json:"attributes"`
		Shadow     sparse  `json:"shadowRootType"`
		Content    sparse  `json:"contentDocumentIndex"`
		Pseudo     sparse  `json:"pseudoType"`
	} `json:"nodes"`
}

// sparse is a column in which most nodes have nothing.
type sparse struct {
	Index []int `json:"index"`
	Value []int `json:"value"`
}

// of returns the column as a map by node.
func (s sparse) of() map[int]int {
	m := make(map[int]int, len(s.Index))
	for i, node := range s.Index {
		if i < len(s.Value) {
			m[node] = s.Value[i]
		}
	}
	return m
}

// text returns a text of the table; indexes of nothing are negative.
func (s *snapshot) text(i int) string {
	if i < 0 || i >= len(s.Strings) {
		return ""
	}
	return s.Strings[i]
}

// The types of nodes (DOM Standard, 4.4).
const (
	elementNode = 1
	textNode    = 3
	cdataNode   = 4
	commentNode = 8
	doctypeNode = 10
)

// maxDepth is the greatest depth of a node that is kept. No text that people write is deeper.
const maxDepth = 1000

// tree makes HTML of a snapshot: shadow trees as they are shown, and frames of the same site
// within the page.
type tree struct {
	page   *snapshot
	frames map[int64]*snapshot // of other processes, by the ID of the node that owns them
	site   string
	limit  int64
}

func newTree(page *snapshot, limit int64) *tree {
	t := &tree{page: page, frames: map[int64]*snapshot{}, limit: limit}
	t.site = siteOf(t.url())
	return t
}

func (t *tree) url() string { return t.page.text(t.page.Documents[0].URL) }

func (t *tree) title() string { return t.page.text(t.page.Documents[0].Title) }

// siteOf returns the registrable domain of a URL's host, "" without a host.
func siteOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return crawler.Host(strings.ToLower(u.Host)).Domain()
}

// html serialises the page.
func (t *tree) html() ([]byte, error) {
	d := t.open(t.page, 0, "")
	root := &html.Node{Type: html.DocumentNode}
	for _, child := range d.children[0] {
		d.build(root, child, 0)
	}
	var out bytes.Buffer
	err := html.Render(&limited{to: &out, left: t.limit}, root)
	if errors.Is(err, errFull) {
		return nil, &LimitError{Limit: "bytes", Most: fmt.Sprintf("%d of HTML", t.limit)}
	}
	return out.Bytes(), err
}

var errFull = errors.New("full")

// limited writes up to a number of bytes.
type limited struct {
	to   *bytes.Buffer
	left int64
}

func (l *limited) Write(b []byte) (int, error) {
	if l.left -= int64(len(b)); l.left < 0 {
		return 0, errFull
	}
	return l.to.Write(b)
}

// builder makes nodes of HTML of one document.
type builder struct {
	tree     *tree
	shot     *snapshot
	doc      *document
	base     *url.URL    // to resolve references; nil leaves them as they are
	children [][]int     // by node
	shadows  map[int]int // the type of the shadow tree that a node is in
	contents map[int]int
	pseudo   map[int]int
}

// open reads the columns of a document. With a base, references become absolute.
func (t *tree) open(shot *snapshot, index int, base string) *builder {
	d := &builder{tree: t, shot: shot, doc: &shot.Documents[index]}
	if base != "" {
		d.base, _ = url.Parse(base)
	}
	nodes := &d.doc.Nodes
	d.shadows, d.contents, d.pseudo = nodes.Shadow.of(), nodes.Content.of(), nodes.Pseudo.of()
	d.children = make([][]int, max(len(nodes.Parent), 1))
	for node, parent := range nodes.Parent {
		if parent >= 0 && parent < node { // parents come first
			d.children[parent] = append(d.children[parent], node)
		}
	}
	return d
}

func (d *builder) kind(node int) int {
	if node < 0 || node >= len(d.doc.Nodes.Type) {
		return 0
	}
	return d.doc.Nodes.Type[node]
}

// name returns the name of a node; those of HTML's elements are in upper case.
func (d *builder) name(node int) string { return d.shot.text(at(d.doc.Nodes.Name, node)) }

func (d *builder) value(node int) string { return d.shot.text(at(d.doc.Nodes.Value, node)) }

func at(column []int, node int) int {
	if node >= len(column) {
		return -1
	}
	return column[node]
}

// build appends a node to its parent.
func (d *builder) build(to *html.Node, node, depth int) {
	if depth > maxDepth {
		return
	}
	switch d.kind(node) {
	case textNode, cdataNode:
		if kind, shadow := d.shadows[node]; shadow && d.shot.text(kind) == "user-agent" {
			return
		}
		to.AppendChild(&html.Node{Type: html.TextNode, Data: d.value(node)})
	case commentNode:
		to.AppendChild(&html.Node{Type: html.CommentNode, Data: d.value(node)})
	case doctypeNode:
		to.AppendChild(&html.Node{Type: html.DoctypeNode, Data: d.name(node)})
	case elementNode:
		if _, ok := d.pseudo[node]; !ok {
			d.element(to, node, depth)
		}
	}
}

// element appends an element with its content as shown. The snapshot has the flat tree: a host's
// children are replaced by its shadow tree, whose slots have the children that fill them. The slots
// themselves, and elements that the browser adds, are left out.
func (d *builder) element(to *html.Node, node, depth int) {
	name := strings.ToLower(d.name(node))
	kind, shadow := d.shadows[node]
	if shadow && (name == "slot" || d.shot.text(kind) == "user-agent") {
		for _, child := range d.children[node] {
			d.build(to, child, depth+1)
		}
		return
	}
	e := &html.Node{Type: html.ElementNode, Data: name, DataAtom: atom.Lookup([]byte(name))}
	e.Attr = d.attributes(node, name)
	to.AppendChild(e)
	if !void[name] {
		for _, child := range d.children[node] {
			d.build(e, child, depth+1)
		}
	}
	if name == "iframe" || name == "frame" {
		d.frame(to, node, depth)
	}
}

// void are the elements that have no content (HTML Standard, 13.1.2).
var void = map[string]bool{
	"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true,
	"keygen": true, "link": true, "meta": true, "param": true, "source": true, "track": true, "wbr": true,
}

// frame appends the content of a frame, if the frame is of the page's site.
func (d *builder) frame(to *html.Node, node, depth int) {
	inner, ok := d.content(node)
	if !ok {
		return
	}
	address := inner.shot.text(inner.doc.URL)
	section := &html.Node{Type: html.ElementNode, Data: "section", DataAtom: atom.Section,
		Attr: []html.Attribute{{Key: "data-frame", Val: address}}}
	to.AppendChild(section)
	for i := range inner.doc.Nodes.Type {
		if inner.kind(i) == elementNode && strings.EqualFold(inner.name(i), "body") {
			for _, child := range inner.children[i] {
				inner.build(section, child, depth+1)
			}
			return
		}
	}
}

// content opens the document of a frame.
func (d *builder) content(node int) (*builder, bool) {
	shot, index := d.shot, 0
	if i, ok := d.contents[node]; ok {
		index = i
	} else if shot = d.tree.frames[at64(d.doc.Nodes.ID, node)]; shot == nil {
		return nil, false
	}
	if index <= 0 && shot == d.shot || index >= len(shot.Documents) {
		return nil, false
	}
	doc := &shot.Documents[index]
	address := shot.text(doc.URL)
	// Documents without an address of their own, such as about:srcdoc, belong to the page.
	if strings.HasPrefix(address, "http") && siteOf(address) != d.tree.site {
		return nil, false
	}
	return d.tree.open(shot, index, shot.text(doc.Base)), true
}

func at64(column []int64, node int) int64 {
	if node >= len(column) {
		return -1
	}
	return column[node]
}

// attributes returns the attributes of an element as the HTML should have them.
func (d *builder) attributes(node int, element string) []html.Attribute {
	if node >= len(d.doc.Nodes.Attributes) {
		return nil
	}
	pairs := d.doc.Nodes.Attributes[node]
	all := make([]html.Attribute, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		a := html.Attribute{Key: d.shot.text(pairs[i]), Val: d.shot.text(pairs[i+1])}
		a.Val = d.absolute(element, a)
		all = append(all, a)
	}
	if element == "meta" {
		utf8(all)
	}
	return all
}

// references are the attributes whose value is a URL.
var references = map[string]bool{
	"href": true, "src": true, "action": true, "formaction": true, "poster": true, "cite": true, "data": true,
}

// absolute resolves a reference by the base of the document, if it has one.
func (d *builder) absolute(element string, a html.Attribute) string {
	if d.base == nil || !references[a.Key] || a.Key == "data" && element != "object" {
		return a.Val
	}
	ref, err := d.base.Parse(strings.TrimSpace(a.Val))
	if err != nil {
		return a.Val
	}
	return ref.String()
}

// utf8 makes the attributes of a meta element name the charset that we write.
func utf8(attrs []html.Attribute) {
	declares := false
	for _, a := range attrs {
		declares = declares || strings.EqualFold(a.Key, "http-equiv") && strings.EqualFold(a.Val, "content-type")
	}
	for i, a := range attrs {
		switch {
		case strings.EqualFold(a.Key, "charset"):
			attrs[i].Val = "utf-8"
		case declares && strings.EqualFold(a.Key, "content"):
			attrs[i].Val = "text/html; charset=utf-8"
		}
	}
}
