package main_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// readPages reads the records of a job over the API, in pages of seven, until the end is told.
func (ft *fleetTest) readPages(api, job string, query ...string) (records []crawler.Record, pages int) {
	ft.t.Helper()
	const tick = 50 * time.Millisecond
	soon, cursor := testfleet.Soon(ft.t), ""
	for {
		values := url.Values{"limit": {"7"}, "cursor": {cursor}, "where": query}
		req, err := http.NewRequestWithContext(soon, http.MethodGet,
			api+"/api/v1/jobs/"+job+"/records?"+values.Encode(), nil)
		if err != nil {
			ft.t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			ft.t.Fatal(err)
		}
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var record crawler.Record
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				ft.t.Fatalf("the dashboard answers %d, and a line is not a record: %v: %s", resp.StatusCode, err, lines.Text())
			}
			records = append(records, record)
		}
		resp.Body.Close()
		if err := lines.Err(); err != nil || resp.StatusCode != http.StatusOK {
			ft.t.Fatalf("the dashboard answers %d: %v", resp.StatusCode, err)
		}
		pages++
		cursor = resp.Header.Get("Trawl-Cursor")
		switch {
		case resp.Header.Get("Trawl-End") == "true":
			return records, pages
		case resp.Header.Get("Trawl-More") != "true":
			time.Sleep(tick)
		}
	}
}

// urlsOf returns the URLs of records, sorted.
func urlsOf(records []crawler.Record) []string {
	var urls []string
	for _, r := range records {
		urls = append(urls, r.URL)
	}
	slices.Sort(urls)
	return urls
}

func TestTheAPIHasEachRecordOfARunningJobOnce(t *testing.T) {
	t.Parallel()
	skipIfShort(t)
	for name, format := range map[string]string{"folder": "jsonl", "compressed": "jsonl.gz", "bucket": "jsonl.zst"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 4, PagesPerHost: 40, LinksPerPage: 5}
			site := g.Serve(t)
			ft := newFleetTest(t)
			var flags []string
			if name == "bucket" {
				ft.Out = newS3Server(t).bucket("crawls/fleet")
				flags = []string{"--spool", ft.path("spool"), "--ship-every", "1s"}
			}
			_, api := ft.Dashboard()
			ft.Scheduler()
			ft.Worker(flags...)
			ft.Worker(flags...)
			job := jobOf(t, g, site)
			job.Delay, job.Format = 20*time.Millisecond, []string{format}
			ft.Create(job)
			read, pages := ft.readPages(api, job.Name)
			if diff := cmp.Diff(urlsOf(ft.Kept(job.Name)), urlsOf(read)); diff != "" {
				t.Errorf("records (-kept +read):\n%s", diff)
			}
			testfleet.Pages(read).Expect(t, "pages", g.URLs(site))
			if name != "bucket" && pages < len(read)/7 {
				t.Errorf("%d records were read in %d pages", len(read), pages)
			}
			some, _ := ft.readPages(api, job.Name, "url ~ /page/1", "outcome = fetched")
			for _, r := range some {
				if r.Outcome != crawler.OutcomeFetched {
					t.Errorf("a record that does not meet the condition was returned: %+v", r)
				}
			}
			if len(some) == 0 || len(some) >= len(read) {
				t.Errorf("%d of %d records meet the condition", len(some), len(read))
			}
		})
	}
}

func TestRecordsThatTheDashboardCannotReadAreAClearError(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	_, api := ft.Dashboard()
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, site)
	job.Format = []string{"parquet"}
	ft.Create(job)
	ft.Done(job.Name)
	address := api[len("http://"):]
	status, body := get(t, address, "/api/v1/jobs/"+job.Name+"/records")
	if status != http.StatusConflict || !containsAll(body, []string{job.Name, "parquet", "add jsonl", "trawl export"}) {
		t.Errorf("the dashboard answers %d: %s", status, body)
	}
}
