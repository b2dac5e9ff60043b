package export_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/export"
	_ "github.com/trawlcrawler/trawl/parquet"
)

// noon is the current time in the tests.
var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// write writes a file in a folder, and creates the folders above it.
func write(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// read reads a file.
func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// page is a record of a fetched page, with additional fields.
func page(url, at, more string) string {
	if more != "" {
		more = "," + more
	}
	if !strings.Contains(more, `"outcome"`) {
		more += `,"outcome":"fetched"`
	}
	if !strings.Contains(more, `"status"`) {
		more += `,"status":200`
	}
	if !strings.Contains(more, `"final_url"`) {
		more += fmt.Sprintf(`,"final_url":%q`, url)
	}
	return fmt.Sprintf(`{"url":%q,"fetched_at":"2026-11-%sZ"%s}`, url, at, more) + "\n"
}

// open opens the output in a folder.
func open(t testing.TB, dir string) *export.Crawl {
	t.Helper()
	c, err := export.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// where parses a condition.
func where(t testing.TB, text string) export.Condition {
	t.Helper()
	if text == "" {
		return export.Condition{}
	}
	c, err := export.ParseCondition(text, noon)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return c
}

// order returns an order for a form, to a file, a folder or standard output.
func order(t testing.TB, form, to string, fields ...string) export.Order {
	t.Helper()
	f, err := export.ParseForm(form, to)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := export.ParseFields(fields)
	if err != nil {
		t.Fatal(err)
	}
	return export.Order{Form: f, To: to, Fields: chosen,
		Damaged: func(at string, err error) { t.Errorf("%s: %v", at, err) }}
}

// mustExport carries out an order, and returns what was written to standard output.
func mustExport(t testing.TB, c *export.Crawl, o export.Order) (string, export.Summary) {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	sum, err := export.Export(t.Context(), c, o)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), sum
}

// wantRefused carries out an invalid order, and checks that the error contains the reasons.
func wantRefused(t testing.TB, c *export.Crawl, o export.Order, why ...string) {
	t.Helper()
	o.Out = new(bytes.Buffer)
	_, err := export.Export(t.Context(), c, o)
	if err == nil {
		t.Fatalf("%s to %q succeeds, want an error with %q", o.Form.Name, o.To, why)
	}
	for _, part := range why {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s to %q fails with\n%v\nwant %q", o.Form.Name, o.To, err, part)
		}
	}
}

// wantOnly checks that a folder contains exactly these names.
func wantOnly(t testing.TB, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if strings.Join(names, " ") != strings.Join(want, " ") {
		t.Errorf("%s contains %q, want %q", dir, names, want)
	}
}
