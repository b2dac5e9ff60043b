package tail

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAFilterAdmitsTheRowsThatSomeoneWantsToSee(t *testing.T) {
	t.Parallel()
	rows := []Row{
		{URL: "http://a.test/Page", Host: "a.test", Outcome: crawler.OutcomeFetched},
		{URL: "http://b.test/", Host: "b.test", Outcome: crawler.OutcomeFailed, Reason: "the server answered 500"},
		{URL: "http://b.test/x", Host: "b.test", Outcome: crawler.OutcomeGone, Reason: "the server answered 404"},
	}
	for name, c := range map[string]struct {
		filter Filter
		want   []Row
	}{
		"all":         {Filter{}, rows},
		"outcomes":    {Filter{Outcomes: []crawler.Outcome{crawler.OutcomeFailed, crawler.OutcomeGone}}, rows[1:]},
		"a host":      {Filter{Host: "A.te"}, rows[:1]},
		"a URL":       {Filter{Text: "page"}, rows[:1]},
		"a reason":    {Filter{Text: "ANSWERED 404"}, rows[2:]},
		"all at once": {Filter{Outcomes: []crawler.Outcome{crawler.OutcomeGone}, Host: "b", Text: "500"}, nil},
	} {
		if diff := cmp.Diff(c.want, c.filter.Pick(rows)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
