package linkcheck_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/linkcheck"
)

const site = "http://127.0.0.1"

// record returns a record of a path, which ended so.
func record(path string, outcome crawler.Outcome, change func(*crawler.Record)) crawler.Record {
	rec := crawler.Record{
		URL: site + path, FinalURL: site + path, Outcome: outcome, FetchedAt: "2026-01-02T03:04:05.000Z",
		Referrer: site + "/first",
	}
	switch outcome {
	case crawler.OutcomeGone:
		rec.Status, rec.ErrorClass, rec.Error = 404, crawler.ErrorHTTP, "the server answered 404 Not Found"
	case crawler.OutcomeFetched:
		rec.Status = 200
	}
	if change != nil {
		change(&rec)
	}
	return rec
}

func link(from, to, text string) fetched.LinkRecord {
	return fetched.LinkRecord{From: site + from, To: site + to, Text: text, Kind: fetched.ReferenceAnchor}
}

// find writes an output and returns what is found there.
func find(
	t *testing.T, cfg linkcheck.Config, records []crawler.Record, links []fetched.LinkRecord,
) *linkcheck.Report {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, each func(*json.Encoder) error) {
		var b strings.Builder
		if err := each(json.NewEncoder(&b)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("pages-00001.jsonl", func(e *json.Encoder) (err error) {
		for _, r := range records {
			if err = e.Encode(r); err != nil {
				return err
			}
		}
		return nil
	})
	if links != nil {
		write("links-00001.jsonl", func(e *json.Encoder) (err error) {
			for _, l := range links {
				if err = e.Encode(l); err != nil {
					return err
				}
			}
			return nil
		})
	}
	crawl, err := export.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer crawl.Close()
	report, err := linkcheck.Find(t.Context(), crawl, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// lines describes findings: kind, path, target, and pages with texts.
func lines(r *linkcheck.Report) (all []string) {
	for _, f := range r.Findings {
		text := string(f.Kind) + " " + strings.TrimPrefix(f.URL, site)
		if f.To != "" {
			text += " to " + strings.TrimPrefix(f.To, site)
		}
		for _, p := range f.Pages {
			text += " on " + strings.TrimPrefix(p.URL, site) + p.Text
		}
		all = append(all, text)
	}
	return all
}

func want(t *testing.T, r *linkcheck.Report, expected ...string) {
	t.Helper()
	if diff := cmp.Diff(expected, lines(r)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestALinkSharesTheFateOfWhereItsRedirectsLead(t *testing.T) {
	t.Parallel()
	to := func(path string, also ...string) func(*crawler.Record) {
		return func(r *crawler.Record) {
			for _, p := range append(also, path) {
				r.Redirects = append(r.Redirects, site+p)
			}
			r.FinalURL = site + path
		}
	}
	want(t, find(t, linkcheck.Config{}, []crawler.Record{
		record("/gone", crawler.OutcomeGone, nil),
		record("/away", crawler.OutcomeRedirected, to("/hop")),
		record("/hop", crawler.OutcomeRedirected, to("/gone")),
		record("/within", crawler.OutcomeGone, to("/end", "/middle")),
		record("/round", crawler.OutcomeRedirected, to("/about")),
		record("/about", crawler.OutcomeRedirected, to("/round")),
		record("/fine", crawler.OutcomeFetched, nil),
	}, []fetched.LinkRecord{
		link("/a", "/away", ""), link("/a", "/within", ""), link("/a", "/middle", ""), link("/a", "/round", ""),
		link("/a", "/fine", ""), link("/a", "/unknown", ""),
	}), "broken /away to /gone on /a", "broken /middle to /end on /a", "broken /within to /end on /a")
}

func TestEachPageIsCountedOnceAndTheFirstAreListed(t *testing.T) {
	t.Parallel()
	var links []fetched.LinkRecord
	for i := range 250 {
		page := fmt.Sprintf("/%03d", 249-i)
		links = append(links, link(page, "/gone", ""), link(page, "/gone", "Gone"))
	}
	gone := []crawler.Record{record("/gone", crawler.OutcomeGone, nil)}
	r := find(t, linkcheck.Config{}, gone, append(links, links...))
	if len(r.Findings) != 1 {
		t.Fatalf("the findings are %q, want one", lines(r))
	}
	f := r.Findings[0]
	if len(f.Pages) != linkcheck.MaxPages || f.More != 250-linkcheck.MaxPages {
		t.Errorf("%d pages are listed and %d more counted, want %d of 250", len(f.Pages), f.More, linkcheck.MaxPages)
	}
	if first := f.Pages[0]; first.URL != site+"/000" || first.Text != "Gone" {
		t.Errorf("the first page is %+v, want /000 with its text", first)
	}
}

func TestWhatIsNotKnownToBeBrokenIsNotChecked(t *testing.T) {
	t.Parallel()
	class := func(c crawler.ErrorClass, status int) func(*crawler.Record) {
		return func(r *crawler.Record) { r.ErrorClass, r.Status = c, status }
	}
	var links []fetched.LinkRecord
	for _, to := range []string{"/robots", "/challenge", "/paid", "/blocked", "/slower", "/budget", "/dns"} {
		links = append(links, link("/a", to, ""))
	}
	want(t, find(t, linkcheck.Config{}, []crawler.Record{
		record("/robots", crawler.OutcomeDisallowed, nil),
		record("/challenge", crawler.OutcomeBlocked, class(crawler.ErrorBlockPage, 403)),
		record("/paid", crawler.OutcomePaymentRequired, class(crawler.ErrorHTTP, 402)),
		record("/blocked", crawler.OutcomeFailed, class(crawler.ErrorBlocked, 0)),
		record("/slower", crawler.OutcomeFailed, class(crawler.ErrorHTTP, 429)),
		record("/budget", crawler.OutcomeSkipped, nil),
		record("/dns", crawler.OutcomeFailed, class(crawler.ErrorDNS, 0)),
	}, links),
		"broken /dns on /a", "not_checked /blocked on /a", "not_checked /budget on /a", "not_checked /challenge on /a",
		"not_checked /paid on /a", "not_checked /robots on /a",
		"not_checked /slower on /a")
}

func TestASeedIsReportedWithoutPages(t *testing.T) {
	t.Parallel()
	want(t, find(t, linkcheck.Config{}, []crawler.Record{
		record("/", crawler.OutcomeGone, func(r *crawler.Record) { r.Referrer = "" }),
		record("/fine", crawler.OutcomeFetched, nil),
	}, []fetched.LinkRecord{link("/fine", "/fine", "")}), "broken /")
}

func TestWithoutALinkGraphTheFirstPageIsReported(t *testing.T) {
	t.Parallel()
	r := find(t, linkcheck.Config{}, []crawler.Record{record("/gone", crawler.OutcomeGone, nil)}, nil)
	if want(t, r, "broken /gone on /first"); r.Graph {
		t.Error("the report claims a link graph")
	}
}

func TestTheSettingsOfAReport(t *testing.T) {
	t.Parallel()
	records := []crawler.Record{
		record("/gone", crawler.OutcomeGone, nil), record("/gone?utm_source=x", crawler.OutcomeFetched, nil),
		record("/old", crawler.OutcomeFetched, func(r *crawler.Record) { r.MovedTo = site + "/new" }),
	}
	links := []fetched.LinkRecord{link("/a", "/gone?utm_medium=y", ""), link("/a", "/old", "")}
	want(t, find(t, linkcheck.Config{}, records[:1], links), "broken /gone on /first")
	same := linkcheck.Config{Same: []string{"tracking"}}
	want(t, find(t, same, records[:1], links), "broken /gone?utm_medium=y to /gone on /a")
	want(t, find(t, linkcheck.Config{Moved: true}, records[2:], links), "moved /old to /new on /a")
	want(t, find(t, linkcheck.Config{Ignore: []*regexp.Regexp{regexp.MustCompile("gone")}}, records, links))
}
