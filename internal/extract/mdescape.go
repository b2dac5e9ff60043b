package extract

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapeText escapes the characters of a text that would be Markdown. before and after
// are the characters next to it.
func escapeText(s string, before, after rune, cell bool) string {
	if !strings.ContainsAny(s, "\\`*_[]<&~|!") {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		next := after
		if at := i + utf8.RuneLen(r); at < len(s) {
			next, _ = utf8.DecodeRuneInString(s[at:])
		}
		escape := false
		switch r {
		case '\\', '`', '[', ']', '<', '~':
			escape = true
		case '*':
			escape = !(unicode.IsSpace(before) && unicode.IsSpace(next))
		case '_':
			escape = !(isWord(before) && isWord(next))
		case '!':
			escape = next == '['
		case '|':
			escape = cell
		case '&':
			escape = next == '#' || unicode.IsLetter(next)
		}
		if escape {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

var (
	// startMark matches what is a block at the beginning of a line (CommonMark 0.31, 4 and
	// 5), besides what escapeText escapes anyway.
	startMark = regexp.MustCompile(
		`^(?:#{1,6}(?:\s|$)|>|[-+*](?:\s|$)|\d{1,9}[.)](?:\s|$)|=+\s*$|[-_](?:\s*[-_])*\s*$|[-:| ]*-[-:| ]*$)`)
	itemStart = regexp.MustCompile(`^\d{1,9}[.)]`)
)

// escapeStart escapes the beginning of a line of a paragraph if it would be a block.
func escapeStart(line string) string {
	if !startMark.MatchString(line) {
		return line
	}
	if number := itemStart.FindString(line); number != "" {
		return number[:len(number)-1] + "\\" + line[len(number)-1:]
	}
	if line[0] == ' ' || line[0] == ':' || line[0] == '|' {
		return "\\" + strings.TrimLeft(line, " ")
	}
	return "\\" + line
}

// escapeClosing escapes a number sign at the end of a heading, which would be taken for a
// closing sequence.
func escapeClosing(text string) string {
	bare := strings.TrimRight(text, "#")
	if bare == text || bare != "" && !strings.HasSuffix(bare, " ") {
		return text
	}
	return text[:len(text)-1] + "\\#"
}

// cutLine cuts a text of inline Markdown after its first line, with the backslash that
// ends it.
func cutLine(text string) (line, rest string, more bool) {
	if at := strings.Index(text, "\\\n"); at >= 0 {
		return text[:at+1], text[at+2:], true
	}
	return text, "", false
}

// splitBreaks splits inline Markdown where two breaks follow one another.
func splitBreaks(text string) (all []string) {
	for part := range strings.SplitSeq(text, "\\\n\\\n") {
		if part != "" {
			all = append(all, part)
		}
	}
	return all
}
