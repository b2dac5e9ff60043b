package parse

import (
	"math"

	"github.com/trawlcrawler/trawl/internal/minhash"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// minHashes sketches texts. Sketches are stored with pages, so the algorithm must not
// change: a shingle is the splitmix64 of the sum of its five words, each multiplied by an
// odd number of its own; a hash function is the upper half of shingle*factor+term.
type minHashes struct {
	factors, terms [minhash.Values]uint64
}

// shingleWords are the words of a shingle.
const shingleWords = 5

// wordFactors distinguish the positions of words in a shingle.
var wordFactors = [shingleWords]uint64{
	0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0xd6e8feb86659fd93, 1,
}

func newMinHashes() *minHashes {
	m := new(minHashes)
	state := uint64(0)
	next := func() uint64 {
		state += 0x9e3779b97f4a7c15
		return simhash.Mix(state)
	}
	for i := range m.factors {
		m.factors[i], m.terms[i] = next()|1, next()
	}
	return m
}

// of sketches a text. It returns nil for a text without words.
func (m *minHashes) of(text string) *minhash.Sketch {
	var (
		least [minhash.Values]uint32
		last  [shingleWords]uint64 // the last words, the newest at the end
		words int
	)
	for i := range least {
		least[i] = math.MaxUint32
	}
	shingles := 0
	add := func() {
		sum := uint64(0)
		for i, word := range last {
			sum += word * wordFactors[i]
		}
		h := simhash.Mix(sum)
		for i := range least {
			least[i] = min(least[i], uint32((h*m.factors[i]+m.terms[i])>>32))
		}
		shingles++
	}
	simhash.Words([]byte(text), func(word uint64) {
		copy(last[:], last[1:])
		last[shingleWords-1] = word
		if words++; words >= shingleWords {
			add()
		}
	})
	switch {
	case words == 0:
		return nil
	case words < shingleWords:
		add()
	}
	sketch := &minhash.Sketch{Shingles: shingles}
	for i, v := range least {
		sketch.Values[i] = uint16(v)
	}
	return sketch
}
