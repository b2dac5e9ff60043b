package parse

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// simhash is Charikar's fingerprint of a text: texts that share most of their
// shingles, which are three words in a row, have fingerprints that differ in few
// of their 64 bits (Manku, Jain, Das Sarma: of web pages, near duplicates in at
// most three). It depends on nothing but the words: letters and digits, in lower
// case. What is written without spaces counts a word for each character.
//
// The fingerprint is kept with the pages, so how it is made must not change: a
// word is its FNV-1a, a shingle the splitmix64 of the sum of its words, each
// multiplied by another odd number.
type simhash struct {
	word   uint64    // FNV-1a so far; 0 between words
	last   [2]uint64 // the two words before
	words  int
	counts [64]uint32 // how many shingles have the bit
	lanes  [8]uint64  // the same of few shingles: a byte for each bit
	few    int        // how many, up to 255
	total  uint32     // shingles in all
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// read adds text. A word does not go on in the next.
func (s *simhash) read(text []byte) {
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			s.letter(c)
		case 'A' <= c && c <= 'Z':
			s.letter(c | 0x20)
		case c < utf8.RuneSelf:
			s.endWord()
		default:
			r, size := utf8.DecodeRune(text[i:])
			s.rune(r)
			i += size
			continue
		}
		i++
	}
	s.endWord()
}

func (s *simhash) letter(c byte) {
	if s.word == 0 {
		s.word = fnvOffset
	}
	s.word = (s.word ^ uint64(c)) * fnvPrime
}

func (s *simhash) rune(r rune) {
	if !unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd) {
		s.endWord()
		return
	}
	alone := unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
	if alone {
		s.endWord()
	}
	var b [utf8.UTFMax]byte
	for _, c := range b[:utf8.EncodeRune(b[:], unicode.ToLower(r))] {
		s.letter(c)
	}
	if alone {
		s.endWord()
	}
}

// endWord adds the shingle that ends with the word.
func (s *simhash) endWord() {
	if s.word == 0 {
		return
	}
	if s.words++; s.words >= 3 {
		s.shingle(s.word)
	}
	s.last[0], s.last[1] = s.last[1], s.word
	s.word = 0
}

func (s *simhash) shingle(word uint64) {
	h := s.last[0]*0x9e3779b97f4a7c15 + s.last[1]*0xc2b2ae3d27d4eb4f + word
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	h ^= h >> 31
	for i := range s.lanes {
		s.lanes[i] += spread(byte(h >> (8 * i)))
	}
	if s.few++; s.few == 255 {
		s.sum()
	}
}

// spread makes a byte of each bit.
func spread(b byte) uint64 {
	const each, ones = 0x8040201008040201, 0x0101010101010101
	bits := uint64(b) * ones & each // bit i in byte i
	return (bits + 0x7f*ones) >> 7 & ones
}

func (s *simhash) sum() {
	for i := range s.counts {
		s.counts[i] += uint32(byte(s.lanes[i/8] >> (8 * (i % 8))))
	}
	s.total += uint32(s.few)
	s.lanes, s.few = [8]uint64{}, 0
}

// String returns the fingerprint as 16 hexadecimal digits, "" of no text. Two
// words, or one, are a shingle of their own.
func (s *simhash) String() string {
	if s.words == 0 {
		return ""
	}
	if s.words < 3 {
		s.shingle(0)
	}
	s.sum()
	var h uint64
	for i, n := range s.counts {
		if 2*n > s.total {
			h |= 1 << i
		}
	}
	return fmt.Sprintf("%016x", h)
}
