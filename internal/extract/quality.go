package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/language"
)

// Quality has counters of a text that builders of models filter by.
type Quality struct {
	Words          int     // runs of letters and digits; in scripts without spaces, of characters
	MeanLine       float64 // characters of a line that is not empty
	StopShare      float64 // share of words that are the most frequent ones of the language
	SymbolShare    float64 // share of characters that are neither letters, digits, spaces nor usual punctuation
	LinkShare      float64 // share of letters in links
	DuplicateShare float64 // share of lines that occurred before
}

// qualityOf counts what is in a text, and tells its language (ISO 639-3), or "".
func qualityOf(text string, c choice) (q Quality, lang string) {
	lang, q.StopShare = language.Detect(text)
	q.StopShare = rounded(q.StopShare)
	q.Words = countWords(text)
	seen := make(map[string]bool)
	lines, letters, duplicates := 0, 0, 0
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		lines++
		letters += utf8.RuneCountInString(line)
		if seen[line] {
			duplicates++
		}
		seen[line] = true
	}
	if lines > 0 {
		q.MeanLine = rounded(float64(letters) / float64(lines))
		q.DuplicateShare = rounded(float64(duplicates) / float64(lines))
	}
	symbols, chars := 0, 0
	for _, r := range text {
		chars++
		if !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd) && !unicode.IsSpace(r) && !unicode.IsPunct(r) ||
			strings.ContainsRune("#{}[]<>|\\*_~^@", r) {
			symbols++
		}
	}
	if chars > 0 {
		q.SymbolShare = rounded(float64(symbols) / float64(chars))
	}
	q.LinkShare = c.linkShare()
	return q, lang
}

// linkShare returns the share of letters in links.
func (c choice) linkShare() float64 {
	all, linked := 0, 0
	var visit func(n *html.Node, link bool)
	visit = func(n *html.Node, link bool) {
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			switch {
			case c.skip(k), k.Type == html.ElementNode && hidden[k.Data]:
			case k.Type == html.TextNode:
				l := lettersOf(k.Data)
				all += l
				if link {
					linked += l
				}
			default:
				visit(k, link || k.Data == "a")
			}
		}
	}
	visit(c.root, false)
	if all == 0 {
		return 0
	}
	return rounded(float64(linked) / float64(all))
}

// rounded rounds to three places.
func rounded(x float64) float64 { return float64(int64(x*1000+0.5)) / 1000 }

// declaredLanguage returns the language that a page declares, a BCP 47 tag, or "".
func (p *page) declaredLanguage() string {
	for i := range p.nodes {
		if p.isElement(i, "html") {
			return strings.TrimSpace(attribute(p.nodes[i].Node, "lang"))
		}
	}
	return ""
}
