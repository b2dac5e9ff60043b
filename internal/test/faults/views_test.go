package faults_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// maxSilence is the maximum time until every view says that a job's workers were killed.
const maxSilence = 5 * time.Second

// Visits are open when all workers are killed, so that the counters still look as if the crawl
// went on.
func TestEveryViewSaysThatAllWorkersWereKilled(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, 8, size(40, 300))
	c.Scheduler()
	workers := c.Workers(2, "--concurrency", "4")
	_, url := c.Dashboard()
	c.begin()
	c.waitForMore(20)
	for _, w := range workers {
		w.Kill()
	}
	killed, inFlight := time.Now(), c.inFlight()
	// After ten seconds, a killed process is forgotten.
	says := regexp.MustCompile(`(?i)(the workers of this job show no sign of life|no worker runs this job).*trawl worker`)
	command := func(args ...string) func() string {
		return func() string { said, _ := c.Run(args...); return said }
	}
	page := func(path string) func() string { return func() string { return c.read(url + path) } }
	for view, read := range map[string]func() string{
		"job ls": command("job", "ls"), "job show": command("job", "show", c.job.Name),
		"job show --json": command("job", "show", "--json", c.job.Name),
		"the API":         page("/api/v1/jobs/" + c.job.Name), "the page of the fleet": page("/"),
		"the page of the job": page("/jobs/" + c.job.Name),
	} {
		for !says.MatchString(read()) {
			if !pause(testfleet.Patience(t), 50*time.Millisecond) {
				t.Fatalf("%s does not say that the workers are gone:\n%s", view, read())
			}
		}
	}
	took := time.Since(killed)
	t.Logf("every view said it after %v", took.Round(time.Millisecond))
	testfleet.Within(t, "every view says that the workers were killed", took, maxSilence)
	metric := `trawl_job_waits{for="worker",job="` + c.job.Name + `"} 1`
	for text := page("/metrics"); !strings.Contains(text(), metric); {
		if !pause(testfleet.Patience(t), 50*time.Millisecond) {
			t.Fatalf("the metrics lack %s", metric)
		}
	}
	c.Worker("--concurrency", "4")
	c.wantComplete(int(inFlight))
}

// inFlight returns how many URLs of the job are in flight, or were when their worker died.
func (c *crawl) inFlight() int64 {
	c.t.Helper()
	counters, err := c.Client.Counters(testfleet.Soon(c.t), c.job.Name)
	if err != nil {
		c.t.Fatal(err)
	}
	return counters.Flight
}

// read returns what a server of the fleet answers to a GET.
func (c *crawl) read(url string) string {
	c.t.Helper()
	request, err := http.NewRequestWithContext(testfleet.Patience(c.t), http.MethodGet, url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}
