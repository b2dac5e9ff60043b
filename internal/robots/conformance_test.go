package robots

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// conformance has the fields of the conformance data that the tests use.
type conformance struct {
	Cases []struct {
		ID     string
		Text   string `json:"robots_txt"`
		Base64 []byte `json:"robots_txt_base64"`
		Checks []check
	}
	Statuses []struct {
		ID        string
		Responses []struct {
			Status       int
			NetworkError string `json:"network_error"`
			Location     string
			Body         string
			Origin       string
			OtherOrigin  string  `json:"other_origin"`
			AfterHours   float64 `json:"after_hours"`
		}
		Expected string
	} `json:"status_cases"`
	Generated []struct {
		ID       string
		Generate struct {
			Prefix, Filler, Suffix string
			Until                  int `json:"filler_until_bytes"`
		}
		Checks []check
	} `json:"generated_cases"`
}

type check struct {
	UserAgent   string `json:"user_agent"`
	URL         string
	Allowed     bool
	RFCExpected *bool  `json:"rfc_expected"`
	RFC         string `json:"rfc9309"`
	Class       string
	CrawlDelay  *float64 `json:"crawl_delay"`
	Sitemaps    []string
	Base        string `json:"robots_url_base"`
}

func readConformance(t *testing.T) conformance {
	t.Helper()
	data, err := os.ReadFile("../../../shared/conformance/robots.json")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	if err != nil {
		t.Fatal(err)
	}
	var c conformance
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// passes reports whether the body gives the result that the check expects.
func (c check) passes(t *testing.T, body []byte) bool {
	rules := Parse(body, c.UserAgent)
	switch c.Class {
	case "crawl-delay":
		want := time.Duration(0)
		if c.CrawlDelay != nil {
			want = time.Duration(*c.CrawlDelay * float64(time.Second))
		}
		return rules.CrawlDelay() == want
	case "sitemap":
		return slices.Equal(resolved(t, c.Base, rules.Sitemaps()), c.Sitemaps)
	}
	var u crawler.URL
	if c.URL != "" {
		u = mustParse(t, c.URL)
	}
	want := c.Allowed
	if c.RFC == "conflict" {
		want = *c.RFCExpected
	}
	return rules.Allowed(u) == want
}

// resolved makes addresses absolute if possible.
func resolved(t *testing.T, base string, addresses []string) []string {
	if !strings.HasPrefix(base, "http") {
		return addresses
	}
	b := mustParse(t, base).Base()
	urls := make([]string, 0, len(addresses))
	for _, a := range addresses {
		if u, err := b.Resolve(a); err == nil {
			urls = append(urls, u.String())
		}
	}
	return urls
}

func TestConformance(t *testing.T) {
	t.Parallel()
	type count struct{ passed, total int }
	beyond := map[string]*count{} // the checks of the standard, by label and class
	mandated := 0
	for _, file := range readConformance(t).Cases {
		body := append(file.Base64, file.Text...)
		for _, c := range file.Checks {
			passed := c.passes(t, body)
			if c.RFC == "yes" || c.RFC == "conflict" {
				mandated++
				if !passed {
					t.Errorf("%s: %q, %s: differs from RFC 9309", file.ID, c.UserAgent, c.URL)
				}
				continue
			}
			n := beyond[c.RFC+", "+c.Class]
			if n == nil {
				n = &count{}
				beyond[c.RFC+", "+c.Class] = n
			}
			n.total++
			if passed {
				n.passed++
			} else {
				t.Logf("%s: %q, %s: differs from the source (%s)", file.ID, c.UserAgent, c.URL, c.RFC)
			}
		}
	}
	t.Logf("mandated: %d checks", mandated)
	for label, n := range beyond {
		t.Logf("%s: %d of %d", label, n.passed, n.total)
	}
}

func TestConformanceOfGeneratedFiles(t *testing.T) {
	t.Parallel()
	for _, file := range readConformance(t).Generated {
		g := file.Generate
		repeats := (g.Until - len(g.Prefix) + len(g.Filler) - 1) / len(g.Filler)
		body := []byte(g.Prefix + strings.Repeat(g.Filler, repeats) + g.Suffix)
		for _, c := range file.Checks {
			if !c.passes(t, body) {
				t.Errorf("%s: %q, %s: differs from RFC 9309", file.ID, c.UserAgent, c.URL)
			}
		}
	}
}

func TestConformanceOfStatuses(t *testing.T) {
	t.Parallel()
	for _, c := range readConformance(t).Statuses {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			w := newRobotsTest(map[string]fetched.Page{})
			at := robots
			for _, r := range c.Responses {
				answer := status(r.Status)
				switch {
				case r.NetworkError != "":
					answer = fault(fetched.FaultConnect, r.NetworkError, true)
				case r.Body != "":
					answer = file(r.Body)
				case r.Location != "":
					answer = redirect(t, "https://example.com"+r.Location)
				case r.Status == 0:
					continue
				}
				w.fakeWeb.answer(at, answer)
				at = answer.Location.String()
			}
			switch c.Expected {
			case "allow-all":
				allows(t, w.rule(t, w.Robots, page), page, true)
			case "rules":
				allows(t, w.rule(t, w.Robots, page), page, false)
				allows(t, w.rule(t, w.Robots, page), "https://example.com/y", true)
			case "disallow-all":
				if w.rule(t, w.Robots, page).Allowed != nil {
					t.Error("a page may be fetched")
				}
			case "refetch":
				w.rule(t, w.Robots, page)
				w.clock.advance(time.Duration(c.Responses[1].AfterHours * float64(time.Hour)))
				w.rule(t, w.Robots, page)
				w.wantRequests(t, robots, robots)
			case "separate":
				one, other := c.Responses[0].Origin, c.Responses[0].OtherOrigin
				w.fakeWeb.answer(one+"/robots.txt", file("User-agent: *\nDisallow: /\n"))
				allows(t, w.rule(t, w.Robots, one+"/x"), one+"/x", false)
				allows(t, w.rule(t, w.Robots, other+"/x"), other+"/x", true)
			default:
				t.Errorf("unknown expectation %q", c.Expected)
			}
		})
	}
}
