package fetch

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/guard"
)

// fetchAt fetches a URL with a fetcher that may connect to loopback addresses, and allows the
// URL's port if portOpen is set.
func fetchAt(t *testing.T, cfg Config, url string, portOpen bool) *fetched.Page {
	t.Helper()
	f, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	req := request(t, url)
	req.PortOpen = portOpen
	return get(t, f, req)
}

func TestNoRequestIsSentToAPortThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server received a request") })
	page := fetchAt(t, Config{AllowPrivate: true, Ports: ports(t, "80", "443", "8000-9000")}, server.URL, false)
	wantFault(t, page, fetched.FaultBlocked, false)
	port := server.URL[strings.LastIndex(server.URL, ":")+1:]
	if want := "--ports " + port + " opens it"; !strings.Contains(page.Fault.Text, want) {
		t.Errorf("got %q, want it to name the setting: %q", page.Fault.Text, want)
	}
}

func TestThePortOfASeedIsAllowed(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	cfg := Config{AllowPrivate: true, Ports: ports(t, "80", "443", "8000-9000")}
	wantNoFault(t, fetchAt(t, cfg, server.URL, true))
	cfg.AllowHosts = []crawler.Host{parse(t, server.URL).Host()}
	wantNoFault(t, fetchAt(t, cfg, server.URL, false))
}

// ports parses a list of ports.
func ports(t testing.TB, texts ...string) guard.Ports {
	t.Helper()
	p, err := guard.ParsePorts(texts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
