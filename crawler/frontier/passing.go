package frontier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// passes are the errors of a Redis that passes: it is full, reads its data, is
// or has become a replica, can not write to disk, or its Cluster is being mended.
var passes = []string{"OOM", "LOADING", "READONLY", "MASTERDOWN", "NOREPLICAS", "MISCONF", "CLUSTERDOWN", "TRYAGAIN", "BUSY"}

// passing makes an error that is of a Redis that can not be had now wrap
// [crawler.ErrUnavailable], and returns others as they are.
func passing(err error) error {
	var reply redis.Error
	var network net.Error
	switch {
	case errors.Is(err, crawler.ErrUnavailable):
		return err
	case errors.As(err, &reply):
		if !slices.Contains(passes, errorWord(err)) {
			return err
		}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout):
	default:
		return err
	}
	return fmt.Errorf("%w: %w", crawler.ErrUnavailable, err)
}

// refusals are the errors of a Redis that answers reads and refuses writes.
var refusals = []string{"OOM", "READONLY", "MISCONF", "NOREPLICAS"}

// refusesWrites reports whether an error is of a Redis that takes no writes now.
func refusesWrites(err error) bool { return slices.Contains(refusals, errorWord(err)) }

// isWrongType reports whether an error says that a key is of another type than
// it should be.
func isWrongType(err error) bool { return errorWord(err) == "WRONGTYPE" }

// errorWord is the word that an error of Redis begins with; "" of any other error.
func errorWord(err error) string {
	var reply redis.Error
	if !errors.As(err, &reply) {
		return ""
	}
	word, _, _ := strings.Cut(reply.Error(), " ")
	return word
}
