package language

import (
	"strings"
	"unicode"
)

// Limits of a text whose language is told.
const (
	maxRead   = 64 << 10 // bytes of a text that are looked at
	leastHits = 3        // frequent words
	leastRate = 20       // at least one of so many words is frequent
)

// Detect returns the language of a text (ISO 639-3), or "" if it cannot be told. stop is
// the share of the most frequent words of that language among the words, from 0 to 1; 0
// for scripts that are written without spaces.
func Detect(text string) (code string, stop float64) {
	if len(text) > maxRead {
		text = strings.ToValidUTF8(text[:maxRead], "")
	}
	if code = byScript(text); code != "" {
		return code, 0
	}
	words := wordsOf(text)
	if len(words) == 0 {
		return "", 0
	}
	best := 0
	for _, p := range Profiles() {
		if hits := p.Hits(words); hits > best {
			code, best = p.Code, hits
		}
	}
	if best < leastHits || best*leastRate < len(words) {
		return "", 0
	}
	return code, float64(best) / float64(len(words))
}

// Hits counts the words that are among the most frequent of the language.
func (p *Profile) Hits(words []string) (hits int) {
	for _, w := range words {
		if p.Words[w] {
			hits++
		}
	}
	return hits
}

// wordsOf lists the words of a text, in lower case.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsMark(r)
	})
}

// Words lists the words of a text, in lower case.
func Words(text string) []string { return wordsOf(text) }

// scripts are those that tell a language by themselves.
var scripts = []struct {
	table *unicode.RangeTable
	code  string
}{
	{unicode.Hangul, "kor"}, {unicode.Thai, "tha"}, {unicode.Greek, "ell"}, {unicode.Hebrew, "heb"},
	{unicode.Devanagari, "hin"}, {unicode.Bengali, "ben"}, {unicode.Tamil, "tam"}, {unicode.Telugu, "tel"},
	{unicode.Georgian, "kat"}, {unicode.Armenian, "hye"}, {unicode.Khmer, "khm"}, {unicode.Myanmar, "mya"},
	{unicode.Lao, "lao"}, {unicode.Ethiopic, "amh"}, {unicode.Sinhala, "sin"}, {unicode.Gujarati, "guj"},
	{unicode.Gurmukhi, "pan"}, {unicode.Kannada, "kan"}, {unicode.Malayalam, "mal"},
}

// byScript returns the language of a text by its script, or "". A text is in Japanese if
// it has kana beside its characters.
func byScript(text string) string {
	counts := make([]int, len(scripts))
	han, kana, letters := 0, 0, 0
	for _, r := range text {
		if r < 0x370 || !unicode.IsLetter(r) && !unicode.IsMark(r) {
			if unicode.IsLetter(r) {
				letters++
			}
			continue
		}
		letters++
		switch {
		case unicode.Is(unicode.Han, r):
			han++
		case unicode.In(r, unicode.Hiragana, unicode.Katakana):
			kana++
		default:
			for i, s := range scripts {
				if unicode.Is(s.table, r) {
					counts[i]++
					break
				}
			}
		}
	}
	// A character of these scripts says as much as several letters.
	if cjk := han + kana; cjk*5 > letters-cjk && cjk >= 5 && counts[0] < cjk {
		if kana*20 > cjk {
			return "jpn"
		}
		return "zho"
	}
	for i, n := range counts {
		if n*3 > letters && n >= 5 {
			return scripts[i].code
		}
	}
	return ""
}
