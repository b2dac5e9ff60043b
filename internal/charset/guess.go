package charset

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/trawlcrawler/trawl/internal/language"
)

// Limits of what a guess looks at.
const (
	maxSample  = 32 << 10 // bytes of text
	leastHigh  = 8        // bytes beyond ASCII
	maxInvalid = 200      // at most one of so many characters is not in the charset
)

// guessLegacy returns the charset in which a body reads most like a language, or "". The
// body is not valid UTF-8.
func guessLegacy(body []byte) string {
	text := sample(body)
	high := 0
	for _, c := range text {
		if c >= utf8.RuneSelf {
			high++
		}
	}
	if high < leastHigh {
		return ""
	}
	if name := guessEastAsian(text, high); name != "" {
		return name
	}
	return guessSingleByte(text)
}

// sample returns the text of a body without its tags, scripts and styles.
func sample(body []byte) []byte {
	out := make([]byte, 0, min(len(body), maxSample))
	for len(body) > 0 && len(out) < maxSample {
		open := bytes.IndexByte(body, '<')
		if open < 0 {
			open = len(body)
		}
		out = append(append(out, body[:open]...), ' ')
		body = body[open:]
		if len(body) == 0 {
			break
		}
		end := []byte(">")
		for name, close := range map[string]string{"<script": "</script", "<style": "</style", "<!--": "-->"} {
			if len(body) >= len(name) && strings.EqualFold(string(body[:len(name)]), name) {
				end = []byte(close)
			}
		}
		at := bytes.Index(body[1:], end)
		if at < 0 {
			break
		}
		body = body[1+at+len(end):]
	}
	return out[:min(len(out), maxSample)]
}

// decode decodes a text. ok is false if too many characters are not in the charset.
func decode(text []byte, name string) (string, bool) {
	e, err := htmlindex.Get(name)
	if err != nil {
		return "", false
	}
	b, err := e.NewDecoder().Bytes(text)
	if err != nil {
		return "", false
	}
	invalid, chars := 0, 0
	for _, r := range string(b) {
		if r < utf8.RuneSelf {
			continue
		}
		chars++
		if r == utf8.RuneError || r >= 0x80 && r < 0xa0 || unicode.Is(unicode.Co, r) {
			invalid++
		}
	}
	return string(b), invalid <= 1+chars/maxInvalid // the sample may end within a character
}

// eastAsian are the charsets of several bytes, each with characters that are frequent in
// what is written in it.
var eastAsian = []struct{ name, frequent string }{
	{"shift_jis", japanese}, {"euc-jp", japanese},
	{"gb18030", "的一是不了在有人我他这个中大来上为和国说要以时用们生到作地于出就分对成会可主发年动同工也能下过子产种面而方后多定行学法所民得经文件使如则将"},
	{"big5", "的一是不了在有人我他這個中大來上為和國說要以時用們生到作地於出就分對成會可主發年動同工也能下過子產種面而方後多定行學法所民得經文件使如則將"},
	{"euc-kr", "이다는을의에를가은한하고로기지서도사해일인스시정자수으나어대있리보제그아것과와만할되라면부들니않습게된"},
}

const japanese = "のにはをたがでてとしれさいるもなかっあこすりそんーういくらきつまけめおえろどだよアイスンルトラリドク"

// guessEastAsian returns the charset of several bytes in which most characters are
// frequent ones, or "".
func guessEastAsian(text []byte, high int) string {
	best, name := 0.0, ""
	for _, c := range eastAsian {
		s, ok := decode(text, c.name)
		if !ok {
			continue
		}
		frequent, chars, bytesOf := 0, 0, 0
		for _, r := range s {
			if r < utf8.RuneSelf {
				continue
			}
			chars++
			if r >= 0x3000 && r <= 0x303f || r >= 0xff00 && r < 0xff61 { // punctuation
				bytesOf += 2
			}
			if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul) {
				bytesOf += 2
				if r >= 0xff61 && r <= 0xff9f { // half-width kana are rare, and of one byte
					bytesOf--
					continue
				}
				if strings.ContainsRune(c.frequent, r) {
					frequent++
				}
			}
		}
		if chars == 0 || bytesOf*10 < high*6 {
			continue
		}
		if share := float64(frequent) / float64(chars); share > best {
			best, name = share, c.name
		}
	}
	if best < 0.05 {
		return ""
	}
	if name == "gb18030" {
		return "gbk"
	}
	return name
}

// reading is a text as decoded from one charset.
type reading struct {
	words   []string // those with letters beyond ASCII
	ascii   []string // the others
	foreign int      // characters beyond ASCII that are rare in texts
}

// guessSingleByte returns the charset of one byte in which a text reads most like a
// language, or "".
func guessSingleByte(text []byte) string {
	readings := make(map[string]*reading) // by charset; nil if it cannot be
	best, name := 0, ""
	for _, p := range language.Profiles() {
		if p.Letters == "" && p.Charsets[0] == "windows-1252" { // nothing beyond ASCII tells it
			continue
		}
		for _, charset := range p.Charsets {
			r, known := readings[charset]
			if !known {
				if s, ok := decode(text, charset); ok {
					r = newReading(s)
				}
				readings[charset] = r
			}
			if r == nil {
				continue
			}
			if score := r.plausible(&p); score > best {
				best, name = score, charset
			}
		}
	}
	return name
}

func newReading(s string) *reading {
	r := &reading{}
	for _, c := range s {
		if c >= utf8.RuneSelf && !unicode.IsLetter(c) && !unicode.IsMark(c) && !strings.ContainsRune(usualSigns, c) {
			r.foreign++
		}
	}
	for word := range strings.FieldsFuncSeq(s, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsMark(c)
	}) {
		lower := strings.ToLower(word)
		if IsASCII([]byte(word)) {
			r.ascii = append(r.ascii, lower)
			continue
		}
		r.words = append(r.words, lower)
		// Charsets of one alphabet differ in where capitals are.
		_, size := utf8.DecodeRuneInString(word)
		if rest := word[size:]; rest != strings.ToLower(rest) && word != strings.ToUpper(word) {
			r.foreign++
		}
	}
	return r
}

// usualSigns are signs beyond ASCII that texts have.
const usualSigns = "\u00a0«»“”„‘’‚‹›–—…•·°§№©®€£¿¡½²³×´¨\u00ad"

// plausible scores how much a reading is in a language: by its frequent words, and by
// words with no letters but its own.
func (r *reading) plausible(p *language.Profile) int {
	score := -4 * r.foreign
	for _, w := range r.words {
		switch {
		case p.Words[w]:
			score += 6
		case p.Letters != "":
			score += ownLetters(p, w)
		case !hasScript(p, w):
			score -= 3
		default:
			score++
		}
	}
	if score <= 0 {
		return 0
	}
	if p.Letters != "" { // the other words of a page tell which Latin alphabet it is
		score += min(score, p.Hits(r.ascii))
	}
	return score
}

// ownLetters scores a word of a Latin alphabet.
func ownLetters(p *language.Profile, word string) int {
	for _, c := range word {
		if c >= utf8.RuneSelf && !strings.ContainsRune(p.Letters, c) {
			return -3
		}
	}
	return 3
}

// hasScript reports whether a word is in the script of a language.
func hasScript(p *language.Profile, word string) bool {
	first, _ := utf8.DecodeRuneInString(word)
	return p.Script != nil && unicode.Is(p.Script, first)
}
