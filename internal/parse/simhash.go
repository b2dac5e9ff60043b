package parse

import "fmt"

// simhash is Charikar's fingerprint of a text. Texts that share most of their shingles,
// which are three consecutive words, have fingerprints that differ in few of their 64
// bits (Manku, Jain, Das Sarma: near-duplicate web pages differ in at most three). It
// depends only on the words, as hashWords finds them.
//
// The fingerprint is stored with the pages, so its algorithm must not change: a shingle is
// the splitmix64 of the sum of its words, where the first two are multiplied by different
// odd numbers.
type simhash struct {
	last   [2]uint64 // the two previous words
	words  int
	counts [64]uint32 // number of shingles with the bit set
	lanes  [8]uint64  // the same for the most recent shingles: one byte per bit
	few    int        // number of these, up to 255
	total  uint32     // total number of shingles
}

// read adds text. A word does not continue in the next call.
func (s *simhash) read(text []byte) { hashWords(text, s.add) }

// add adds the shingle that ends with the word.
func (s *simhash) add(word uint64) {
	if s.words++; s.words >= 3 {
		s.shingle(word)
	}
	s.last[0], s.last[1] = s.last[1], word
}

func (s *simhash) shingle(word uint64) {
	h := mix(s.last[0]*0x9e3779b97f4a7c15 + s.last[1]*0xc2b2ae3d27d4eb4f + word)
	for i := range s.lanes {
		s.lanes[i] += spread(byte(h >> (8 * i)))
	}
	if s.few++; s.few == 255 {
		s.sum()
	}
}

// spread expands each bit to a byte.
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

// String returns the fingerprint as 16 hexadecimal digits, or "" for an empty text. A
// text of one or two words is a single shingle.
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
