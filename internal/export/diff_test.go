package export_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/change"
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
		export.DiffOrder{Where: where(t, condition), Distance: change.TextDistance, Text: true,
			Damaged: func(at string, err error) { t.Errorf("%s: %v", at, err) }},
		func(p change.Page) error { lines = append(lines, p.String()); return nil })
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
		"back     http://x/was-404  was 404",
		"moved    http://x/abroad  → http://y/",
		"new      http://x/new",
		"gone     http://x/dropped  not met",
		"gone     http://x/deleted  410",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if sum.Same != 3 || sum.Changes[change.Moved] != 3 || sum.Changes[change.Gone] != 2 {
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

func TestARedirectThatLeadsElsewhereIsAMove(t *testing.T) {
	t.Parallel()
	const early, late = "01T00:00:01.000", "08T00:00:01.000"
	to := func(target string) string { return fmt.Sprintf(`%s,"final_url":"http://x/%s"`, digest(target), target) }
	before := page("http://x/short", early, to("a")) +
		page("http://x/steady", early, to("b")) +
		page("http://x/retired", early, digest("c")) +
		page("http://x/home", early, digest("home")) +
		page("http://x/returned", early, `"outcome":"redirected","status":302,"final_url":"http://y/"`)
	after := page("http://x/short", late, to("d")) +
		page("http://x/steady", late, to("b")) +
		page("http://x/retired", late, `"outcome":"redirected","status":301,"final_url":"http://x/home"`) +
		page("http://x/home", late, digest("home")) +
		page("http://x/returned", late, digest("e"))
	lines, sum := differences(t, before, after, "")
	want := []string{
		"moved    http://x/short  → http://x/d",
		"moved    http://x/retired  → http://x/home",
		"back     http://x/returned  was redirected",
		"gone     http://x/a  not met",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if sum.Same != 2 {
		t.Errorf("%d pages are the same, want 2", sum.Same)
	}
}

func TestADiffComparesTheTextAndNotWhatSurroundsIt(t *testing.T) {
	t.Parallel()
	const early, late = "01T00:00:01.000", "08T00:00:01.000"
	text := func(body, main string) string { return fmt.Sprintf(`%s,"text":%q`, digest(body), main) }
	print := func(body, simhash string) string { return fmt.Sprintf(`%s,"simhash":%q`, digest(body), simhash) }
	before := page("http://x/footer", early, text("1", "One line.\nAnother line.")) +
		page("http://x/edited", early, text("2", "First line.\nIt costs ten euros.\nLast line.")) +
		page("http://x/near", early, print("3", "132b651314c7f701")) +
		page("http://x/far", early, print("4", "132b651314c7f701")) +
		page("http://x/mixed", early, text("5", "One line."))
	after := page("http://x/footer", late, text("1b", "One line.\nAnother line.")) +
		page("http://x/edited", late, text("2b", "First line.\nIt costs nothing from now on.\nLast line.")) +
		page("http://x/near", late, print("3b", "132b651314c7f706")) +
		page("http://x/far", late, print("4b", "132b651314c7f70e")) +
		page("http://x/mixed", late, print("5b", "132b651314c7f701"))
	lines, sum := differences(t, before, after, "")
	want := []string{
		"changed  http://x/edited  content\n    @@ -1,3 +1,3 @@\n     First line.\n    -It costs ten euros.\n" +
			"    +It costs nothing from now on.\n     Last line.",
		"changed  http://x/far  content",
		"changed  http://x/mixed  content\n    @@ -1 +0,0 @@\n    -One line.",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
	if sum.Same != 2 || sum.Textless != 1 {
		t.Errorf("%d pages are the same and %d have no text, want 2 and 1", sum.Same, sum.Textless)
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

func TestTheRunBeforeIsTheLastOneThatIsUsable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, run := range []string{"news-20261101t060000", "news-20261102t060000", "news-20261103t060000",
		"news-20261105t060000", "news-old-20261103t060000"} {
		write(t, dir, run+"/pages-00001.jsonl", page("http://x/"+run, "01T00:00:01.000", ""))
	}
	write(t, dir, "news-20261104t060000/nothing", "")
	for run, want := range map[string]string{
		"news-20261105t060000": "news-20261102t060000", // the fourth has no records, and the third is not usable
		"news-20261102t060000": "news-20261101t060000",
		"news-20261101t060000": "",
		"news-20261102t070000": "news-20261102t060000",
	} {
		c, err := export.RunBefore(t.Context(), filepath.Join(dir, run), func(run string) (bool, error) {
			return run != "news-20261103t060000", nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if c != nil {
			got = filepath.Base(c.String())
		}
		if got != want {
			t.Errorf("before %s there is %q, want %q", run, got, want)
		}
	}
	for _, name := range []string{"news", "news-20261102", "-20261102t06000"} {
		if _, err := export.RunBefore(t.Context(), filepath.Join(dir, name), nil); err == nil ||
			!strings.Contains(err.Error(), "not the output of a run") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
