package crawler_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestRightsOfEarlierRecordsAreRead(t *testing.T) {
	t.Parallel()
	const said = `{"vocabulary":"robots","statement":"noai","source":"meta","where":"http://a.example/","at":"T"}`
	want := crawler.Rights{{Vocabulary: "robots", Statement: "noai", Source: "meta", Where: "http://a.example/", At: "T"}}
	for text, want := range map[string]crawler.Rights{
		`[` + said + `]`: want,
		`{"noai":true,"statements":[` + said + `]}`: want,
		`{"noai":true}`: nil,
		`null`:          nil,
	} {
		var r crawler.Record
		err := json.Unmarshal([]byte(`{"rights": `+text+`}`), &r)
		if diff := cmp.Diff(want, r.Rights); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	var r crawler.Record
	if err := json.Unmarshal([]byte(`{"rights": "noai"}`), &r); err == nil {
		t.Errorf("rights that are a string are read as %v, want an error", r.Rights)
	}
}
