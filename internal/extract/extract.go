package extract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"
)

// ErrSlow ends an extraction that takes more processor time than it may.
var ErrSlow = errors.New("its time is over")

// Names of the extractors.
const (
	Auto        = "auto"        // by the kind of page, where several agree
	Readability = "readability" // go-readability, as in the reader views of browsers
	Trafilatura = "trafilatura" // the rules of trafilatura
	Main        = "main"        // the element that the page names as the main one, cleaned
	Body        = "body"        // the body, cleaned
)

// Names lists the extractors.
var Names = []string{Auto, Readability, Trafilatura, Main, Body}

// MaxBytes bounds a text, and a text in Markdown.
const MaxBytes = 8 << 20

// Config says what to extract. With the zero value it is nothing.
type Config struct {
	// Text and Markdown say which forms to write. Default neither.
	Text, Markdown bool
	// Metadata says whether to find the author, site, language and time. Default false.
	Metadata bool
	// Extractors lists the extractors by name, the one that decides first. Default Auto
	// alone.
	Extractors []string
}

// Content is what a page says, and how it was found.
type Content struct {
	Text      string // "" unless requested, or if there isn't one
	Markdown  string // likewise
	Extractor string // what decided: one of Names, and of Auto what it took
	// Share is the number of words of the text divided by that of all words of the body
	// that are shown, from 0 to 1.
	Share float64
	// Hard says why the main text is uncertain, for people to read; "" if it is not.
	Hard string
	// Language is the language of the text as its words tell it (ISO 639-3), and Declared as
	// the page declares it (a BCP 47 tag); "" if there isn't one.
	Language, Declared string
	Quality            Quality
	Others             []Other // what the other extractors found
	Meta               Metadata
	Cut                bool // a form was longer than MaxBytes
}

// Other is what an extractor found besides the one that decides.
type Other struct {
	Extractor      string
	Text, Markdown string
	Share          float64
}

// Metadata is what a page says about its text.
type Metadata struct {
	Author, Site string
	Language     string    // as the page declares it: a BCP 47 tag
	Published    time.Time // zero if the page does not say
}

// Extractor extracts the main text of pages. It is safe for concurrent use.
type Extractor struct{ cfg Config }

// New returns an extractor. The error names an extractor that does not exist.
func New(cfg Config) (*Extractor, error) {
	for i, name := range cfg.Extractors {
		if !slices.Contains(Names, name) {
			return nil, fmt.Errorf("extractor: there is none named %q: want %s", name, strings.Join(Names, ", "))
		}
		if slices.Contains(cfg.Extractors[:i], name) {
			return nil, fmt.Errorf("extractor: %q is listed twice", name)
		}
	}
	if len(cfg.Extractors) == 0 {
		cfg.Extractors = []string{Auto}
	}
	return &Extractor{cfg}, nil
}

// Extract extracts the main text of a tree, which it does not modify. over reports whether
// the time is over; it is asked often. Extract panics with ErrSlow when it is.
func (e *Extractor) Extract(root *html.Node, links Links, over func() bool) Content {
	p := newPage(root)
	p.over = over
	words := p.shownWords()
	found := p.extract(e.cfg.Extractors[0])
	out := Content{Extractor: e.cfg.Extractors[0], Hard: found.hard}
	if out.Extractor == Auto && found.by != "" {
		out.Extractor += "/" + found.by
	}
	text := e.write(&out.Text, &out.Markdown, found, links, over, &out.Cut)
	out.Share = shareOf(text, words)
	out.Declared = p.declaredLanguage()
	if found.root != nil {
		out.Quality, out.Language = qualityOf(text, found)
	}
	if out.Hard == "" && words >= fewWords && out.Share < littleShare {
		out.Hard = "little of the page is in the text"
	}
	for _, name := range e.cfg.Extractors[1:] {
		other := Other{Extractor: name}
		text := e.write(&other.Text, &other.Markdown, p.extract(name), links, over, &out.Cut)
		other.Share = shareOf(text, words)
		out.Others = append(out.Others, other)
	}
	if e.cfg.Metadata {
		out.Meta = p.metadata()
	}
	return out
}

// A page is hard if its text is less than this share of so many words.
const (
	fewWords    = 200
	littleShare = 0.05
)

// write writes the wanted forms, and returns the text.
func (e *Extractor) write(text, markdown *string, c choice, links Links, over func() bool, cut *bool) string {
	if c.root == nil {
		return ""
	}
	plain := plainText(c, over, MaxBytes)
	if len(plain) >= MaxBytes {
		plain, *cut = clip(plain, MaxBytes), true
	}
	if e.cfg.Text {
		*text = plain
	}
	if e.cfg.Markdown {
		written := markdownOf(c, links, over, MaxBytes)
		if len(written) >= MaxBytes {
			written, *cut = clip(written, MaxBytes), true
		}
		*markdown = written
	}
	return plain
}

// clip shortens a text to most bytes, without a part of a character at its end.
func clip(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// choice is the main text of a page: a tree, and the nodes of it that are left out.
type choice struct {
	root *html.Node
	drop map[*html.Node]bool
	by   string // what it is: one of Names
	hard string // why it is uncertain, or ""
}

func (c choice) skip(n *html.Node) bool { return c.drop[n] }

// letters counts the letters of a choice.
func (c choice) letters() (letters int) {
	if c.root == nil {
		return 0
	}
	var visit func(n *html.Node)
	visit = func(n *html.Node) {
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			switch {
			case c.skip(k), k.Type == html.ElementNode && hidden[k.Data]:
			case k.Type == html.TextNode:
				letters += lettersOf(k.Data)
			default:
				visit(k)
			}
		}
	}
	visit(c.root)
	return letters
}

// shownWords counts the words of the body that are shown.
func (p *page) shownWords() (words int) {
	for i := p.body; i < int(p.nodes[p.body].end); i++ {
		if p.nodes[i].letters > 0 {
			words += countWords(p.nodes[i].Data)
		}
	}
	return words
}

// countWords counts the runs of letters and digits in a text.
func countWords(s string) (words int) {
	in := false
	for _, r := range s {
		word := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
		if word && !in {
			words++
		}
		in = word
	}
	return words
}

// shareOf returns which share of so many words a text has, from 0 to 1.
func shareOf(text string, words int) float64 {
	if words == 0 {
		return 0
	}
	share := min(1, float64(countWords(text))/float64(words))
	return float64(int(share*1000+0.5)) / 1000
}
