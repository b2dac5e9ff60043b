package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/setting"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// patch changes settings of a job over the API.
func patch(t testing.TB, api, job, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(testfleet.Soon(t), http.MethodPatch, api+"/api/v1/jobs/"+job,
		strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/merge-patch+json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// What trawl job set changes, PATCH changes too, and refuses the same.
func TestTheAPIChangesAllSettingsThatCanChange(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	_, api := ft.Dashboard()
	job := crawler.DefaultJob()
	job.Name, job.Delay, job.Retries = "news", 7_000_000_000, 1
	ft.Create(job)
	for _, name := range setting.Changeable() {
		if name == "schedule" || name == "runs" { // of periodic jobs
			continue
		}
		if status, answer := patch(t, api, "news", `{"`+name+`": null}`); status != http.StatusOK {
			t.Errorf("%s: the dashboard answers %d: %s", name, status, answer)
		}
	}
	var shown struct{ Job map[string]any }
	_, answer := patch(t, api, "news", `{"pages": 20, "exclude": ["/a/"]}`)
	if err := json.Unmarshal([]byte(answer), &shown); err != nil || shown.Job["delay"] != "1s" ||
		shown.Job["pages"] != 20.0 {
		t.Errorf("the job is %v (%v)", shown.Job, err)
	}
	for _, body := range []string{`{"format": ["warc"]}`, `{"pages": -1}`, `{"delay": "soon"}`} {
		if status, answer := patch(t, api, "news", body); status != http.StatusBadRequest {
			t.Errorf("%s: the dashboard answers %d: %s", body, status, answer)
		}
	}
}
