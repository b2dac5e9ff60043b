package render_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/render"
)

func TestABrowserIsExamined(t *testing.T) {
	t.Parallel()
	pool(t) // skips where there is no browser
	dir := t.TempDir()
	got, err := render.Examine(t.Context(), render.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got.Version, "/") || got.Path == "" || got.Remote || got.Pages < 1 {
		t.Errorf("the browser is %+v", got)
	}
	if left := processesOf(dir); len(left) > 0 {
		t.Errorf("it left the processes %v", left)
	}
	if _, err := render.Examine(t.Context(), render.Config{Browser: "/no/browser"}); !errors.Is(err, render.ErrNoBrowser) {
		t.Errorf("of a browser that is missing, the error is %v", err)
	}
}
