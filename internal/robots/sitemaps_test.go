package robots

import (
	"slices"
	"testing"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestARobotsPolicyNamesTheSitemapsForAJobThatReadsThem(t *testing.T) {
	t.Parallel()
	w := newRobotsTest(map[string]fetched.Page{robots: file("User-agent: *\nDisallow: /\nSitemap: https://maps.example/1.xml\nSitemap: /x/2.xml\n" +
		"Sitemap: 3.xml\nSitemap: //b.example/4.xml\nSitemap: ftp://example.com/5.xml\nSitemap: http://[\n")})
	if got := w.rule(t, w.Robots, page).Sitemaps; got != nil {
		t.Errorf("a job that reads no sitemaps gets %v", got)
	}
	w.job.Sitemaps = true
	var got []string
	for _, u := range w.rule(t, w.Robots, page).Sitemaps {
		got = append(got, u.String())
	}
	want := []string{"https://maps.example/1.xml", "https://example.com/x/2.xml", "https://example.com/3.xml",
		"https://b.example/4.xml"}
	if !slices.Equal(got, want) {
		t.Errorf("sitemaps %q, want %q", got, want)
	}
	w.job.IgnoreRobots = true
	if got := w.rule(t, w.otherProcess(), page).Sitemaps; got != nil {
		t.Errorf("a job that ignores robots.txt gets %v", got)
	}
}
