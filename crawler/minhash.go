package crawler

import (
	"encoding/hex"
	"hash/fnv"
)

// The shape of a [MinHash]: as many bands of as many values as is common for web texts
// (Penedo et al., The FineWeb Datasets, 2024). Two texts that share 75% of their shingles
// share a band with a probability of 77%, at 85% with 99%, at 50% with 5%.
const (
	MinHashBands  = 14
	MinHashRows   = 8
	MinHashValues = MinHashBands * MinHashRows
)

// MinHash is a sketch of a text (Broder: On the resemblance and containment of documents,
// 1997). The share of equal values in two sketches estimates how many of their shingles,
// which are five consecutive words, two texts share.
type MinHash struct {
	// Values are the lowest 16 bits of the smallest value of each hash function over all
	// shingles, band by band.
	Values [MinHashValues]uint16
	// Shingles is how many shingles the text has. A text of one to four words has one.
	Shingles int
}

// Bands returns the sketch as records have it: the values of each band, each of four
// hexadecimal digits.
func (m *MinHash) Bands() []string {
	bands := make([]string, MinHashBands)
	for i := range bands {
		bands[i] = hex.EncodeToString(m.band(i))
	}
	return bands
}

// band returns the values of a band, two bytes each.
func (m *MinHash) band(i int) []byte {
	bytes := make([]byte, 0, 2*MinHashRows)
	for _, v := range m.Values[i*MinHashRows : (i+1)*MinHashRows] {
		bytes = append(bytes, byte(v>>8), byte(v))
	}
	return bytes
}

// Keys returns a 64-bit hash of each band and its position. Two sketches have an equal key
// where they have an equal band.
func (m *MinHash) Keys() [MinHashBands]uint64 {
	var keys [MinHashBands]uint64
	for i := range keys {
		h := fnv.New64a()
		h.Write([]byte{byte(i)})
		h.Write(m.band(i))
		keys[i] = h.Sum64()
	}
	return keys
}

// Brief is a MinHash with one byte for each value. Two different values agree in it once in
// 256 times, which adds little to an estimate.
type Brief [MinHashValues]byte

// Brief returns the lowest byte of each value.
func (m *MinHash) Brief() (b Brief) {
	for i, v := range m.Values {
		b[i] = byte(v)
	}
	return b
}

// Similar reports whether two texts are near duplicates by their sketches: at least three
// quarters of the values agree.
func (b *Brief) Similar(other *Brief) bool {
	const least = MinHashValues * 3 / 4
	different := 0
	for i := range b {
		if b[i] != other[i] {
			if different++; different > MinHashValues-least {
				return false
			}
		}
	}
	return true
}

// LeastShingles is how many shingles a text must have to be compared with others. A
// shorter text, such as the caption of a picture, says too little about its page.
const LeastShingles = 16

// NearDuplicates says what happens to a page whose main text is nearly that of an earlier
// page of the job.
type NearDuplicates string

// The kinds of NearDuplicates. The zero value does not look for near duplicates.
const (
	// NearDuplicatesRecord names the earlier page in the record.
	NearDuplicatesRecord NearDuplicates = "record"
	// NearDuplicatesSkip also keeps no content of the page, as for pages that ask not to be
	// indexed.
	NearDuplicatesSkip NearDuplicates = "skip"
	// NearDuplicatesStop also does not follow its links.
	NearDuplicatesStop NearDuplicates = "stop"
)

// NearDuplicatesKinds lists the kinds of NearDuplicates, without the zero value.
var NearDuplicatesKinds = []NearDuplicates{NearDuplicatesRecord, NearDuplicatesSkip, NearDuplicatesStop}

// Sketched is a page with the sketch of its main text.
type Sketched struct {
	URL    URL
	Sketch *MinHash
}
