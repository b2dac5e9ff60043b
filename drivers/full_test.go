package drivers_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheFullBuildHasAllDrivers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	binary := filepath.Join(dir, "trawl")
	build := exec.CommandContext(t.Context(), "go", "build", "-tags", "full", "-overlay", "overlay.json",
		"-o", binary, "github.com/trawlcrawler/trawl/cmd/trawl")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	service := httptest.NewServer(http.NotFoundHandler())
	defer service.Close()
	address := service.Listener.Addr().String()
	for where, says := range map[string]string{
		"gs://crawls/news?anonymous=true":                                    "create the bucket",
		"azblob://crawls/news?localemu=true&protocol=http&domain=" + address: "create the container",
	} {
		crawl := exec.CommandContext(t.Context(), binary, "crawl", "http://127.0.0.1:1/", "--job", "news", "--out",
			where)
		crawl.Dir = dir
		crawl.Env = append(os.Environ(), "STORAGE_EMULATOR_HOST="+address, "AZURE_STORAGE_ACCOUNT=me",
			"AZURE_STORAGE_KEY=c2VjcmV0")
		said, err := crawl.CombinedOutput()
		if err == nil || !strings.Contains(string(said), says) {
			t.Errorf("%s: %v\n%s", where, err, said)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "pages-00001.jsonl"),
		[]byte(`{"url":"http://x/1","outcome":"fetched","status":200}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	toSQLite := exec.CommandContext(t.Context(), binary, "export", dir, "--to", filepath.Join(dir, "pages.sqlite"))
	if said, err := toSQLite.CombinedOutput(); err != nil {
		t.Errorf("export to SQLite: %v\n%s", err, said)
	}
}
