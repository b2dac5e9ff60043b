package change

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// Continuous jobs keep the lower half of a fingerprint, and take half of the distance for a change.
func TestHalfOfAFingerprintTellsTheSameChanges(t *testing.T) {
	t.Parallel()
	const texts, words = 200, 100
	random := rand.New(rand.NewPCG(8, 8))
	word := func() string { return fmt.Sprintf("w%d", random.IntN(1<<30)) }
	distance := crawler.Recrawl{}.WithDefaults().Distance
	for edits, least := range map[int]float64{0: 1, 1: 0.7, 3: 0.8, 8: 0.97, 20: 1} {
		same, changed := 0, 0
		for range texts {
			text := make([]string, words)
			for i := range text {
				text[i] = word()
			}
			before := simhash.Of(strings.Join(text, " "))
			for _, at := range random.Perm(words)[:edits] {
				text[at] = word()
			}
			after := simhash.Of(strings.Join(text, " "))
			whole := simhash.Distance(before, after) > TextDistance
			half := simhash.Distance(before&0xffffffff, after&0xffffffff) >= distance
			if whole == half {
				same++
			}
			if whole {
				changed++
			}
		}
		if got := float64(same) / texts; got < least || edits == 0 && changed > 0 {
			t.Errorf("with %d of %d words changed, both say the same of %.2f of the texts, want %.2f; %d have changed", edits,
				words, got, least, changed)
		}
	}
}
