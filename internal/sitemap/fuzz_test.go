package sitemap

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func FuzzRead(f *testing.F) {
	for _, body := range []string{
		`<?xml version="1.0" encoding="ISO-8859-1"?><s:urlset xmlns:s="x"><s:url><s:loc><![CDATA[/a]]></s:loc><lastmod>2024</lastmod></s:url></s:urlset>`,
		`<sitemapindex><sitemap>/a<sitemap><loc>/b<loc>/c</loc></sitemap>`,
		`<rss><channel><item><guid>https://example.com/</guid><pubDate>Thu, 05 Jan 17 13:34:52 +0100</pubDate></item>`,
		`<feed><entry><link rel=alternate href='?a'/></entry></feed>`,
		"\xff\xfeh\x00t\x00", "https://example.com/\n#\nx", gzipped("<urlset>"),
		`<!DOCTYPE a [<!ENTITY b "c">]><urlset>&b;`,
	} {
		f.Add([]byte(body), "utf-8")
	}
	f.Fuzz(func(t *testing.T, body []byte, charset string) {
		ended := false
		for l, err := range Read(bytes.NewReader(body),
			Config{At: home, Charset: charset, MaxURLs: 100, MaxBytes: 1 << 20}) {
			if ended {
				t.Fatal("an item follows the fault")
			}
			var refusal *Refusal
			if err != nil {
				ended = !errors.As(err, &refusal)
				continue
			}
			u, bad := crawler.ParseURL(l.URL.String())
			if bad != nil || u != l.URL {
				t.Errorf("location %q is %q when parsed again, %v", l.URL, u, bad)
			}
			if l.Priority < 0 || l.Priority > 1 || l.Changes != frequency(string(l.Changes)) ||
				l.Modified.Location() != time.UTC {
				t.Errorf("the item of %s is %+v", l.URL, l)
			}
		}
	})
}
