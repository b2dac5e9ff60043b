package sqlite_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/trawlcrawler/trawl/drivers/sqlite"
	"github.com/trawlcrawler/trawl/internal/export"
)

func TestAProgramThatImportsTheDriverExportsToSQLite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := `{"url":"http://x/1","host":"x","outcome":"fetched","status":200,"fetched_at":"2026-11-01T00:00:01.000Z","title":"one"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "pages-00001.jsonl"), []byte(record), 0o644); err != nil {
		t.Fatal(err)
	}
	crawl, err := export.Find(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	defer crawl.Close()
	order := export.Order{To: filepath.Join(t.TempDir(), "pages.sqlite")}
	if order.Form, err = export.ParseForm("", order.To); err != nil {
		t.Fatal(err)
	}
	if _, err := export.Export(t.Context(), crawl, order); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", order.To)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var title string
	if err := db.QueryRow("SELECT title FROM pages WHERE status = 200").Scan(&title); err != nil || title != "one" {
		t.Errorf("the page has the title %q (%v)", title, err)
	}
}
