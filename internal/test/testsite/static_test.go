package testsite_test

import (
	"testing"
	"testing/fstest"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestAFolderIsServedUnchanged(t *testing.T) {
	t.Parallel()
	s := testsite.Serve(t, testsite.Static(fstest.MapFS{
		"index.html":         {Data: []byte("home")},
		"a b/index.html":     {Data: []byte("inner")},
		"empty/picture.PNG":  {Data: []byte("png")},
		"empty/no-extension": {Data: []byte("?")},
	}))
	for _, c := range []struct {
		name, path  string
		status      int
		contentType string
		location    string
		body        string
	}{
		{name: "the root", path: "/", status: 200, contentType: "text/html", body: "home"},
		{name: "an index by its name", path: "/index.html", status: 200, contentType: "text/html", body: "home"},
		{name: "a query", path: "/?a=b", status: 200, contentType: "text/html", body: "home"},
		{name: "a folder", path: "/a%20b/", status: 200, contentType: "text/html", body: "inner"},
		{name: "a folder without its slash", path: "/a%20b?c=d", status: 301, location: "/a%20b/?c=d"},
		{name: "a folder without an index", path: "/empty/", status: 404},
		{name: "a file", path: "/empty/picture.PNG", status: 200, contentType: "image/png", body: "png"},
		{name: "a file without an extension", path: "/empty/no-extension", status: 200,
			contentType: "application/octet-stream", body: "?"},
		{name: "a file with a slash", path: "/index.html/", status: 404},
		{name: "two slashes", path: "//index.html", status: 404},
		{name: "nothing", path: "/gone", status: 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			resp, body := get(t, s.URL(0, c.path))
			if resp.StatusCode != c.status {
				t.Fatalf("status is %d, want %d", resp.StatusCode, c.status)
			}
			if got := resp.Header.Get("Location"); got != c.location {
				t.Errorf("location is %q, want %q", got, c.location)
			}
			if got := resp.Header.Get("Content-Type"); c.status == 200 && got != c.contentType {
				t.Errorf("content type is %q, want %q", got, c.contentType)
			}
			if c.status == 200 && body != c.body {
				t.Errorf("body is %q, want %q", body, c.body)
			}
		})
	}
}
