package htmltree

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// Room is the memory shared by the trees of all pages that are being parsed at the same
// time, by any parsers. It is safe for concurrent use.
type Room struct {
	free *semaphore.Weighted
	size int64
}

// roomSize is enough for the largest tree, or for many smaller ones.
const roomSize = MaxWeight

// NewRoom returns an empty room.
func NewRoom() *Room { return &Room{semaphore.NewWeighted(roomSize), roomSize} }

// roomTime is how long a page waits for room. It is shorter than the time limit for
// parsing, so that the page loses only its fields, and not its links as well. It is long
// because the trees of other pages may take long on a busy machine.
const roomTime = time.Minute

// enter waits for room for a tree of this many bytes, and returns false if there isn't one
// in time. The caller must call leave to release the room.
func (r *Room) enter(ctx context.Context, bytes int64) (leave func(), ok bool) {
	bytes = min(bytes, r.size)
	ctx, cancel := context.WithTimeout(ctx, roomTime)
	defer cancel()
	if r.free.Acquire(ctx, bytes) != nil {
		return nil, false
	}
	return func() { r.free.Release(bytes) }, true
}
