package visit_test

import (
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

const (
	german  = "<p>Der Hund und die Katze sind nicht in dem Haus, aber sie haben mit den Kindern auf der Straße gespielt, und das ist auch gut so.</p>"
	english = "<p>The dog and the cat are not in the house, but they have played with the children in the street, and that is just as well.</p>"
)

func TestFollowRulesDependOnThePage(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{
		"/de":   "<main>" + german + german + "</main>" + links("/from-de"),
		"/en":   "<main>" + english + english + "</main>" + links("/from-en"),
		"/none": links("/from-none"),
	})
	for name, c := range map[string]struct {
		where string
		want  map[string]bool
	}{
		"by language": {
			"language = deu", map[string]bool{"/from-de": true, "/from-en": false, "/from-none": false},
		},
		"by a counter": {
			"quality.words > 20 and text_share > 0.5",
			map[string]bool{"/from-de": true, "/from-en": true, "/from-none": false},
		},
		"by a custom field": {
			"fields.p ~ ^The", map[string]bool{"/from-de": false, "/from-en": true, "/from-none": false},
		},
		"by its text": {
			"text ~ Katze or title = links and text !~ dog",
			map[string]bool{"/from-de": true, "/from-en": false, "/from-none": true},
		},
		"by a missing field": {
			"language != deu", map[string]bool{"/from-de": false, "/from-en": true, "/from-none": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crawl := newCrawl(t, site, func(j *crawler.Job) {
				j.Text, j.Select = true, []string{"p=p"}
				j.FollowRules = []crawler.FollowRule{{Where: c.where}}
			}).seed("/de", "/en", "/none")
			crawl.finish()
			for path, want := range c.want {
				fetched := slices.ContainsFunc(crawl.sink.records(),
					func(r crawler.Record) bool { return r.URL == crawl.site.URL(0, path) })
				if fetched != want {
					t.Errorf("%s: fetched %v, want %v", path, fetched, want)
				}
			}
		})
	}
}
