// Package simhash makes fingerprints of texts that differ in few bits where the texts share most
// of their words: Charikar's simhash.
//
// A [Hash] gathers a text piece by piece. [Of] does it at once. [Distance] is in how many bits
// two fingerprints differ.
package simhash

import (
	"fmt"
	"math/bits"
	"strconv"
)

// Hash is Charikar's fingerprint of a text. Texts that share most of their shingles,
// which are three consecutive words, have fingerprints that differ in few of their 64
// bits (Manku, Jain, Das Sarma: near-duplicate web pages differ in at most three). It
// depends only on the words, as [Words] finds them. The zero value is that of an empty text.
//
// The fingerprint is stored with the pages, so its algorithm must not change: a shingle is
// the splitmix64 of the sum of its words, where the first two are multiplied by different
// odd numbers.
type Hash struct {
	last   [2]uint64 // the two previous words
	words  int
	counts [64]uint32 // number of shingles with the bit set
	lanes  [8]uint64  // the same for the most recent shingles: one byte per bit
	few    int        // number of these, up to 255
	total  uint32     // total number of shingles
}

// Add adds text. A word does not continue in the next call.
func (s *Hash) Add(text []byte) { Words(text, s.add) }

// add adds the shingle that ends with the word.
func (s *Hash) add(word uint64) {
	if s.words++; s.words >= 3 {
		s.shingle(word)
	}
	s.last[0], s.last[1] = s.last[1], word
}

func (s *Hash) shingle(word uint64) {
	h := Mix(s.last[0]*0x9e3779b97f4a7c15 + s.last[1]*0xc2b2ae3d27d4eb4f + word)
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

func (s *Hash) sum() {
	for i := range s.counts {
		s.counts[i] += uint32(byte(s.lanes[i/8] >> (8 * (i % 8))))
	}
	s.total += uint32(s.few)
	s.lanes, s.few = [8]uint64{}, 0
}

// Fingerprint returns the fingerprint of what was added, and whether that had a word. Nothing can
// be added after that. A text of one or two words is a single shingle.
func (s *Hash) Fingerprint() (h uint64, ok bool) {
	if s.words == 0 {
		return 0, false
	}
	if s.words < 3 {
		s.shingle(0)
	}
	s.sum()
	for i, n := range s.counts {
		if 2*n > s.total {
			h |= 1 << i
		}
	}
	return h, true
}

// String returns the fingerprint as records have it: 16 hexadecimal digits, or "" for a text
// without words. Nothing can be added after that.
func (s *Hash) String() string {
	h, ok := s.Fingerprint()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%016x", h)
}

// Of returns the fingerprint of a text; 0 for one without words.
func Of(text string) uint64 {
	var s Hash
	s.Add([]byte(text))
	h, _ := s.Fingerprint()
	return h
}

// Parse reads a fingerprint as records have it; 0 for "" and for what is not one.
func Parse(text string) uint64 {
	h, err := strconv.ParseUint(text, 16, 64)
	if err != nil || len(text) != 16 {
		return 0
	}
	return h
}

// Distance is in how many of their 64 bits two fingerprints differ.
func Distance(a, b uint64) int { return bits.OnesCount64(a ^ b) }
