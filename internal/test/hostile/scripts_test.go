package hostile_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/test/hostile"
)

// usualScripts are the misbehaviours in a browser that are crawled without TRAWL_SLOW: some of those
// that take little processor time and memory.
var usualScripts = []string{"sockets-inside", "service-worker"}

// scriptsToCrawl returns the misbehaviours in a browser that are crawled.
func scriptsToCrawl() []hostile.Misbehaviour {
	if slow() {
		return hostile.Scripts()
	}
	return slices.DeleteFunc(slices.Clone(hostile.Scripts()), func(m hostile.Misbehaviour) bool {
		return !slices.Contains(usualScripts, m.Name)
	})
}

// slow reports whether the tests may take long, because the machine is otherwise idle.
func slow() bool { return os.Getenv("TRAWL_SLOW") != "" }

func TestWhatMisbehavesInABrowserAffectsOnlyItself(t *testing.T) {
	t.Parallel()
	if _, err := render.Find(""); err != nil {
		t.Skip(err)
	}
	c := newCrawl(t, scriptsToCrawl(), 0)
	c.job.Render, c.job.RenderScope, c.job.Rendering.Wait = crawler.RenderAlways, crawler.ScopeAny, "500ms"
	c.job.Format = []string{"jsonl", "warc"}
	c.job.Exclude = []string{"/nested-frames/"} // each leads to another, and takes as long as it may
	c.run()
	c.checkUnharmed()
	c.checkFates()
	c.checkRendered()
	if said, status := c.Run("audit", filepath.Join(c.Out, c.job.Name)); status != 0 {
		t.Errorf("the audit ends with %d:\n%s", status, said)
	}
	c.worker.Terminate()
	c.NoBrowsers()
}

// checkRendered checks that all pages were rendered, honest or not, or that their records say why
// not. On a busy machine a page may exceed its time. Then its record has the text that the server
// sent, which checkUnharmed checks.
func (c *crawl) checkRendered() {
	c.t.Helper()
	for url := range c.web.Honest() {
		by := c.records[url].Rendered
		switch {
		case by == nil:
			c.t.Errorf("the honest page %s was not rendered", url)
		case by.Error != "" && (slow() || !strings.Contains(by.Error, "the limit of time")):
			c.t.Errorf("the honest page %s could not be rendered: %s", url, by.Error)
		}
	}
	for _, url := range slices.Sorted(maps.Keys(c.records)) {
		r := c.records[url]
		if by := r.Rendered; by != nil && (by.Error != "" || len(by.Limits) > 0) {
			c.t.Logf("%s: limits %v, error %q, %d requests", r.Title, by.Limits, by.Error, by.Requests)
		}
		if strings.Contains(r.Title, "trapped") {
			c.t.Errorf("%s shows what its service worker made of it", url)
		}
	}
	for _, fates := range c.web.Fates() {
		for url := range fates {
			if c.records[url].Rendered == nil {
				c.t.Errorf("%s was not rendered", url)
			}
		}
	}
}
