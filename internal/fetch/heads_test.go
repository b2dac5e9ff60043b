package fetch

import "testing"

func TestHeadsHaveAFewSizes(t *testing.T) {
	t.Parallel()
	h := &heads{most: 3 << 20}
	for n, want := range map[int64]int64{
		1: 1, 2: 2, 3: 3, 64 << 10: 64 << 10, 64<<10 + 1: 80 << 10, 80<<10 + 1: 96 << 10, 112<<10 + 1: 128 << 10,
		128 << 10: 128 << 10, 1<<20 + 1: 5 << 18, 2<<20 + 1: 5 << 19,
		5<<19 + 1: 3 << 20, 3 << 20: 3 << 20, // the maximum may be between two sizes
	} {
		m := h.get(n)
		if got := int64(len(m.bytes)); got != want || h.size(n) != want {
			t.Errorf("a head for %d bytes has %d, want %d", n, got, want)
		}
		h.put(m)
	}
	h.put(nil)
	h.put(&head{make([]byte, 100)}) // not one of the sizes: not reused
	for range 100 {
		if m := h.get(100); len(m.bytes) != 112 {
			t.Fatalf("a head for 100 bytes has %d", len(m.bytes))
		}
	}
}

func TestMemoryOfHeadsIsReusedForTheirSizeAlone(t *testing.T) {
	t.Parallel()
	h := &heads{most: 1 << 30}
	pools := map[any]int64{}
	for n := int64(1); n < 1<<29; n += 1 + n/64 {
		size := h.size(n)
		if size < n || size > n+n/4+1 {
			t.Fatalf("a head for %d bytes has %d", n, size)
		}
		if h.size(size) != size {
			t.Fatalf("the size %d is changed to %d", size, h.size(size))
		}
		p := h.pool(size)
		if was, known := pools[p]; known && was != size {
			t.Fatalf("the sizes %d and %d share a pool", was, size)
		}
		pools[p] = size
	}
}
