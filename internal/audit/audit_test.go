package audit

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// journals writes the lines of a journal to a folder and returns its segments.
func journals(t *testing.T, lines ...string) []output.Segment {
	t.Helper()
	dir := t.TempDir()
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, sink.JournalPrefix+"-w-00001.jsonl"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := output.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	names, err := in.Segments(t.Context(), sink.JournalPrefix)
	if err != nil || len(names) != 1 {
		t.Fatalf("the folder has the journals %q: %v", names, err)
	}
	return []output.Segment{{In: in, Name: names[0]}}
}

func TestJudgeComparesEachGapWithTheOneOwed(t *testing.T) {
	t.Parallel()
	const request = `,"job":"j","worker":"w","url":"http://a.test/","address":"192.0.2.1:80",` +
		`"gap_ms":1000,"robots":"ignored"}`
	read := journals(t,
		`{"start":"2026-01-02T03:04:05.000000Z"`+request,
		`{"start":"2026-01-02T03:04:06.000000Z"`+request,
		`not a request`,
		`{"start":"2026-01-02T03:04:06.500000Z"`+request)
	f, err := Judge(t.Context(), read, true)
	if err != nil {
		t.Fatal(err)
	}
	if f.Requests != 3 || f.Hosts.TooSmall != 1 || f.Violations != 1 || len(f.Damaged) != 1 {
		t.Errorf("found %+v, want 3 requests, 1 gap too small, 1 violation and 1 damaged line", f)
	}
	if f.Hosts.SmallestMS != 500 || f.Hosts.OwedMS != 1000 || f.Addresses.SmallestMS != 500 {
		t.Errorf("the gaps are %v and %v, want 500ms", f.Hosts, f.Addresses)
	}
	if len(f.Hosts.Each) != 1 || f.Hosts.Each[0].Requests != 3 {
		t.Errorf("the hosts are %+v, want one with 3 requests", f.Hosts.Each)
	}
}

func TestJudgeListsHostsOnlyIfAsked(t *testing.T) {
	t.Parallel()
	read := journals(t,
		`{"start":"2026-01-02T03:04:05.000000Z","job":"j","worker":"w","url":"http://a.test/","robots":"ignored"}`)
	f, err := Judge(t.Context(), read, false)
	if err != nil {
		t.Fatal(err)
	}
	if f.Hosts.Number != 1 || f.Hosts.SmallestMS != -1 || f.Hosts.Each != nil {
		t.Errorf("the hosts are %+v, want 1 without gaps, not listed", f.Hosts)
	}
}

func TestJudgeSeparatesRequestsOfRenderedPagesToOtherHosts(t *testing.T) {
	t.Parallel()
	const request = `,"job":"j","url":"http://cdn.test/app.js","gap_ms":1000,"robots":"ignored"`
	read := journals(t,
		`{"start":"2026-01-02T03:04:05.000000Z","worker":"a","guest":true`+request+`}`,
		`{"start":"2026-01-02T03:04:05.500000Z","worker":"b","guest":true`+request+`}`,
		`{"start":"2026-01-02T03:04:05.700000Z","worker":"b"`+request+`}`,
		`{"start":"2026-01-02T03:04:06.500000Z","worker":"a","guest":true`+request+`}`)
	f, err := Judge(t.Context(), read, true)
	if err != nil {
		t.Fatal(err)
	}
	if f.Requests != 4 || f.Hosts.TooSmall != 1 {
		t.Errorf("found %d gaps that are too small in %d requests, want that between the workers: %v",
			f.Hosts.TooSmall, f.Requests, f.Examples)
	}
}
