package fleet

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/spread"
)

// sums adds up what is counted, unless it is away. It stands for Redis.
type sums struct {
	away  bool
	calls int
	all   map[string]int64
}

func (s *sums) AddSpread(_ context.Context, job string, c spread.Counts) error {
	if s.calls++; s.away {
		return errors.New("Redis is away")
	}
	for name, n := range c {
		s.all[job+" "+name] += n.URLs
	}
	return nil
}

func TestPagesAreCountedOnceAlsoIfRedisIsAwayMeanwhile(t *testing.T) {
	t.Parallel()
	board := &sums{all: make(map[string]int64)}
	counts := newSpreads(board)
	add := func() error { return counts.add(t.Context(), true) }
	if err := add(); err != nil || board.calls > 0 {
		t.Errorf("nothing is added in %d calls, %v", board.calls, err)
	}
	page := result(t, "http://a.test/1")
	counts.hear("news", page)
	retried := result(t, "http://a.test/2")
	retried.Outcome = crawler.OutcomeRetry
	counts.hear("news", retried)
	unreached := result(t, "http://a.test/3")
	unreached.Outcome, unreached.Page = crawler.OutcomeFailed, nil
	counts.hear("news", unreached)
	board.away = true
	if err := add(); err == nil {
		t.Error("no error while Redis is away")
	}
	gone := result(t, "http://a.test/4")
	gone.Outcome, gone.Page.Status = crawler.OutcomeGone, 404
	counts.hear("news", gone)
	counts.hear("news", page)
	board.away = false
	if err := add(); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{"news d2": 2, "news b1": 2, "news s200": 2, "news s404": 1}
	if diff := cmp.Diff(want, board.all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	counts.hear("news", page)
	if err := counts.add(t.Context(), false); err != nil || board.calls != 2 {
		t.Errorf("there are %d calls, %v; the third should wait for a second", board.calls, err)
	}
}
