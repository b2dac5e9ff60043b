package fetch

import "testing"

func TestHeadsHaveAFewSizes(t *testing.T) {
	t.Parallel()
	h := &heads{most: 3 << 20}
	for n, want := range map[int64]int64{
		1: 1, 2: 2, 3: 4, 64 << 10: 64 << 10, 64<<10 + 1: 128 << 10, 1<<20 + 1: 2 << 20,
		2<<20 + 1: 3 << 20, 3 << 20: 3 << 20, // the maximum is a size of its own
	} {
		m := h.get(n)
		if got := int64(len(m.bytes)); got != want || h.size(n) != want {
			t.Errorf("a head for %d bytes has %d, want %d", n, got, want)
		}
		h.put(m)
	}
	h.put(nil)
	h.put(&head{make([]byte, 100)}) // not of a pooled size: not reused
	for range 100 {
		if m := h.get(100); len(m.bytes) != 128 {
			t.Fatalf("a head for 100 bytes has %d", len(m.bytes))
		}
	}
}
