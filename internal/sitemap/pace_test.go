package sitemap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestFeedsSayForHowLongTheyStayAsTheyAre(t *testing.T) {
	t.Parallel()
	const (
		module = `"http://purl.org/rss/1.0/modules/syndication/"`
		rss    = `<rss xmlns:sy=` + module + `><channel>%s<item><link>http://a.test/1</link></item></channel></rss>`
		atom   = `<feed xmlns="http://www.w3.org/2005/Atom" xmlns:s=` + module +
			`>%s<entry><link href="http://a.test/1"/></entry></feed>`
		rdf = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:sy=` +
			module + `><channel>%s</channel><item><link>http://a.test/1</link></item></rdf:RDF>`
	)
	const hourly = `<sy:updatePeriod> hourly </sy:updatePeriod>`
	for name, c := range map[string]struct {
		form, says string
		want       time.Duration
	}{
		"nothing":                       {rss, "", 0},
		"a time to live, in minutes":    {rss, "<ttl>60</ttl>", time.Hour},
		"a period":                      {rss, hourly, time.Hour},
		"a period in an Atom feed":      {atom, "<s:updatePeriod>daily</s:updatePeriod>", 24 * time.Hour},
		"a period in RSS 1.0":           {rdf, hourly, time.Hour},
		"several times in a period":     {rss, hourly + "<sy:updateFrequency>4</sy:updateFrequency>", 15 * time.Minute},
		"several times, without period": {rss, "<sy:updateFrequency>24</sy:updateFrequency>", time.Hour},
		"two times: the longer one":     {rss, "<ttl>30</ttl>" + hourly, time.Hour},
		"a time that is no number":      {rss, "<ttl>soon</ttl>", 0},
		"a negative time":               {rss, "<ttl>-5</ttl>", 0},
		"too long a time":               {rss, "<ttl>99999999999</ttl>", 0},
		"a period of no known name":     {rss, "<sy:updatePeriod>often</sy:updatePeriod>", 0},
		"an element that is not closed": {rss, "<ttl>60", 0},
		"a time in an item":             {rss, "<item><ttl>60</ttl><link>http://a.test/2</link></item>", 0},
		"a period in an item":           {rss, "<item>" + hourly + "<link>http://a.test/2</link></item>", 0},
	} {
		var got time.Duration
		var last crawler.URL
		for l, err := range Read(strings.NewReader(fmt.Sprintf(c.form, c.says)), Config{Keeps: &got}) {
			if err != nil && name != "an element that is not closed" {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil {
				last = l.URL
			}
		}
		if got != c.want || last.String() != "http://a.test/1" {
			t.Errorf("%s: it stays as it is for %v, want %v; its last item is %q", name, got, c.want, last)
		}
	}
}
