package redisconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// passes are the errors of a Redis that is temporarily unavailable: it is full, loads its
// data, is or has become a replica, cannot write to disk, or its Cluster is being repaired.
var passes = []string{"OOM", "LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "MISCONF", "CLUSTERDOWN", "TRYAGAIN",
	"BUSY"}

// Passing makes errors of a temporarily unavailable Redis wrap [queue.ErrUnavailable],
// and returns others unchanged.
func Passing(err error) error {
	var reply redis.Error
	var network net.Error
	switch {
	case errors.Is(err, queue.ErrUnavailable):
		return err
	case errors.As(err, &reply):
		if !slices.Contains(passes, ErrorWord(err)) {
			return err
		}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout):
	default:
		return err
	}
	return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
}

// refusals are the errors of a Redis that answers reads but refuses writes.
var refusals = []string{"OOM", "READONLY", "MISCONF", "NOREPLICAS"}

// RefusesWrites reports whether Redis currently refuses writes.
func RefusesWrites(err error) bool { return slices.Contains(refusals, ErrorWord(err)) }

// IsFull reports whether Redis refused a command because its memory is used up. asynq keeps only the
// text of such an error.
func IsFull(err error) bool {
	return err != nil && strings.Contains(err.Error(), "OOM command not allowed")
}

// IsWrongType reports whether the error says that a key has the wrong type.
func IsWrongType(err error) bool { return ErrorWord(err) == "WRONGTYPE" }

// ErrorWord returns the first word of a Redis error; "" for any other error.
func ErrorWord(err error) string {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return ""
	}
	word, _, _ := strings.Cut(reply.Error(), " ")
	return word
}
