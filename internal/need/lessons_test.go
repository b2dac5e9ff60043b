package need

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"testing"
)

// kind is a kind of pages of a site.
type kind struct {
	pattern string
	pages   int
	need    func(i int) float64
	gains   func(i int) bool
}

func always(x float64) func(int) float64 { return func(int) float64 { return x } }
func all(x bool) func(int) bool          { return func(int) bool { return x } }

// mixed is a site of 6,000 pages: most are complete, some are shells, and in some only one page
// can tell.
var mixed = []kind{
	{"/blog/w", 1500, always(0), all(false)},
	{"/docs/w/w", 1500, always(0), all(false)},
	{"/news/N/w", 900, always(0.1), all(false)},
	{"/tag/w", 500, always(0.25), all(false)},
	{"/app/N", 700, always(0.95), all(true)},  // shells
	{"/list/N", 400, always(0), all(true)},    // complete at first sight: a late XHR adds the links
	{"/form/w", 100, always(0.5), all(false)}, // scripts, and little text
	{"/shop/M", 400, func(i int) float64 { return 0.9 * float64(i%4/3) }, func(i int) bool { return i%4 == 3 }},
}

func fingerprint(pattern string, i int) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", pattern, i)
	return h.Sum64()
}

func TestLessonsRenderWhatGainsAndLittleElse(t *testing.T) {
	t.Parallel()
	var l Lessons
	renders, least, found := 0, 0, 0
	for i := range 1500 { // page by page through all kinds, as a crawl meets them
		for _, k := range mixed {
			if i >= k.pages {
				continue
			}
			need := k.need(i)
			why, err := l.Decide(t.Context(), k.pattern, need, fingerprint(k.pattern, i))
			if err != nil {
				t.Fatal(err)
			}
			if k.gains(i) {
				least++
			}
			if why == "" {
				continue
			}
			renders++
			if k.gains(i) {
				found++
			}
			l.Learn(k.pattern, need, k.gains(i))
			l.Done(k.pattern, need)
		}
	}
	gained, cost := float64(found)/float64(least), float64(renders)/float64(least)
	t.Logf("%d renders found %d of the %d pages that gain: %.1f%%, at %.3f times the least number",
		renders, found, least, 100*gained, cost)
	if gained < 0.99 || cost > 1.1 {
		t.Errorf("rendered %.1f%% of the pages that gain, at %.3f times the least number of renders; want 99%% at 1.1",
			100*gained, cost)
	}
}

func TestAPatternThatChangesIsLearnedAgain(t *testing.T) {
	t.Parallel()
	var l Lessons
	decide := func(i int) bool {
		why, err := l.Decide(t.Context(), "/w", 0, fingerprint("/w", i))
		if err != nil {
			t.Fatal(err)
		}
		return why != ""
	}
	page, rendered := 0, 0
	for ; page < 2000; page++ {
		if decide(page) {
			rendered++
			l.Learn("/w", 0, false)
			l.Done("/w", 0)
		}
	}
	if rendered < 20 || rendered > 60 { // three trials, and one of 64
		t.Errorf("%d of 2000 static pages were rendered, want about 34", rendered)
	}
	missed := 0
	for ; page < 4000; page++ { // from now on, all pages gain
		if !decide(page) {
			missed++
			continue
		}
		l.Learn("/w", 0, true)
		l.Done("/w", 0)
	}
	if missed > 3*sampleEvery {
		t.Errorf("%d of 2000 pages were missed after the site changed", missed)
	}
}

func TestPagesWaitForTheTrialsOfTheirPattern(t *testing.T) {
	t.Parallel()
	var l Lessons
	for i := range trials {
		if why, err := l.Decide(t.Context(), "/w", 0, 1); why != WhyTry || err != nil {
			t.Fatalf("page %d is rendered because of %q: %v", i, why, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := l.Decide(ended, "/w", 0, 1); !errors.Is(err, context.Canceled) {
		t.Fatalf("a page did not wait for the trials: %v", err)
	}
	decided := make(chan Why)
	go func() {
		why, err := l.Decide(t.Context(), "/w", 0, 1)
		if err != nil {
			t.Error(err)
		}
		decided <- why
	}()
	for range trials {
		l.Learn("/w", 0, true)
		l.Done("/w", 0)
	}
	if why := <-decided; why != WhyLearned {
		t.Errorf("the page that waited is rendered because of %q, want %q", why, WhyLearned)
	}
	if why, err := l.Decide(ended, "/w", 0.9, 1); why != WhyTry || err != nil {
		t.Errorf("a page that looks empty waits: %q, %v", why, err)
	}
}

func TestWhatAHostHasTaughtHoldsForItsFurtherPatterns(t *testing.T) {
	t.Parallel()
	var l Lessons
	renders := 0
	for i := range 200 { // as a site whose pages have no pattern in common
		pattern := fmt.Sprintf("/%d/w", i)
		for range 3 {
			why, err := l.Decide(t.Context(), pattern, 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			if why != "" {
				renders++
				l.Learn(pattern, 0, false)
				l.Done(pattern, 0)
			}
		}
	}
	if want := hostTrials + 200 - hostTrials/trials; renders != want {
		t.Errorf("%d of 600 pages were rendered, want %d: three of each of the first patterns, then one", renders, want)
	}
}

func TestLessonsFadeWhenTheyAreFull(t *testing.T) {
	t.Parallel()
	l := Lesson{Gained: 255, Plain: 3}
	if got := l.Add(true); got != (Lesson{128, 1}) {
		t.Errorf("a full lesson becomes %+v", got)
	}
	if got := l.Add(false); got != (Lesson{255, 4}) {
		t.Errorf("a lesson becomes %+v", got)
	}
}
