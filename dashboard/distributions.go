package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// spreadReport says how the pages of a job are distributed, as the API shows it.
type spreadReport struct {
	Depths   []bucketReport `json:"depths"`
	Sizes    []bucketReport `json:"sizes"`
	Statuses []bucketReport `json:"statuses"`
}

// bucketReport says how many URLs have a property.
type bucketReport struct {
	Name    string `json:"name"`
	From    int64  `json:"from"`
	URLs    int64  `json:"urls"`
	Example string `json:"example"`
}

func newSpreadReport(c spread.Counts) spreadReport {
	return spreadReport{bucketsOf(c, spread.Depth), bucketsOf(c, spread.Size), bucketsOf(c, spread.Status)}
}

func bucketsOf(c spread.Counts, k spread.Kind) []bucketReport {
	all := []bucketReport{}
	for _, b := range c.Buckets(k) {
		all = append(all, bucketReport{bucketName(k, b), b.From, b.URLs, b.Example})
	}
	return all
}

// bucketName returns a bucket in words.
func bucketName(k spread.Kind, b spread.Bucket) string {
	switch {
	case k == spread.Status:
		return "HTTP " + strconv.FormatInt(b.From, 10)
	case k == spread.Depth && b.From == spread.MaxDepth:
		return fmt.Sprintf("%d or more", b.From)
	case k == spread.Depth:
		return strconv.FormatInt(b.From, 10)
	case b.To == b.From:
		return "empty"
	case b.To < 0:
		return binaryText(b.From) + " or more"
	}
	return "below " + binaryText(b.To+1)
}

// binaryText formats a power of two of bytes.
func binaryText(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", n>>10)
}

// showDistributions responds with how the pages of a job are distributed.
func (d *Dashboard) showDistributions(w http.ResponseWriter, r *http.Request) error {
	return d.report(w, r, func(ctx context.Context, job string) (any, error) {
		counts, err := d.jobs.Spread(ctx, job)
		return newSpreadReport(counts), err
	})
}

// spreadTable is a distribution on a job's page.
type spreadTable struct {
	Title, Of string
	Rows      []spreadRow
}

// spreadRow is a bucket with its share of the largest one, in percent.
type spreadRow struct {
	Name, URLs string
	Percent    float64
	Example    string
	Link       string // the page of the example; "" for none
}

// spreadTables lists the distributions of a job that has fetched something.
func spreadTables(job string, c spread.Counts) (tables []spreadTable) {
	report := newSpreadReport(c)
	for _, t := range []struct {
		title, of string
		buckets   []bucketReport
	}{{"Depth", "pages", report.Depths}, {"Size", "pages", report.Sizes}, {"Status", "URLs", report.Statuses}} {
		if len(t.buckets) > 0 {
			tables = append(tables, spreadTable{t.title, t.of, spreadRows(job, t.buckets)})
		}
	}
	return tables
}

func spreadRows(job string, buckets []bucketReport) (rows []spreadRow) {
	most := int64(1)
	for _, b := range buckets {
		most = max(most, b.URLs)
	}
	for _, b := range buckets {
		row := spreadRow{Name: b.Name, URLs: ui.Number(b.URLs), Percent: 100 * float64(b.URLs) / float64(most),
			Example: b.Example}
		if b.Example != "" {
			row.Link = urlLink(job, b.Example)
		}
		rows = append(rows, row)
	}
	return rows
}
