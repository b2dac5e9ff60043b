package parse

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"
)

// Room is the memory that the trees of all pages share which are parsed at once,
// by whichever parsers. It is safe for concurrent use.
type Room struct {
	free *semaphore.Weighted
	size int64
}

// roomSize is that of the heaviest tree, or of many others.
const roomSize = mostWeight

// NewRoom returns an empty room.
func NewRoom() *Room { return &Room{semaphore.NewWeighted(roomSize), roomSize} }

// roomTime is how long a page waits for room: less than it may be parsed for, so
// that it loses its fields, and not its links as well.
const roomTime = 8 * time.Second

// enter waits for room for a tree of so many bytes, and reports false if there is
// none in time. The room is free again when leave is called.
func (r *Room) enter(ctx context.Context, bytes int64) (leave func(), ok bool) {
	bytes = min(bytes, r.size)
	ctx, cancel := context.WithTimeout(ctx, roomTime)
	defer cancel()
	if r.free.Acquire(ctx, bytes) != nil {
		return nil, false
	}
	return func() { r.free.Release(bytes) }, true
}
