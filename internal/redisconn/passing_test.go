package redisconn

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
)

func TestErrorsThatPassAreTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		passes bool
	}{
		{redis.ErrPoolTimeout, true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{redis.ErrClosed, false},
		{errors.New("what is this"), false},
	} {
		if got := errors.Is(Passing(fmt.Errorf("call: %w", c.err)), queue.ErrUnavailable); got != c.passes {
			t.Errorf("%v passes: %v, want %v", c.err, got, c.passes)
		}
	}
}
