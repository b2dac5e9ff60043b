package azure_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"testing"

	_ "github.com/trawlcrawler/trawl/drivers/azure"
	"github.com/trawlcrawler/trawl/internal/output"
)

func TestAnObjectThatIsMissingFromAContainerOfAzureIsSaidToBeMissing(t *testing.T) {
	var asked string
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		w.Header().Set("X-Ms-Error-Code", "BlobNotFound")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer service.Close()
	t.Setenv("AZURE_STORAGE_ACCOUNT", "me")
	t.Setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
	l, err := output.Open(t.Context(), "azblob://crawls/news?localemu=true&protocol=http&domain="+
		service.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := l.OpenAt(t.Context(), "pages.parquet"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if asked != "/me/crawls/news/pages.parquet" {
		t.Errorf("the service was asked for %q", asked)
	}
}
