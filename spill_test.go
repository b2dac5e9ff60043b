package trawl_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// Programs spill waiting URLs as the command does.
func TestAProgramSpillsWaitingURLs(t *testing.T) {
	t.Parallel()
	const n = 1200
	pages := pageMap{"/": ""}
	for i := range n {
		path := fmt.Sprintf("/page-%d", i)
		pages["/"] += fmt.Sprintf("<a href=%q>x</a>", path)
		pages[path] = "x"
	}
	b := newLocalSite(t, pages, "/")
	release := b.site.HoldAfter(2) // robots.txt and the first page
	node := redistest.Own(t)
	rdb := redis.NewClient(&redis.Options{Addr: node.TCP})
	t.Cleanup(func() { rdb.Close() })
	spill := filepath.Join(t.TempDir(), "spill")
	b.cfg.Redis, b.cfg.RedisBudget, b.cfg.Spill = node.URL(), redistest.Fill(t, rdb), spill
	ctx, stop := context.WithCancel(testfleet.Patience(t))
	defer stop()
	ended := make(chan struct{})
	var stats trawl.Stats
	go func() {
		defer close(ended)
		var err error
		if stats, err = trawl.Crawl(ctx, b.job, b.cfg); err != nil {
			t.Errorf("%v\n%s", err, b.log.Text())
		}
	}()
	for spilled := []string(nil); len(spilled) == 0; {
		select {
		case <-ended:
			t.Fatal("the crawl ended before URLs were spilled")
		case <-time.After(20 * time.Millisecond):
			spilled, _ = filepath.Glob(filepath.Join(spill, "*.spill"))
		}
	}
	release()
	<-ended
	if stats.Pages() != n+1 {
		t.Errorf("%d pages, want %d", stats.Pages(), n+1)
	}
	if again := testfleet.Served(b.site).Again(); again > 0 {
		t.Errorf("%d pages were served again", again)
	}
}

func TestAPlaceForSpilledURLsIsCheckedFirst(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.cfg.Spill = filepath.Join(file, "spill")
	job := b.job
	starts := map[string]func(cfg trawl.Config) error{
		"Crawl": func(cfg trawl.Config) error { _, err := trawl.Crawl(t.Context(), job, cfg); return err },
		"Work":  func(cfg trawl.Config) error { return trawl.Work(t.Context(), cfg) },
		"Open":  func(cfg trawl.Config) error { _, err := trawl.Open(t.Context(), cfg); return err },
	}
	for name, start := range starts {
		if err := start(b.cfg); err == nil || !strings.Contains(err.Error(), file) ||
			!strings.Contains(err.Error(), "Config.Spill") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
