package minhash

import "testing"

// numbered returns a sketch in which each value is another: value i is i·256 + i.
func numbered() *Sketch {
	var m Sketch
	for i := range m.Values {
		m.Values[i] = uint16(i<<8 | i)
	}
	return &m
}

func TestARecordHasTheValuesOfEachBandInOrder(t *testing.T) {
	t.Parallel()
	bands := numbered().Bands()
	if len(bands) != Bands {
		t.Fatalf("there are %d bands, want %d", len(bands), Bands)
	}
	if want := "00000101020203030404050506060707"; bands[0] != want {
		t.Errorf("the first band is %s, want %s", bands[0], want)
	}
	if want := "686869696a6a6b6b6c6c6d6d6e6e6f6f"; bands[Bands-1] != want {
		t.Errorf("the last band is %s, want %s", bands[Bands-1], want)
	}
}

// Two sketches are looked up by the keys of their bands, so a key must stand for the band and for
// its position.
func TestKeysAreEqualWhereBandsAre(t *testing.T) {
	t.Parallel()
	one, other := numbered(), numbered()
	other.Values[2*Rows]++           // in band 2, the high bytes are the same
	other.Values[5*Rows+7] ^= 1 << 8 // in band 5, the low bytes are
	for i, key := range one.Keys() {
		if same := other.Keys()[i] == key; same != (i != 2 && i != 5) {
			t.Errorf("the keys of band %d are equal: %t", i, same)
		}
	}
	seen := make(map[uint64]int)
	for i, key := range new(Sketch).Keys() { // all bands have the same values
		if before, ok := seen[key]; ok {
			t.Errorf("bands %d and %d have the same key", before, i)
		}
		seen[key] = i
	}
}

func TestABriefHasTheLowByteOfEachValue(t *testing.T) {
	t.Parallel()
	var m Sketch
	for i := range m.Values {
		m.Values[i] = uint16(0xab00 | i)
	}
	for i, b := range m.Brief() {
		if b != byte(i) {
			t.Errorf("byte %d is %#x, want %#x", i, b, i)
		}
	}
}

func TestTextsAreSimilarIfThreeQuartersOfTheirValuesAgree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		different int
		similar   bool
	}{{0, true}, {1, true}, {28, true}, {29, false}, {Values, false}} {
		one := numbered().Brief()
		other := one
		for i := range c.different {
			other[Values-1-i] ^= 1 // the last ones: all values count, not only those of the first bands
		}
		if got := one.Similar(&other); got != c.similar {
			t.Errorf("with %d of %d values different, they are similar: %t", c.different, Values, got)
		}
		if got := other.Similar(&one); got != c.similar {
			t.Errorf("with %d of %d values different, they are similar the other way round: %t", c.different, Values, got)
		}
	}
}
