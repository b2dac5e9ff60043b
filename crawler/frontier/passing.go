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
	case errors.As(err, &reply):
		word, _, _ := strings.Cut(reply.Error(), " ")
		if !slices.Contains(passes, word) {
			return err
		}
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded), errors.Is(err, redis.ErrPoolTimeout):
	default:
		return err
	}
	return fmt.Errorf("%w: %w", crawler.ErrUnavailable, err)
}
