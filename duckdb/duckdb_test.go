package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/marcboeker/go-duckdb"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/tabular"
	_ "github.com/trawlcrawler/trawl/parquet"
)

func open(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// rows runs a query and returns its rows, the columns of which are parted by "|".
func rows(t *testing.T, db *sql.DB, query string, args ...any) (all []string) {
	t.Helper()
	result, err := db.Query(fmt.Sprintf(query, args...))
	if err != nil {
		t.Fatalf("%s: %v", fmt.Sprintf(query, args...), err)
	}
	defer result.Close()
	columns, err := result.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for result.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := result.Scan(into...); err != nil {
			t.Fatal(err)
		}
		words := make([]string, len(columns))
		for i, v := range values {
			if at, ok := v.(time.Time); ok {
				v = at.UTC().Format(time.RFC3339Nano)
			}
			words[i] = fmt.Sprint(v)
		}
		all = append(all, strings.Join(words, "|"))
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func url(t *testing.T, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDuckDBReadsTheSchemaAndWhatIsInIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := sink.NewParquet(sink.ParquetConfig{Dir: dir, Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	a, b := url(t, "http://example.com/a"), url(t, "http://example.com/b?x=1&y=é")
	page := &fetched.Result{
		Job: "shop", Worker: "w1", Entry: queue.Entry{URL: a}, Outcome: crawler.OutcomeFetched,
		Redirects: []crawler.URL{b},
		Page: &fetched.Page{
			URL: b, Status: 200, Started: time.UnixMilli(1_700_000_000_123), Duration: 42 * time.Millisecond,
			Header: http.Header{"Content-Type": {"text/html"}},
			Body:   &fetched.Body{Size: 1234, Release: func() {}},
		},
		Document: &fetched.Document{
			Title: "Tee & Käse", Fields: map[string]any{"price": 12.5, "tags": []string{"x", "y"}},
			Rights: []crawler.Statement{{Vocabulary: rights.VocabularyRobots, Statement: "noai", Source: rights.InMeta}},
			References: []fetched.Reference{{URL: a, Text: "back", Rel: "nofollow", NoFollow: true,
				Kind: fetched.ReferenceAnchor}, {URL: b, Kind: fetched.ReferenceFrame}},
		},
	}
	failed := &fetched.Result{
		Job: "shop", Worker: "w1", Entry: queue.Entry{URL: url(t, "http://nowhere.example/"), Referrer: a, Depth: 1},
		Outcome: crawler.OutcomeFailed,
		Reason:  "no such host", Page: &fetched.Page{Started: time.UnixMilli(1_700_000_000_456),
			Fault: &fetched.Fault{Kind: fetched.FaultResolve}},
	}
	if err := s.Keep(t.Context(), []*fetched.Result{failed, page}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t)
	for _, c := range []struct {
		table, query string
		want         []string
	}{
		{"pages", "SELECT column_name || ' ' || column_type FROM (DESCRIBE SELECT * FROM %s)", []string{
			"url VARCHAR", "host VARCHAR", "final_url VARCHAR", "redirects VARCHAR[]", "status INTEGER",
			"outcome VARCHAR", "error VARCHAR", "fault VARCHAR",
			"fetched_at TIMESTAMP WITH TIME ZONE", "duration_ms BIGINT", "content_type VARCHAR", "charset VARCHAR",
			"bytes BIGINT", "truncated BOOLEAN", "digest VARCHAR",
			"title VARCHAR", "canonical VARCHAR", "duplicate_of VARCHAR", "simhash VARCHAR", "noindex BOOLEAN",
			"rights JSON", "usage JSON", "depth INTEGER", "via VARCHAR",
			"links BIGINT", "resources BIGINT", "embeds INTEGER", "job VARCHAR", "worker VARCHAR", "path VARCHAR",
			"fields JSON", "text VARCHAR", "markdown VARCHAR",
			"error_class VARCHAR", "repaired VARCHAR[]", "extractor VARCHAR", "text_share DOUBLE", "hard VARCHAR",
			"texts JSON",
			"language VARCHAR", "declared_language VARCHAR", "quality JSON", "charset_guessed BOOLEAN",
			"minhash VARCHAR[]", "near_duplicate_of VARCHAR", "fetch INTEGER", "change VARCHAR", "checked BOOLEAN",
			"moved_to VARCHAR", "block_page VARCHAR", "price VARCHAR", "charged VARCHAR", "same_as JSON", "rendered JSON",
		}},
		{"errors", "SELECT column_name || ' ' || column_type FROM (DESCRIBE SELECT * FROM %s)", []string{
			"url VARCHAR", "host VARCHAR", "final_url VARCHAR", "outcome VARCHAR", "status INTEGER", "fault VARCHAR",
			"error VARCHAR",
			"fetched_at TIMESTAMP WITH TIME ZONE", "depth INTEGER", "via VARCHAR", "job VARCHAR", "worker VARCHAR",
			"error_class VARCHAR",
		}},
		{"links", "SELECT column_name || ' ' || column_type FROM (DESCRIBE SELECT * FROM %s)", []string{
			"from VARCHAR", "to VARCHAR", "text VARCHAR", "rel VARCHAR", "nofollow BOOLEAN", "kind VARCHAR",
			"fetched_at TIMESTAMP WITH TIME ZONE",
		}},
		{"pages", "SELECT url, redirects[1], status, bytes, title, epoch_ms(fetched_at), fields->>'$.price', fields->>'$.tags[1]', usage->>'noai', rights->>'$[0].statement' FROM %s", []string{
			"http://example.com/a|http://example.com/b?x=1&y=%C3%A9|200|1234|Tee & Käse|1700000000123|12.5|y|true|noai",
			"http://nowhere.example/|<nil>|<nil>|<nil>|<nil>|1700000000456|<nil>|<nil>|<nil>|<nil>",
		}},
		{"errors", "SELECT host, fault, error_class, error, via FROM %s",
			[]string{"nowhere.example|resolve|dns|no such host|http://example.com/a"}},
		{"links", `SELECT "from", "to", text, rel, nofollow, kind FROM %s`, []string{
			"http://example.com/b?x=1&y=%C3%A9|http://example.com/a|back|nofollow|true|a",
			"http://example.com/b?x=1&y=%C3%A9|http://example.com/b?x=1&y=%C3%A9|<nil>|<nil>|false|frame",
		}},
	} {
		file := fmt.Sprintf("'%s'", filepath.Join(dir, c.table+"-*.parquet"))
		if got := rows(t, db, c.query, file); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q\nwant %q", fmt.Sprintf(c.query, c.table), got, c.want)
		}
	}
}

// TestDuckDBReadsTablesOfManyPages: each column has many pages, and the table two row groups.
func TestDuckDBReadsTablesOfManyPages(t *testing.T) {
	t.Parallel()
	const count = tabular.MaxGroupRows + 5000
	name := filepath.Join(t.TempDir(), "pages.parquet")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := tabular.New[tabular.PageRow](file)
	var sizes, words, redirects int64
	for i := range int64(count) {
		row := tabular.PageRow{URL: fmt.Sprintf("http://example.com/%09d", i), Host: fmt.Sprint("h", i%1000),
			FetchedAt: time.UnixMilli(i), Title: strings.Repeat("é", int(i%3)), Truncated: i%5 == 0}
		for range i % 4 {
			row.Redirects = append(row.Redirects, row.URL+"?")
		}
		if i%7 > 0 {
			row.Bytes = &i
			sizes += i
		}
		words, redirects = words+i%3, redirects+i%4
		if err := table.Write(row); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t)
	for query, want := range map[string]string{
		"SELECT count(*), count(DISTINCT url), count(DISTINCT host), sum(bytes) FROM '%s'": fmt.Sprintf("%d|%d|1000|%d",
			count, count, sizes),
		"SELECT sum(length(title)), sum(len(redirects)), sum(epoch_ms(fetched_at)) FROM '%s'": fmt.Sprintf("%d|%d|%d",
			words, redirects, int64(count)*(count-1)/2),
		"SELECT bytes, host, redirects[1], truncated FROM '%s' WHERE url = 'http://example.com/000123455'":                   "123455|h455|http://example.com/000123455?|true",
		"SELECT count(*) FROM '%s' WHERE bytes > 123450 AND title IS NULL":                                                   fmt.Sprint(nulls(123450, count)),
		"SELECT sum(row_group_num_rows) FROM (SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata('%s'))": fmt.Sprint(count),
	} {
		if got := rows(t, db, query, name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// nulls counts the rows above a number and below another that have a size and no title.
func nulls(above, below int) (n int) {
	for i := above + 1; i < below; i++ {
		if i%7 > 0 && i%3 == 0 {
			n++
		}
	}
	return n
}

// web is a site of pages in a row, as long as is asked for.
type web struct {
	*httptest.Server
	last  atomic.Int64 // number of the last page
	mu    sync.Mutex
	asked map[string]bool
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{asked: map[string]bool{}}
	w.last.Store(1 << 40)
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		var n int64
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err != nil {
			http.NotFound(out, r)
			return
		}
		w.mu.Lock()
		w.asked[w.URL+r.URL.Path] = true
		w.mu.Unlock()
		out.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(out, "<title>Page %d</title>", n)
		if n < w.last.Load() {
			fmt.Fprintf(out, "<a href=/%d>next</a><a href=/%d rel=nofollow>again</a>", n+1, n)
		}
		fmt.Fprint(out, "<p>", strings.Repeat("words ", 50))
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *web) urls() (all []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for u := range w.asked {
		all = append(all, u)
	}
	slices.Sort(all)
	return all
}

// crawl starts a real process that crawls the site.
func crawl(t *testing.T, binary string, w *web, out string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, "crawl", w.URL+"/1", "--job", "row", "--out", out, "--format",
		"parquet,links", "--delay", "0", "--traps=false")
	said := new(bytes.Buffer)
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, said
}

func TestDuckDBReadsWhileACrawlWritesAndAfterItIsKilled(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("without redis-server a crawl that was killed cannot go on")
	}
	binary := trawl(t)
	w, out, db := newWeb(t), t.TempDir(), open(t)
	process, said := crawl(t, binary, w, out)
	tables := func(table string) string { return filepath.Join(out, table+"-*.parquet") }
	const count = "SELECT count(*) FROM '%s'"
	counts := map[string]bool{}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for len(counts) < 2 { // the tables grow in number while they are read
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("there are no tables: %s", said)
		}
		if files, _ := filepath.Glob(filepath.Join(out, "pages-*.parquet")); len(files) > 0 {
			counts[rows(t, db, count, tables("pages"))[0]] = true
			rows(t, db, count, tables("links"))
		}
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	rows(t, db, count, tables("pages")) // every table is whole
	w.last.Store(0)                     // the site ends
	process, said = crawl(t, binary, w, out)
	if err := process.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	got := rows(t, db, "SELECT DISTINCT url FROM '%s' WHERE outcome = 'fetched' ORDER BY url", tables("pages"))
	if want := w.urls(); !slices.Equal(got, want) {
		t.Errorf("%d pages are in tables, %d were fetched", len(got), len(want))
	}
	if lost := rows(t, db, `SELECT url FROM '%s' WHERE links > 0 AND final_url NOT IN (SELECT "from" FROM '%s')`,
		tables("pages"), tables("links")); len(lost) > 0 {
		t.Errorf("%d pages have no links, such as %s", len(lost), lost[0])
	}
	asJSON := rows(t, db, `SELECT DISTINCT "from", "to", text, rel FROM read_json('%s') ORDER BY ALL`,
		filepath.Join(out, "links-*.jsonl"))
	asTable := rows(t, db, `SELECT DISTINCT "from", "to", text, coalesce(rel, '') FROM '%s' ORDER BY ALL`,
		tables("links"))
	if len(asJSON) == 0 || !slices.Equal(asJSON, asTable) {
		t.Errorf("the link graph has %d edges as JSON, %d as a table", len(asJSON), len(asTable))
	}
	if left, _ := filepath.Glob(filepath.Join(out, "?*.parquet.*")); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	if _, err := os.Stat(filepath.Join(out, "errors-00001.parquet")); err != nil {
		t.Error(err)
	}
}
