package robots

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rights"
)

// usageAt returns the preferences that apply to a path.
func usageAt(t *testing.T, rules *Rules, path string) map[string]string {
	t.Helper()
	var got map[string]string
	for _, p := range rules.Usage(parseURL(t, path)) {
		if got == nil {
			got = make(map[string]string)
		}
		got[p.Category] = p.Value
	}
	return got
}

func TestUsagePreferences(t *testing.T) {
	t.Parallel()
	no, yes := map[string]string{"train-ai": "n"}, map[string]string{"train-ai": "y"}
	for _, c := range []struct {
		name, file, path string
		want             map[string]string
	}{
		{"none", "User-agent: *\nDisallow: /b\n", "/a", nil},
		{"of all paths", "User-agent: *\nContent-Usage: train-ai=n\n", "/a", no},
		{"of another path", "User-agent: *\nContent-Usage: /b train-ai=n\n", "/a", nil},
		{"the longest path", "User-agent: *\nContent-Usage: /a/ train-ai=y\nContent-Usage: train-ai=n\n", "/a/b", yes},
		{"alone", "User-agent: *\nContent-Usage: search=n\nContent-Usage: /a train-ai=n\n", "/a", no},
		{"that states nothing", "User-agent: *\nContent-Usage: train-ai=n\nContent-Usage: /a\n", "/a", nil},
		{"with a tab", "User-agent: *\nContent-Usage: /a\ttrain-ai=n\n", "/a", no},
		{"with a pattern", "User-agent: *\nContent-Usage: /*.pdf$ train-ai=n\n", "/x.pdf", no},
		{"one path twice", "User-agent: *\nContent-Usage: /a train-ai=y\nContent-Usage: /a train-ai=n\nContent-Usage: /a train-ai=y\n",
			"/a", no},
		{"and for another category", "User-agent: *\nContent-Usage: /a train-ai=n\nContent-Usage: /a search=y\n", "/a",
			map[string]string{"train-ai": "n", "search": "y"}},
		{"before a comment", "User-agent: *\nContent-Usage: train-ai=n # not for this\n", "/a", no},
		{"of a disallowed path", "User-agent: *\nDisallow: /a\nContent-Usage: train-ai=n\n", "/a", nil},
		{"our own group before everyone's", "User-agent: *\nContent-Usage: train-ai=n\nUser-agent: trawl\nAllow: /\n", "/a", nil},
		{"of no group", "Content-Usage: train-ai=n\nUser-agent: *\nAllow: /\n", "/a", nil},
		{"that cannot be read", "User-agent: *\nContent-Usage: /a Train-AI=y\nContent-Usage: train-ai=n\n", "/a", no},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for reading, file := range map[string]string{"as it is": c.file, "as it is cached": condense([]byte(c.file))} {
				if diff := cmp.Diff(c.want, usageAt(t, Parse([]byte(file), "trawl"), c.path)); diff != "" {
					t.Errorf("preferences of the file %s (-want +got):\n%s", reading, diff)
				}
			}
		})
	}
}

// TestTheWorkedExampleOfUsagePreferences is the example of draft-ietf-aipref-attach.
func TestTheWorkedExampleOfUsagePreferences(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../shared/conformance/content_usage.json")
	if err != nil {
		t.Skip("the conformance data is not here:", err)
	}
	var data struct {
		Cases []struct {
			Robots string `json:"robots_txt"`
			Checks []struct {
				Agent string `json:"user_agent"`
				Path  string
				Crawl bool
				Usage map[string]string
			}
		}
	}
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	for _, c := range data.Cases {
		for _, check := range c.Checks {
			rules := Parse([]byte(c.Robots), check.Agent)
			if got := rules.Allowed(parseURL(t, check.Path)); got != check.Crawl {
				t.Errorf("%s %s: allowed %v, want %v", check.Agent, check.Path, got, check.Crawl)
			}
			if diff := cmp.Diff(check.Usage, usageAt(t, rules, check.Path)); diff != "" {
				t.Errorf("%s %s: preferences (-want +got):\n%s", check.Agent, check.Path, diff)
			}
		}
	}
}

func TestWhatAFileSaysAboutTheUseOfPages(t *testing.T) {
	t.Parallel()
	rules := Parse([]byte("License: https://a.example/l.xml\nLicense: relative\nLicense: http://10.0.0.1/l.xml\n"+
		"User-agent: *\nContent-Usage: /a Search=n\nContent-Usage: train-ai=n\nContent-Signal: search=yes\n"+
		"License: https://a.example/l.xml\n"), "trawl")
	u := parseURL(t, "/a")
	rules.source = &fetched.RobotsText{Origin: u.Origin(), At: time.UnixMilli(1_700_000_000_000)}
	at := func(v string, what, value, err string) crawler.Statement {
		return crawler.Statement{Vocabulary: v, Statement: what, Value: value, Source: rights.InRobots,
			Where: u.Origin() + "/robots.txt", At: "2023-11-14T22:13:20.000Z", Error: err}
	}
	got := rules.Rights(u)
	if len(got) > 0 && got[len(got)-1].Error != "" {
		got[len(got)-1].Error = "an error"
	}
	want := []crawler.Statement{
		at(rights.VocabularyAIPref, "train-ai", "n", ""),
		at(rights.VocabularySignal, "search", "yes", ""),
		at(rights.VocabularyRSL, "license", "https://a.example/l.xml", ""),
		at(rights.VocabularyRSL, "license", "http://10.0.0.1/l.xml", ""),
		at(rights.VocabularyAIPref, "content-usage", "Search=n", "an error"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
	if rules := Parse([]byte("User-agent: *\nDisallow: /a\n"), "trawl"); rules.speaks() {
		t.Error("a file that says nothing about the use of pages seems to")
	}
}
