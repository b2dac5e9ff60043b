package extract

import (
	"strings"
	"unicode"
)

// Limits of lines that lead elsewhere, in letters.
const (
	longAside   = 600 // a longer line is text
	longCall    = 400 // likewise, at the end of an article
	longLink    = 120 // a line that is one link of this length is an advertisement
	shortLine   = 60  // a heading of links at the end is shorter
	leastLink   = 15  // a link at the end is longer
	mostAsides  = 3   // asides are at most one of so many letters of an article
	leastShares = 2   // services in a line that offers to share the page
)

// markAsides marks lines of an article that lead elsewhere: to other articles, newsletters,
// and accounts of the author. It marks none if they would be much of the article.
func markAsides(lines []line) {
	asides := findAsides(lines)
	total, marked := 0, 0
	for i := range lines {
		if !lines[i].drop {
			total += lines[i].letters
			if asides[i] {
				marked += lines[i].letters
			}
		}
	}
	if marked*mostAsides > total {
		return
	}
	for i, aside := range asides {
		lines[i].drop = lines[i].drop || aside
	}
}

func findAsides(lines []line) []bool {
	asides := make([]bool, len(lines))
	for i := range lines {
		asides[i] = !lines[i].drop && !lines[i].fixed && lines[i].isAside()
	}
	markTail(lines, asides)
	return asides
}

// isAside reports whether a line leads elsewhere, wherever it is in the article.
func (l *line) isAside() bool {
	if l.letters > longAside {
		return false
	}
	text := strings.ToLower(l.text())
	switch {
	case l.linked*2 >= l.letters && startsWithAny(text, leadWords):
		return true
	case l.linked*10 >= l.letters*9 && l.letters >= longLink:
		return true
	}
	return isSharing(text) || strings.Contains(text, "newsletter") && containsAny(text, subscribeWords)
}

// markTail marks what follows the end of an article: links, the heading above them, and
// lines that ask the reader to do something.
func markTail(lines []line, asides []bool) {
	links := 0 // links since the last heading
	for i := len(lines) - 1; i >= 0; i-- {
		l := &lines[i]
		if l.drop || asides[i] {
			continue
		}
		if l.letters >= longCall || l.fixed {
			return
		}
		text := strings.ToLower(l.text())
		words := strings.Contains(text, " ")
		switch {
		case words && l.block == "li" && l.linked*10 >= l.letters*4,
			words && l.linked*10 >= l.letters*8 && l.letters >= leastLink:
			links++
		case startsWithAny(text, callWords):
		case links > 0 && l.letters < shortLine && !endsSentence(text):
			links = 0
		default:
			return
		}
		asides[i] = true
	}
}

// isSharing reports whether a line has nothing but names of services to share it with.
func isSharing(text string) bool {
	if len(text) > longLink {
		return false
	}
	n := 0
	for word := range strings.FieldsFuncSeq(text, betweenShares) {
		if !shareNames[word] {
			return false
		}
		n++
	}
	return n >= leastShares
}

func betweenShares(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("|,/·•", r) }

// endsSentence reports whether a text ends as a sentence does, perhaps in quotes or
// parentheses.
func endsSentence(s string) bool {
	s = strings.TrimRightFunc(s, func(r rune) bool {
		return unicode.In(r, unicode.Pe, unicode.Pf) || r == '"' || r == '\''
	})
	return s != "" && strings.ContainsAny(s[len(s)-1:], ".!?") || strings.HasSuffix(s, "。")
}

// leadWords begin a line that leads to another article.
var leadWords = []string{
	"read more", "related", "see more", "see also", "read also", "more on", "more:", "don't miss", "don’t miss",
	"watch",
	"read:", "read next", "also read", "video:", "mehr zum", "lesen sie", "lire aussi", "à lire", "leia", "lee también",
	"ver también", "veja", "leggi", "click here", "full story", "more from", "must read", "recommended",
}

// callWords begin a line at the end that asks the reader to do something, or says where
// the article comes from.
var callWords = []string{
	"subscribe", "sign up", "follow ", "like us", "join us", "get the latest", "get our", "email ", "reach ",
	"contact ",
	"have a tip", "click here", "visit ", "read more", "image credit", "photo credit", "this article was originally",
	"this story was originally", "this post was originally",
}

var subscribeWords = []string{"sign up", "subscribe"}
