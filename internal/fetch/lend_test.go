package fetch

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// refusal fetches a URL, and returns the reason of a refusal; "" if the fetch is allowed.
func refusal(t *testing.T, f *Fetcher, url string) string {
	t.Helper()
	u, err := crawler.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := f.Fetch(t.Context(), fetched.Request{URL: u, UserAgent: "test", Timeout: time.Minute,
		BodyLimit: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer page.Release()
	if page.Fault == nil {
		return ""
	}
	return page.Fault.Text
}

func TestAnAddressAllowedForAJobIsClosedToOtherJobs(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.NotFoundHandler())
	defer site.Close()
	own, err := New(Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	host := crawler.Host(strings.TrimPrefix(site.URL, "http://"))
	for what, opened := range map[string]queue.Opened{
		"its host":              {Hosts: []crawler.Host{host}},
		"its network":           {Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}},
		"all private addresses": {Private: true},
	} {
		lent := own.Lend(opened)
		if refused := refusal(t, lent, site.URL); refused != "" {
			t.Errorf("%s is allowed for a job, but refused: %s", what, refused)
		}
		if refused := refusal(t, own, site.URL); !strings.Contains(refused, "loopback") {
			t.Errorf("%s is allowed for one job, but another job can fetch from it (%q)", what, refused)
		}
		if other := own.Lend(queue.Opened{}); refusal(t, other, site.URL) == "" {
			t.Errorf("%s is allowed for one job, but a job without permissions can fetch from it", what)
		}
		lent.Close()
	}
	if own.Reaches(t.Context(), host) == nil {
		t.Error("a host was fetched that the guard refuses")
	}
	lent := own.Lend(queue.Opened{})
	defer lent.Close()
	if lent.Allows(host) {
		t.Error("a host is allowed that the job does not name")
	}
	if lent.AllowLent(host); !lent.Allows(host) || refusal(t, lent, site.URL) != "" ||
		lent.Reaches(t.Context(), host) != nil {
		t.Error("a host that is allowed later is refused")
	}
}

func TestCloudMetadataIsNeverAllowed(t *testing.T) {
	t.Parallel()
	own, err := New(Config{TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	lent := own.Lend(queue.Opened{
		Hosts: []crawler.Host{"169.254.169.254", "100.100.100.200"}, Private: true,
		Networks: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	})
	defer lent.Close()
	for _, text := range []string{
		"169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fe80::1",
		"::ffff:169.254.169.254",
		"64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "fd00::5efe:169.254.169.254",
	} {
		a := netip.MustParseAddr(text)
		if lent.guard.Judge(a, 80, lent.guard.Opening("169.254.169.254:80")) == nil {
			t.Errorf("%s is allowed", a)
		}
	}
	for _, text := range []string{"10.0.0.1", "fd00::1", "127.0.0.1"} {
		if err := lent.guard.Judge(netip.MustParseAddr(text), 12345, nil); err != nil {
			t.Errorf("%s is refused: %v", text, err)
		}
	}
}
