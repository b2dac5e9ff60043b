package change

import (
	"fmt"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// looked returns the state of a URL with an outcome, a status, and a content.
func looked(o crawler.Outcome, status uint16, content string) State {
	return State{Status: status, Content: Hash(content)}.WithOutcome(o)
}

// written returns the state of a page with a main text.
func written(body, text string) State {
	s := looked(crawler.OutcomeFetched, 200, body)
	s.Text, s.Main = simhash.Of(text), true
	return s
}

func TestTwoLooksAtAURLGiveItsClass(t *testing.T) {
	t.Parallel()
	var (
		unknown    State
		page       = looked(crawler.OutcomeFetched, 200, "a")
		other      = looked(crawler.OutcomeFetched, 200, "b")
		unmodified = looked(crawler.OutcomeNotModified, 304, "")
		gone       = looked(crawler.OutcomeGone, 404, "")
		goneToo    = looked(crawler.OutcomeGone, 410, "")
		away       = looked(crawler.OutcomeRedirected, 301, "http://x/b")
		elsewhere  = looked(crawler.OutcomeRedirected, 301, "http://x/c")
		somewhere  = looked(crawler.OutcomeRedirected, 301, "")
		down       = looked(crawler.OutcomeFailed, 503, "")
		forbidden  = looked(crawler.OutcomeDisallowed, 0, "")
		future     = looked("invented_later", 0, "")
	)
	for _, c := range []struct {
		was, now State
		want     Class
	}{
		{unknown, unknown, None}, {unknown, page, New}, {unknown, gone, None}, {unknown, away, None},
		{page, page, Unchanged}, {page, other, Changed}, {page, unmodified, Unchanged}, {page, unknown, Gone},
		{page, gone, Gone}, {page, away, Moved}, {page, down, Changed}, {page, forbidden, Changed},
		{unmodified, unmodified, Unchanged}, {unmodified, page, Changed}, {unmodified, goneToo, Gone},
		{gone, page, Back}, {gone, gone, None}, {gone, goneToo, Changed}, {gone, unknown, None},
		{away, page, Back}, {away, away, None}, {away, elsewhere, Moved}, {away, somewhere, None},
		{down, page, Back}, {down, gone, Gone}, {down, down, None}, {down, away, Changed},
		{forbidden, page, New}, {forbidden, forbidden, None}, {future, page, New}, {page, future, Changed},
	} {
		t.Run(fmt.Sprintf("%v to %v", c.was, c.now), func(t *testing.T) {
			t.Parallel()
			if got := Classify(c.was, c.now, TextDistance); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestTextsAreComparedByTheirDistance(t *testing.T) {
	t.Parallel()
	was := written("1", "the quick brown fox jumps over the lazy dog")
	same, changed := written("2", "The quick brown fox jumps over the lazy dog!"), written("3", "no fox at all is here")
	near, far, surroundings := was, was, was
	near.Text, near.Content = was.Text^0b111, Hash("4")
	far.Text, far.Content = was.Text^0b1111, Hash("5")
	surroundings.Main, surroundings.Content = false, Hash("6")
	for name, c := range map[string]struct {
		now      State
		distance int
		want     Class
	}{
		"the same words in another body":   {same, 0, Unchanged},
		"and compared exactly":             {same, Exact, Changed},
		"other words":                      {changed, TextDistance, Changed},
		"other words, however far":         {changed, 64, Unchanged},
		"three bits":                       {near, TextDistance, Unchanged},
		"three bits, where none may":       {near, 0, Changed},
		"four bits":                        {far, TextDistance, Changed},
		"a main text beside a whole one":   {surroundings, TextDistance, Changed},
		"a text that is no longer known":   {looked(crawler.OutcomeFetched, 200, "7"), TextDistance, Changed},
		"the same body without its text":   {looked(crawler.OutcomeFetched, 200, "1"), TextDistance, Unchanged},
		"the same text, with another code": {func() State { s := same; s.Status = 203; return s }(), TextDistance, Changed},
	} {
		if got := Classify(was, c.now, c.distance); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
