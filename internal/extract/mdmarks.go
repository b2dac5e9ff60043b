package extract

import (
	"unicode"
)

// checkMarks leaves out marks of emphasis that would not be read back as such
// (CommonMark 0.31, 6.2): with nothing between them, between letters and signs, or next
// to other marks.
func (in *inliner) checkMarks() {
	for again := true; again; {
		again = false
		for i := range in.tokens {
			in.check()
			t := &in.tokens[i]
			if t.off || t.kind != openToken {
				continue
			}
			if !in.opens(i) || !in.closes(t.pair) || in.emptyBetween(i, t.pair) {
				t.off, in.tokens[t.pair].off = true, true
				again = true
			}
		}
	}
}

// opens reports whether the mark at i is a left-flanking delimiter run.
func (in *inliner) opens(i int) bool {
	before, after := in.lastBefore(i), in.first(i+1)
	for j := i - 1; j >= 0; j-- { // a mark that ends directly before this one would be one with it
		if k := in.tokens[j].kind; k == closeToken && !in.tokens[j].off {
			return false
		} else if k != openToken && !in.tokens[j].off {
			break
		}
	}
	if isDelimiter(after) { // a mark within
		after = in.afterMarks(i)
	}
	return !unicode.IsSpace(after) && (!isPunctuation(after) || unicode.IsSpace(before) || isPunctuation(before))
}

// closes reports whether the mark at i is a right-flanking delimiter run.
func (in *inliner) closes(i int) bool {
	before, after := in.lastBefore(i), in.first(i+1)
	if isDelimiter(before) {
		before = in.beforeMarks(i)
	}
	if isDelimiter(after) {
		after = in.afterMarks(i)
	}
	return !unicode.IsSpace(before) && (!isPunctuation(before) || unicode.IsSpace(after) || isPunctuation(after))
}

func isDelimiter(r rune) bool { return r == '*' || r == '~' }

func (in *inliner) afterMarks(i int) rune {
	for i++; i < len(in.tokens); i++ {
		if k := in.tokens[i].kind; k != openToken && k != closeToken {
			return in.first(i)
		}
	}
	return ' '
}

func (in *inliner) beforeMarks(i int) rune {
	for i--; i >= 0; i-- {
		if k := in.tokens[i].kind; k != openToken && k != closeToken {
			return in.lastBefore(i + 1)
		}
	}
	return ' '
}

// emptyBetween reports whether two marks have nothing between them.
func (in *inliner) emptyBetween(i, j int) bool {
	for i++; i < j; i++ {
		switch in.tokens[i].kind {
		case textToken, rawToken:
			return false
		}
	}
	return true
}

// isPunctuation reports whether a character is punctuation (CommonMark 0.31, 2.1).
func isPunctuation(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) }
