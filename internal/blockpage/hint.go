package blockpage

import "slices"

// Almost all pages are ordinary, and are served with a good status. They are not read token by
// token: a rule that holds with such a status needs one of a few texts, and hinted searches for
// all of them at once.

// hintSize is the length of a hint, in bytes.
const hintSize = 7

// hints are texts of which a page must have one to satisfy a rule that holds with any status. They
// are parts of the signs of these rules; a test compares.
var hints = []string{
	"captcha", "urnstil", "consent", "_cf_chl", "c/cp_ch", "sec-if-", "sec-cpt", "sec-bc-", "ncapsul",
	"reesesk", "gokupro", "sucuri_", "port id", "d/anubi", "anubis_", "go-away",
}

// shifts says how far a search may move on after it has seen two bytes at the end of a place
// where a hint may be (R. N. Horspool, Practical fast searching in strings, 1980, with pairs of
// bytes).
var shifts = shiftsOf(hints)

// pair returns the index of two bytes in a table of shifts. It ignores the case of letters.
func pair(a, b byte) int { return int(a&31)<<5 | int(b&31) }

func shiftsOf(hints []string) (t [1 << 10]uint8) {
	for i := range t {
		t[i] = hintSize - 1
	}
	for _, hint := range hints {
		for end := 1; end < hintSize; end++ {
			i := pair(hint[end-1], hint[end])
			t[i] = min(t[i], uint8(hintSize-1-end))
		}
	}
	return t
}

// hinted reports whether a hint is in the body.
func hinted(body []byte) bool {
	for end := hintSize - 1; end < len(body); {
		shift := int(shifts[pair(body[end-1], body[end])])
		if shift == 0 && isHint(body, end) {
			return true
		}
		end += max(1, shift)
	}
	return false
}

// isHint reports whether a hint ends in the body at the index.
func isHint(body []byte, end int) bool {
	var lower [hintSize]byte
	folded := lowered(lower[:0], body[end-hintSize+1:], hintSize)
	return slices.ContainsFunc(hints, func(hint string) bool { return string(folded) == hint })
}
