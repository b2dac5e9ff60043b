package main_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestABareHostIsTriedWithHTTPSThenHTTP(t *testing.T) {
	t.Parallel()
	plain := testsite.Serve(t, bodyServer{"/": "a page", "/docs": "another"})
	secure := httptest.NewTLSServer(bodyServer{"/": "a page"})
	t.Cleanup(secure.Close)
	at := strings.TrimPrefix(secure.URL, "https://")
	s := newShell(t)
	s.run("crawl", plain.Hosts()[0], "--delay", "0", "--out", "plain").
		exits(done, "using "+plain.URL(0, "/")+" for "+plain.Hosts()[0]+": https does not work", "1 fetched")
	s.run("crawl", at, "--delay", "0", "--insecure", at, "--out", "secure").exits(done,
		"using "+secure.URL+"/ for "+at+"\n", "1 fetched")
	// Probing ignores certificates, the crawl checks them: it does not fall back to plain HTTP.
	s.run("crawl", at, "--delay", "0", "--host-tries", "1", "--robots-tries", "1", "--out", "untrusted").exits(nothing,
		"using "+secure.URL+"/ for "+at+"\n", "certificate")
	local := strings.Replace(plain.Hosts()[0], "127.0.0.1", "localhost", 1)
	s.run("fetch", local+"/docs", "--delay", "0").exits(done, "using http://"+local+"/docs for "+local+"/docs: ",
		"1 fetched")
}

func TestOtherArgumentsAreNotTakenForBareHosts(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.write("127.0.0.1", aURL+"\n") // a file with the name of a host
	for command, says := range map[string]string{
		"crawl nowhere":                    "it has no scheme",
		"crawl mailto:a@b.test":            "only http and https",
		"crawl tel:123":                    "only http and https",
		"crawl a@127.0.0.1":                "it has no scheme",
		"crawl 127.0.0.1:99999":            `"127.0.0.1:99999"`,
		"fetch nosuch.txt":                 "neither a URL",
		"fetch nosuch.zip":                 "neither a URL",
		"fetch nosuch/list.txt":            "neither a URL",
		"crawl " + aURL + "?127.0.0.1:1/a": "nothing could be fetched",
	} {
		status := usage
		args := strings.Fields(command)
		if strings.Contains(command, aURL) {
			status = nothing
			args = append(args, "--host-tries", "1", "--robots-tries", "1", "--retries", "0")
		}
		s.run(args...).exits(status, says)
	}
	s.run("fetch", "127.0.0.1", "--allow-private", "--host-tries", "1", "--robots-tries", "1", "--retries",
		"0").exits(nothing, aURL)
}

// The scheme is found without an HTTP request, so the page is requested once.
func TestProbingTheSchemeMakesNoRequest(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t,
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a page")) }))
	newShell(t).run("fetch", site.Hosts()[0], "--ignore-robots", "--delay", "0").exits(done)
	if n := len(site.Requests()); n != 1 {
		t.Errorf("%d requests were made, want 1", n)
	}
}
