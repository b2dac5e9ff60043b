package explain

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// TestScopeDependsOnTheRole explains a URL out of the job's scope for pages, as records say
// what it is.
func TestScopeDependsOnTheRole(t *testing.T) {
	t.Parallel()
	u, err := crawler.ParseURL("http://a.test/other/thing")
	if err != nil {
		t.Fatal(err)
	}
	job := crawler.DefaultJob()
	job.Seeds = []string{"http://a.test/docs/"}
	job.Include = []string{"/docs/"}
	job.Resources = true
	for name, c := range map[string]struct {
		record    *crawler.Record
		as, other Role
		inScope   bool
	}{
		"unknown":  {nil, "", AsResource, false},
		"page":     {&crawler.Record{}, AsPage, "", false},
		"resource": {&crawler.Record{Embeds: 1}, AsResource, "", true},
		"sitemap":  {&crawler.Record{Sitemap: 1}, AsSitemap, "", true},
	} {
		x := New(u.String(), u)
		x.Record = c.record
		if err := x.FromSettings(job, nil); err != nil {
			t.Fatal(err)
		}
		if x.As != c.as || x.Else != c.other || (x.Scope == "") != c.inScope {
			t.Errorf("%s: it is a %q, perhaps a %q, out of scope: %q; want %+v", name, x.As, x.Else, x.Scope, c)
		}
	}
}
