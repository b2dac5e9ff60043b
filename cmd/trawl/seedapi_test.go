package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

const badEvery = 20_000 // every line with this number is not a URL

// listLength is the number of lines of the list. With a million lines, the list is larger than
// the memory that the dashboard may use.
func listLength() int {
	if slowTests() {
		return 1_000_000
	}
	return 60_000
}

// writeList writes the list. It blocks until the reader has read it.
func writeList(w io.Writer, format string) {
	lines := bufio.NewWriterSize(w, 64<<10)
	defer lines.Flush()
	for i := range listLength() {
		url := fmt.Sprintf("https://www.site%d.example.com/articles/2026/a-title-of-some-words-%d.html", i%1000, i)
		if i%badEvery == badEvery-1 {
			url = "nowhere"
		}
		fmt.Fprintf(lines, format, url)
	}
}

// The test sends a long list over HTTP twice: as text and as JSON.
func TestALongListOfSeedsStreamsThroughTheAPI(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	const most = 64 << 20 // a list of a million URLs has 80 MB, as JSON 90
	refused := int64(listLength() / badEvery)
	admitted := int64(listLength()) - refused
	f := testfleet.New(t)
	dashboard, url := f.Dashboard()
	before, measured := dashboard.PeakMemory() // the memory of the libraries
	job := crawler.DefaultJob()
	job.Name = "list"
	f.Create(job)
	for _, pass := range []struct {
		kind, format string
		want         crawler.Seeding
	}{
		{"text/plain", "%s\n", crawler.Seeding{Admitted: admitted, Refused: refused}},
		{"application/x-ndjson", `{"url": "%s"}` + "\n", crawler.Seeding{Seen: admitted, Refused: refused}},
	} {
		got := postList(t, url+"/api/v1/jobs/list/seeds", pass.kind, pass.format)
		if got.Admitted != pass.want.Admitted || got.Seen != pass.want.Seen || got.Refused != pass.want.Refused {
			t.Errorf("as %s, the result is %d admitted, %d seen, %d refused; want %+v", pass.kind, got.Admitted,
				got.Seen, got.Refused, pass.want)
		}
		for i, r := range got.Refusals {
			if r.Line != int64(i+1)*badEvery || r.URL != "nowhere" || r.Reason == "" {
				t.Errorf("refusal %d is %+v", i, r)
			}
		}
	}
	if numbers, err := f.Client.Counters(testfleet.Soon(t), job.Name); err != nil || numbers.Waiting != admitted ||
		numbers.Hosts != 1000 {
		t.Errorf("the job has %+v (%v)", numbers, err)
	}
	if peak, ok := dashboard.PeakMemory(); ok && measured {
		t.Logf("the dashboard grew from %d MiB to %d", before>>20, peak>>20)
		if peak-before > most {
			t.Errorf("the dashboard grew from %d MiB to %d, want at most %d more", before>>20, peak>>20, most>>20)
		}
	}
}

// postList streams the list without a Content-Length.
func postList(t *testing.T, url, kind, format string) (sum crawler.Seeding) {
	t.Helper()
	body, feed := io.Pipe()
	go func() {
		writeList(feed, format)
		feed.Close()
	}()
	request, err := http.NewRequestWithContext(testfleet.Patience(t), http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(answer, &sum)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the API answers %s: %s (%v)", resp.Status, answer, err)
	}
	return sum
}
