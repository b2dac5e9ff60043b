package duckdb

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hosts are the sites of [newHosts].
var hosts = []string{"http://www.example.com/", "http://news.example.co.uk/", "http://shop.blogspot.com/"}

// newHosts begins a proxy that has the pages of all hosts itself.
func newHosts(t *testing.T) *httptest.Server {
	t.Helper()
	texts := map[string]string{
		"/en/": "The text of this page is in English, and it has more than ten of the words that are in all texts.",
		"/de/": "Der Text dieser Seite ist auf Deutsch, und er hat mehr als zehn Wörter, die in den Texten vorkommen.",
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		language := r.URL.Path[:min(len(r.URL.Path), len("/en/"))]
		switch {
		case r.URL.Path == "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<title>%s</title>", r.Host)
			for i, path := range []string{"en/1", "en/2?q=a", "en/3", "de/1", "de/2", "old", "gone", "data.json"} {
				fmt.Fprintf(w, "<a href=/%s>%d</a>\n", path, i)
			}
		case r.URL.Path == "/robots.txt":
			fmt.Fprint(w, "User-agent: *\n")
		case r.URL.Path == "/old":
			http.Redirect(w, r, "/en/1", http.StatusMovedPermanently)
		case r.URL.Path == "/data.json":
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"host": %q}`, r.Host)
		case texts[language] != "":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprintf(w, "<title>%s of %s</title><p>%s", r.URL.Path, r.Host, texts[language])
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// run runs the command.
func run(t *testing.T, args ...string) {
	t.Helper()
	if said, err := exec.CommandContext(t.Context(), trawl(t), args...).CombinedOutput(); err != nil {
		t.Fatalf("trawl %q: %v: %s", args, err, said)
	}
}

// ccIndex crawls the site, exports the index, and opens it under the name that the queries of
// Common Crawl use. It returns the folder of the crawl as well.
func ccIndex(t *testing.T) (*sql.DB, string) {
	t.Helper()
	dir := t.TempDir()
	out, index := filepath.Join(dir, "out"), filepath.Join(dir, "index")
	run(t, append([]string{"crawl", "--job", "cc-main", "--out", out, "--format", "jsonl,warc", "--delay", "0",
		"--traps=false", "--proxy", newHosts(t).URL, "--proxy-remote-dns"}, hosts...)...)
	run(t, "export", out, "--as", "cc-index", "--to", index)
	db := open(t)
	for _, setup := range []string{
		"CREATE SCHEMA ccindex",
		"CREATE VIEW ccindex.ccindex AS SELECT * FROM read_parquet('" + index +
			"/*/*/*.parquet', hive_partitioning = true)",
		// What Athena has under other names.
		"CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern)",
		"CREATE MACRO levenshtein_distance(a, b) AS levenshtein(a, b)",
		"CREATE MACRO cardinality(list) AS len(list)",
	} {
		if _, err := db.Exec(setup); err != nil {
			t.Fatalf("%s: %v", setup, err)
		}
	}
	return db, out
}

func TestTheURLIndexHasTheSchemaOfCommonCrawl(t *testing.T) {
	t.Parallel()
	db, _ := ccIndex(t)
	got := rows(t, db, "SELECT column_name || ' ' || column_type FROM (DESCRIBE SELECT * FROM ccindex.ccindex)")
	want := []string{
		"url_surtkey VARCHAR", "url VARCHAR", "url_host_name VARCHAR", "url_host_tld VARCHAR",
		"url_host_2nd_last_part VARCHAR", "url_host_3rd_last_part VARCHAR", "url_host_4th_last_part VARCHAR",
		"url_host_5th_last_part VARCHAR", "url_host_registry_suffix VARCHAR", "url_host_registered_domain VARCHAR",
		"url_host_private_suffix VARCHAR", "url_host_private_domain VARCHAR", "url_host_name_reversed VARCHAR",
		"url_protocol VARCHAR", "url_port INTEGER", "url_path VARCHAR", "url_query VARCHAR",
		"fetch_time TIMESTAMP WITH TIME ZONE", "fetch_status SMALLINT", "fetch_redirect VARCHAR",
		"content_digest VARCHAR", "content_mime_type VARCHAR", "content_mime_detected VARCHAR",
		"content_charset VARCHAR", "content_languages VARCHAR", "content_truncated VARCHAR", "warc_record_id BLOB",
		"warc_filename VARCHAR", "warc_record_offset INTEGER", "warc_record_length INTEGER", "warc_segment VARCHAR",
		"crawl VARCHAR", "subset VARCHAR",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the columns are %q\nwant %q", got, want)
	}
}

// TestQuestionsToCommonCrawlAreAnswered asks what the examples of cc-index-table ask: pages and
// hosts of a top-level domain, statuses, languages, media types, and places of records.
func TestQuestionsToCommonCrawlAreAnswered(t *testing.T) {
	t.Parallel()
	db, out := ccIndex(t)
	for _, c := range []struct {
		query string
		want  []string
	}{
		{`SELECT subset, count(*) FROM ccindex.ccindex WHERE crawl = 'cc-main' GROUP BY subset ORDER BY subset`,
			[]string{"crawldiagnostics|6", "robotstxt|3", "warc|21"}},
		{`SELECT count(*) AS pages, url_host_tld, count(DISTINCT url_host_name),
			max(url_host_registered_domain), max(url_host_private_domain)
			FROM ccindex.ccindex WHERE subset = 'warc' GROUP BY url_host_tld ORDER BY url_host_tld`,
			[]string{"14|com|2|example.com|shop.blogspot.com", "7|uk|1|example.co.uk|example.co.uk"}},
		{`SELECT url_host_registry_suffix, url_host_private_suffix, url_host_name_reversed, count(*) FROM ccindex.ccindex
			WHERE subset = 'warc' AND url_query IS NOT NULL GROUP BY ALL ORDER BY ALL`,
			[]string{"co.uk|co.uk|uk.co.example.news|1", "com|blogspot.com|com.blogspot.shop|1", "com|com|com.example.www|1"}},
		{`SELECT fetch_status, count(*), count(DISTINCT fetch_redirect), min(fetch_redirect)
			FROM ccindex.ccindex WHERE subset = 'crawldiagnostics' GROUP BY 1 ORDER BY 1`,
			[]string{"301|3|3|http://news.example.co.uk/en/1", "404|3|0|<nil>"}},
		{`SELECT content_languages, content_charset, count(*) FROM ccindex.ccindex
			WHERE subset = 'warc' AND content_languages IS NOT NULL GROUP BY ALL ORDER BY 3 DESC`,
			[]string{"eng|UTF-8|9", "deu|UTF-8|6"}},
		{`SELECT content_mime_detected, content_mime_type, count(*) AS n FROM ccindex.ccindex
			WHERE subset = 'warc' GROUP BY ALL ORDER BY n DESC`,
			[]string{"text/html|text/html|18", "application/json|application/json|3"}},
		{`SELECT bool_and(warc_record_offset > 0 AND warc_record_length > 100 AND length(hex(warc_record_id)) = 32
			AND url_port IS NULL AND url_protocol = 'http') FROM ccindex.ccindex`, []string{"true"}},
	} {
		if got := rows(t, db, "%s", c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n%q, want %q", c.query, got, c.want)
		}
	}
	for _, file := range rows(t, db, "SELECT DISTINCT warc_filename FROM ccindex.ccindex") {
		if _, err := os.Stat(filepath.Join(out, file)); err != nil {
			t.Error(err)
		}
	}
}

// crawlName is the name of a crawl in a query. ours replaces values in the queries with those of this
// crawl, which has fewer pages.
var (
	crawlName = regexp.MustCompile(`CC-MAIN-\d{4}-\d\d`)
	ours      = strings.NewReplacer("commoncrawl.org", "example.com", "'isl'", "'deu'", "'no'", "'com'", "pdf", "json",
		">= 1000", ">= 1", ">= 100", ">= 1", "wikipedia", "exemple")
)

// TestPublishedQueriesOfCommonCrawlRun runs the queries in a checkout of cc-index-table, which
// TRAWL_CC_INDEX_TABLE names. Those that need other tables, or functions that only Athena has,
// are left out.
func TestPublishedQueriesOfCommonCrawlRun(t *testing.T) {
	t.Parallel()
	checkout := os.Getenv("TRAWL_CC_INDEX_TABLE")
	if checkout == "" {
		t.Skip("TRAWL_CC_INDEX_TABLE does not name a checkout of github.com/commoncrawl/cc-index-table")
	}
	db, _ := ccIndex(t)
	for _, name := range []string{
		"compare-mime-type-http-vs-detected", "count-by-partition", "count-by-tld-page-host-domain",
		"count-domains-of-tld", "count-fetch-status", "count-language-tld", "get-records-for-language",
		"get-records-of-domain", "get-records-of-mime-type", "similar-domains",
	} {
		text, err := os.ReadFile(filepath.Join(checkout, "src/sql/examples/cc-index", name+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		query := ours.Replace(crawlName.ReplaceAllString(string(text), "cc-main"))
		answer := rows(t, db, "%s", strings.TrimRight(strings.TrimSpace(query), ";"))
		t.Logf("%s: %q", name, answer)
		if len(answer) == 0 {
			t.Errorf("%s finds nothing", name)
		}
	}
}
