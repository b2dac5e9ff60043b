package export_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/export"
)

// digest returns the JSON field with the digest of a content.
func digest(content string) string { return fmt.Sprintf(`"digest":"sha256:%s"`, content) }

// differences compares two crawls with these records.
func differences(t *testing.T, before, after string, condition string) ([]string, export.Comparison) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "before/pages-00001.jsonl", before)
	write(t, dir, "after/pages-00001.jsonl", after)
	var lines []string
	sum, err := export.Diff(t.Context(), open(t, filepath.Join(dir, "before")), open(t, filepath.Join(dir, "after")),
		where(t, condition),
		func(at string, err error) { t.Errorf("%s: %v", at, err) },
		func(d export.Difference) error { lines = append(lines, d.String()); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return lines, sum
}

func TestADiffReportsTheChangeOfEachPage(t *testing.T) {
	t.Parallel()
	const early, late = "01T00:00:01.000", "08T00:00:01.000"
	before := page("http://x/same", early, digest("a")) +
		page("http://x/changed", early, digest("b")) +
		page("http://x/dropped", early, digest("c")) +
		page("http://x/deleted", early, digest("d")) +
		page("http://x/down", early, digest("e")) +
		page("http://x/renamed", early, digest("f")) +
		page("http://x/redirected", early, digest("g")) +
		page("http://x/hop", early, digest("h")+`,"final_url":"http://x/landing"`) +
		page("http://x/was-404", early, `"outcome":"gone","status":404`) +
		page("http://x/still-404", early, `"outcome":"gone","status":404`) +
		page("http://x/unchanged", early, digest("i")) +
		page("http://x/abroad", early, digest("j")) +
		page("http://x/forbidden", early, `"outcome":"disallowed","status":0`)
	after := page("http://x/changed", "07T00:00:01.000", digest("old")) + // fetched twice
		page("http://x/changed", late, digest("b2")) +
		page("http://x/same", late, digest("a")) +
		page("http://x/deleted", late, `"outcome":"gone","status":410`) +
		page("http://x/down", late, `"outcome":"failed","status":503`) +
		page("http://x/new-name", late, digest("f")) +
		page("http://x/redirected", late, digest("g2")+`,"final_url":"http://x/now"`) +
		page("http://x/hop", late, digest("h")+`,"final_url":"http://x/landing"`) +
		page("http://x/was-404", late, digest("k")) +
		page("http://x/still-404", late, `"outcome":"gone","status":404`) +
		page("http://x/unchanged", late, `"outcome":"not_modified","status":304`) +
		page("http://x/abroad", late, `"outcome":"redirected","status":301,"final_url":"http://y/"`) +
		page("http://y/", late, digest("l")) +
		page("http://x/forbidden", late, `"outcome":"disallowed","status":0`) +
		page("http://x/new", late, digest("m")) +
		page("http://x/new-404", late, `"outcome":"gone","status":404`)
	lines, sum := differences(t, before, after, "")
	want := []string{
		"changed  http://x/changed  content",
		"changed  http://x/down  200 → 503",
		"moved    http://x/renamed  → http://x/new-name",
		"moved    http://x/redirected  → http://x/now",
		"new      http://x/was-404  was 404",
		"moved    http://x/abroad  → http://y/",
		"new      http://x/new",
		"gone     http://x/dropped  not met",
		"gone     http://x/deleted  410",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if sum.Same != 3 || sum.Changes[export.ChangeMoved] != 3 || sum.Changes[export.ChangeGone] != 2 {
		t.Errorf("the counts are %+v", sum)
	}
	lines, _ = differences(t, before, after, "host=y or url~chang")
	if diff := cmp.Diff([]string{"changed  http://x/changed  content", "new      http://y/"}, lines); diff != "" {
		t.Error(diff)
	}
	if lines, sum := differences(t, before, before, ""); len(lines) != 0 || sum.Same != 10 {
		t.Errorf("a crawl differs from itself by %q, and %d are the same", lines, sum.Same)
	}
	back, _ := differences(t, after, before, "")
	if len(back) == 0 || !strings.Contains(strings.Join(back, "\n"), "moved    http://x/new-name  → http://x/renamed") {
		t.Errorf("the reverse comparison gives %q", back)
	}
}

func TestRunsAreFoundByNameAndByFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, run := range []string{"news-20261101t060000", "news-20261102t060000", "news-20261102t180000", "news-extra",
		"site/earlier-20261101T000000.000Z", "site", "a@b"} {
		write(t, dir, run+"/pages-00001.jsonl", page("http://x/"+run, "01T00:00:01.000", ""))
	}
	for name, want := range map[string]string{
		"news@latest":              "news-20261102t180000",
		"news@previous":            "news-20261102t060000",
		"news@20261101":            "news-20261101t060000",
		"news@20261102t18":         "news-20261102t180000",
		"news@20261102T060000":     "news-20261102t060000",
		"news-20261101t060000":     "news-20261101t060000",
		"site":                     "site",
		"site@latest":              "site",
		"site@now":                 "site",
		"site@previous":            "site/earlier-20261101T000000.000Z",
		"site@20261101t000000.000": "site/earlier-20261101T000000.000Z",
		"a@b":                      "a@b",
	} {
		for _, where := range []struct{ out, name string }{{dir, name}, {"", filepath.Join(dir, name)},
			{"file://" + dir, name}} {
			c, err := export.Find(t.Context(), where.out, where.name)
			if err != nil {
				t.Errorf("%s of %q: %v", where.name, where.out, err)
				continue
			}
			if got, _ := mustExport(t, c, order(t, "", "", "url")); got != fmt.Sprintf(`{"url":"http://x/%s"}`+"\n",
				want) {
				t.Errorf("%s of %q is %s, want %s", where.name, where.out, got, want)
			}
		}
	}
	for name, why := range map[string]string{
		"news":          "has several runs: name one, as in news@latest",
		"news@2026":     "several runs that begin with",
		"news@20250101": `no run "20250101": there are 20261101t060000, 20261102t060000, 20261102t180000`,
		"news@":         `no run ""`,
		"olds@latest":   "has no runs",
		"olds":          "does not exist",
		"a@b@previous":  `no run "previous": there are now`,
	} {
		if _, err := export.Find(t.Context(), dir, name); err == nil ||
			!strings.Contains(strings.ReplaceAll(err.Error(), dir+"/", ""), why) {
			t.Errorf("%s: the error is %v, want %q", name, err, why)
		}
	}
}
