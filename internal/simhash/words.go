package simhash

import (
	"unicode"
	"unicode/utf8"
)

// wordHash hashes the words of a text, for fingerprints that are stored with pages: so its
// algorithm must not change. A word is the FNV-1a hash of its letters and digits, in lower
// case. In scripts that are written without spaces, each character counts as a word.
type wordHash struct {
	word uint64 // so far; 0 between words
	each func(word uint64)
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// Words calls each with a hash of every word of a text, in order. Case and punctuation do not
// count.
func Words(text []byte, each func(word uint64)) {
	h := wordHash{each: each}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			h.letter(c)
		case 'A' <= c && c <= 'Z':
			h.letter(c | 0x20)
		case c < utf8.RuneSelf:
			h.end()
		default:
			r, size := utf8.DecodeRune(text[i:])
			h.rune(r)
			i += size
			continue
		}
		i++
	}
	h.end()
}

func (h *wordHash) letter(c byte) {
	if h.word == 0 {
		h.word = fnvOffset
	}
	h.word = (h.word ^ uint64(c)) * fnvPrime
}

func (h *wordHash) rune(r rune) {
	if !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd) {
		h.end()
		return
	}
	alone := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer,
		unicode.Myanmar)
	if alone {
		h.end()
	}
	var b [utf8.UTFMax]byte
	for _, c := range b[:utf8.EncodeRune(b[:], unicode.ToLower(r))] {
		h.letter(c)
	}
	if alone {
		h.end()
	}
}

func (h *wordHash) end() {
	if h.word != 0 {
		h.each(h.word)
		h.word = 0
	}
}

// Mix is the finalizer of splitmix64.
func Mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
