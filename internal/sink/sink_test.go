package sink

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// brokenSink fails at every call.
type brokenSink struct{ err error }

func (s brokenSink) Keep(context.Context, []*fetched.Result) error { return s.err }
func (s brokenSink) Needs() fetched.Needs                          { return fetched.Needs{} }
func (s brokenSink) Close() error                                  { return s.err }

func TestSinksKeepInOrderUntilTheFirstErrorAndAllAreClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, last := openJSONL(t, JSONLConfig{Dir: dir, Prefix: "first"}),
		openJSONL(t, JSONLConfig{Dir: dir, Prefix: "last"})
	one, two := errors.New("one"), errors.New("two")
	s := All(first, brokenSink{one}, brokenSink{two}, last)
	if err := s.Keep(t.Context(), pages(t, 0, 1)); !errors.Is(err, one) || errors.Is(err, two) {
		t.Errorf("Keep returned %v", err)
	}
	if len(kept(t, dir, "first-*.jsonl")) != 1 || len(kept(t, dir, "last-*.jsonl")) != 0 {
		t.Error("Keep did not stop at the first error")
	}
	if err := s.Close(); !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("Close returned %v", err)
	}
	if err := last.Keep(t.Context(), pages(t, 0, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the last sink is still open: %v", err)
	}
}

func TestFormatsAreOpenedTogetherInOneFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	s, err := Open([]string{"jsonl", "files", "jsonl"}, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, pages(t, 0, 3)...)
	closed(t, s)
	wantOnce(t, kept(t, dir, "pages-*.jsonl"), 1, 3)
	wantOnce(t, kept(t, dir, "manifest-*.jsonl"), 1, 3)
	if got := read(t, dir, "example.com", "0", "2"); got != "body" {
		t.Errorf("the file has %q", got)
	}
}

func TestTheErrorForAnUnknownFormatListsTheKnownOnes(t *testing.T) {
	t.Parallel()
	for format, formats := range map[string][]string{"wrac": {"jsonl", "wrac"}, "no format": nil} {
		_, err := Open(formats, t.TempDir(), Options{})
		if err == nil || !strings.Contains(err.Error(), format) ||
			!strings.Contains(err.Error(), "jsonl, jsonl.gz, jsonl.zst, files") {
			t.Errorf("%q: got %v", formats, err)
		}
	}
}

func TestWhenOneFormatCannotBeOpenedTheOthersAreClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blocker := openFiles(t, FilesConfig{Dir: dir})
	if _, err := Open(Names, dir, Options{}); err == nil || !strings.Contains(err.Error(), "in use by") {
		t.Fatalf("got %v", err)
	}
	closed(t, blocker)
	s, err := Open(slices.Clone(Names), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)
}

func TestAJobNeedsWhatAnyOfItsFormatsNeeds(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]fetched.Needs{
		"jsonl":               {},
		"jsonl.gz":            {},
		"items":               {},
		"files":               {Bodies: true, Verbatim: true},
		FormatMirror:          {Bodies: true}, // its pages are rewritten, so they cannot stay encoded
		"markdown":            {Bodies: true, Article: true},
		"warc":                {Bodies: true, Exchanges: true},
		"parquet":             {References: true},
		"links":               {References: true},
		fetched.FormatSkipped: {Skipped: true},
		"jsonl,warc,links":    {Bodies: true, Exchanges: true, References: true},
		"mirror,files":        {Bodies: true, Verbatim: true},
	} {
		s, err := Open(strings.Split(format, ","), t.TempDir(), Options{Job: crawler.DefaultJob()})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Needs(); got != want {
			t.Errorf("%s needs %+v, want %+v", format, got, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
