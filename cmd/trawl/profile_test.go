package main_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestACrawlIsProfiled(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, shop())
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--profile", "profiles/of/it").exits(done)
	for _, name := range []string{"cpu", "allocs", "mutex", "block"} {
		file := filepath.Join(s.dir, "profiles/of/it", name+".pprof")
		// Profiles are gzip files.
		if text, err := os.ReadFile(file); err != nil || !bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
			t.Errorf("%s begins with %q, %v", file, text[:min(len(text), 2)], err)
		}
	}
	s.write("taken", "")
	s.run("crawl", site.URL(0, "/"), "--profile", "taken/below").exits(usage, "--profile", "taken")
}
