package gcs_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	_ "github.com/trawlcrawler/trawl/drivers/gcs"
	"github.com/trawlcrawler/trawl/internal/output"
)

func TestAnObjectThatIsMissingFromABucketOfGoogleIsSaidToBeMissing(t *testing.T) {
	var asked string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"code":404,"message":"No such object"}}`))
	}))
	defer service.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", service.Listener.Addr().String())
	l, err := output.Open(t.Context(), "gs://crawls/news?anonymous=true")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.OpenAt(t.Context(), "pages.parquet"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if !strings.HasSuffix(asked, "/b/crawls/o/news/pages.parquet") {
		t.Errorf("the service was asked for %q", asked)
	}
}
