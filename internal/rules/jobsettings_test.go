package rules

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/textform"
)

// testdata/job.json was written before settings were in groups. Jobs in Redis and in job
// files must stay readable, and be written with the same keys and values.
func TestGroupsDoNotChangeWhatIsStored(t *testing.T) {
	stored, err := os.ReadFile("testdata/job.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(stored, &want); err != nil {
		t.Fatal(err)
	}

	var job crawler.Job
	decoder := json.NewDecoder(bytes.NewReader(stored))
	decoder.DisallowUnknownFields()
	settings, keep := textform.Form(&job)
	if err := decoder.Decode(settings); err != nil {
		t.Fatal(err)
	}
	keep()
	written, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(written, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("as JSON, (-before +now):\n%s", diff)
	}

	var fromYAML crawler.Job // every JSON text is YAML
	settings, keep = textform.Form(&fromYAML)
	if err := yaml.UnmarshalWithOptions(stored, settings, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	keep()
	if diff := cmp.Diff(job, fromYAML); diff != "" {
		t.Errorf("as YAML, (-JSON +YAML):\n%s", diff)
	}
}
