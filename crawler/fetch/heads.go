package fetch

import (
	"math/bits"
	"sync"
)

// heads is memory for the heads of bodies that outgrow a chunk, used again and
// again. Its sizes are powers of two, and the most that a head may have. It is safe
// for concurrent use.
type heads struct {
	most  int64         // bytes
	pools [64]sync.Pool // of *head, by the size's logarithm
}

// head is some memory of heads.
type head struct{ bytes []byte }

// size is how much memory is got for a head of n bytes, at most h.most.
func (h *heads) size(n int64) int64 { return min(1<<bits.Len64(uint64(n-1)), h.most) }

// get returns memory of size(n) bytes, which are anything.
func (h *heads) get(n int64) *head {
	size := h.size(n)
	if old, ok := h.pools[bits.Len64(uint64(size))].Get().(*head); ok && int64(len(old.bytes)) == size {
		return old
	}
	return &head{make([]byte, size)}
}

// put takes memory back. What did not come from get is let go, as nil is.
func (h *heads) put(m *head) {
	if m != nil && int64(len(m.bytes)) == h.size(int64(len(m.bytes))) {
		h.pools[bits.Len64(uint64(len(m.bytes)))].Put(m)
	}
}
