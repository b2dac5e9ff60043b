package sink

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

func TestItemsAreWrittenOnePerLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open([]string{"jsonl", "items"}, dir, Options{Worker: "w1"})
	if err != nil {
		t.Fatal(err)
	}
	two, none := page(t, "http://example.com/two", "body"), page(t, "http://example.com/none", "body")
	two.Items = []queue.Item{
		{JSON: json.RawMessage(`{"name":"<b> & more","price":1.10}`)}, {JSON: json.RawMessage(`"second"`)},
	}
	keep(t, s, two, none)
	closed(t, s)

	const from = `{"url":"http://example.com/two","job":"test","fetched_at":"2023-11-14T22:13:20.000Z","item":`
	want := from + `{"name":"<b> & more","price":1.10}}` + "\n" + from + `"second"}` + "\n"
	if diff := cmp.Diff(want, read(t, dir, "items-w1-00001.jsonl")); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	recs := kept(t, dir, "pages*.jsonl")
	if len(recs) != 2 || len(recs[0].Items) != 2 || string(recs[0].Items[1]) != `"second"` || recs[1].Items != nil {
		t.Errorf("the records of the pages are %+v", recs)
	}
	if strings.Contains(read(t, dir, "pages-w1-00001.jsonl"), `"items":null`) {
		t.Error("a page without items has a field for them")
	}
}

// This test is not parallel, because allocations of other tests would count.
func TestAPageOfManyMegabytesOfItemsIsCopiedOnce(t *testing.T) {
	race.Skip(t) // with the detector, pools drop items at random
	const size, number = 1 << 20, 24
	page := pages(t, 0, 1)[0]
	text := json.RawMessage(`"` + strings.Repeat("x", size) + `"`)
	for range number {
		page.Items = append(page.Items, queue.Item{JSON: text})
	}
	for _, format := range []string{"jsonl", "items", "parquet"} {
		s, err := Open([]string{format}, t.TempDir(), Options{Worker: "w", Job: archived})
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		keep(t, s, page)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > size*number*5/4 {
			t.Errorf("%s: keeping %d MB of items allocated %d MB", format, size*number>>20, took>>20)
		}
		closed(t, s)
	}
}
