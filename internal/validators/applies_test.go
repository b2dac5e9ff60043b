package validators

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestWhichJobsMakeConditionalRequests(t *testing.T) {
	t.Parallel()
	const auto, always, never = crawler.ConditionalAuto, crawler.ConditionalAlways, crawler.ConditionalNever
	copies := func(j *crawler.Job) { j.Format = []string{"jsonl", "mirror"} }
	handled := func(j *crawler.Job) { j.Handlers = []string{"shop"} }
	continuous := func(j *crawler.Job) { j.Recrawl.Budget.Fetches = 100 }
	compared := func(j *crawler.Job) { j.NearDuplicates = crawler.NearDuplicatesRecord }
	where := func(j *crawler.Job) { j.FollowRules = []crawler.FollowRule{{Where: "status=200"}} }
	for _, c := range []struct {
		name        string
		kind        crawler.Conditional
		again       bool
		change      func(*crawler.Job)
		want, keeps bool
	}{
		{"a job that runs once", auto, false, nil, false, false},
		{"a run of a periodic job", auto, true, nil, true, false},
		{"a job of an older version", "", true, nil, true, false},
		{"any job, if it says so", always, false, nil, true, true},
		{"no job, if it says so", never, true, continuous, false, true},
		{"a continuous job", auto, false, continuous, true, true},
		{"a copy of a site", auto, true, copies, false, false},
		{"a copy of a site, if it says so", always, true, copies, true, true},
		{"handlers", auto, true, handled, false, false},
		{"handlers, if the job says so", always, true, handled, true, true},
		{"near duplicates", always, true, compared, false, true},
		{"rules with conditions", always, true, where, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := crawler.DefaultJob()
			j.Conditional = c.kind
			if c.change != nil {
				c.change(&j)
			}
			if got := Applies(j, c.again); got != c.want {
				t.Errorf("its requests are conditional: %v, want %v", got, c.want)
			}
			if got := Repeats(j); got != c.keeps {
				t.Errorf("it remembers its own pages: %v, want %v", got, c.keeps)
			}
		})
	}
}
