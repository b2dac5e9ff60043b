// Package minhash compares texts by sketches.
//
// A [Sketch] stands for a text, so that near duplicates can be found without keeping the
// texts. A [Brief] is a shorter form of it, which Redis keeps.
package minhash

import (
	"encoding/hex"
	"hash/fnv"
)

// The shape of a [Sketch]: as many bands of as many values as is common for web texts
// (Penedo et al., The FineWeb Datasets, 2024). Two texts that share 75% of their shingles
// share a band with a probability of 77%, at 85% with 99%, at 50% with 5%.
const (
	Bands  = 14
	Rows   = 8
	Values = Bands * Rows
)

// Sketch is a sketch of a text (Broder: On the resemblance and containment of documents,
// 1997). The share of equal values in two sketches estimates how many of their shingles,
// which are five consecutive words, two texts share.
type Sketch struct {
	// Values are the lowest 16 bits of the smallest value of each hash function over all
	// shingles, band by band.
	Values [Values]uint16
	// Shingles is how many shingles the text has. A text of one to four words has one.
	Shingles int
}

// Bands returns the sketch as records have it: the values of each band, each of four
// hexadecimal digits.
func (m *Sketch) Bands() []string {
	bands := make([]string, Bands)
	for i := range bands {
		bands[i] = hex.EncodeToString(m.band(i))
	}
	return bands
}

// band returns the values of a band, two bytes each.
func (m *Sketch) band(i int) []byte {
	bytes := make([]byte, 0, 2*Rows)
	for _, v := range m.Values[i*Rows : (i+1)*Rows] {
		bytes = append(bytes, byte(v>>8), byte(v))
	}
	return bytes
}

// Keys returns a 64-bit hash of each band and its position. Two sketches have an equal key
// where they have an equal band.
func (m *Sketch) Keys() [Bands]uint64 {
	var keys [Bands]uint64
	for i := range keys {
		h := fnv.New64a()
		h.Write([]byte{byte(i)})
		h.Write(m.band(i))
		keys[i] = h.Sum64()
	}
	return keys
}

// Brief is a Sketch with one byte for each value. Two different values agree in it once in
// 256 times, which adds little to an estimate.
type Brief [Values]byte

// Brief returns the lowest byte of each value.
func (m *Sketch) Brief() (b Brief) {
	for i, v := range m.Values {
		b[i] = byte(v)
	}
	return b
}

// Similar reports whether two texts are near duplicates by their sketches: at least three
// quarters of the values agree.
func (b *Brief) Similar(other *Brief) bool {
	const least = Values * 3 / 4
	different := 0
	for i := range b {
		if b[i] != other[i] {
			if different++; different > Values-least {
				return false
			}
		}
	}
	return true
}

// LeastShingles is how many shingles a text must have to be compared with others. A
// shorter text, such as the caption of a picture, says too little about its page.
const LeastShingles = 16
