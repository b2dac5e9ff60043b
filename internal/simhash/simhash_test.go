package simhash

import (
	"strings"
	"testing"
)

func TestTheBitsOfAllShinglesAreCounted(t *testing.T) {
	t.Parallel()
	for _, n := range []int{254, 255, 256, 511} { // around the overflow of a byte
		var s Hash
		s.Add([]byte(strings.Repeat("a ", n+2)))
		if got, want := s.String(), Of("a a a"); Parse(got) != want {
			t.Errorf("%d equal shingles have %s, want %016x", n, got, want)
		}
	}
	for i := range 256 {
		for bit := range 8 {
			if got, want := spread(byte(i))>>(8*bit)&0xff, uint64(i>>bit&1); got != want {
				t.Errorf("bit %d of %d is %d", bit, i, got)
			}
		}
	}
}

func TestAFingerprintIsReadAsRecordsHaveIt(t *testing.T) {
	t.Parallel()
	var s Hash
	s.Add([]byte("one two three"))
	if text := s.String(); text != "132b651314c7f701" || Parse(text) != Of("One, two — three!") {
		t.Errorf("got %s, and %x at once", text, Of("One, two — three!"))
	}
	for _, text := range []string{"", "1", "132b651314c7f70x", "132b651314c7f7010"} {
		if got := Parse(text); got != 0 {
			t.Errorf("%q is read as %x", text, got)
		}
	}
	if got := Of("— !"); got != 0 {
		t.Errorf("a text without words has %x", got)
	}
	if got := Distance(0b1011, 0b0001); got != 2 {
		t.Errorf("the distance is %d, want 2", got)
	}
}
