package simulate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// This file imitates a web whose pages change, and what workers remember of them.

// living returns the response of a page in a world that goes on for days.
func (s *site) living(p *page, r fetched.Request) *fetched.Page {
	at := time.Since(s.sim.trace.began)
	switch {
	case p.life.isAway(at):
		return respond(p.url, p.life.health, "")
	case p.life.lists != nil:
		answer := respond(p.url, 200, s.list(p, at))
		answer.Header.Set("Content-Type", "application/xml")
		return answer
	}
	version := p.life.version(at)
	tag := `"v` + strconv.Itoa(version) + `"`
	if p.status == 200 && r.IfNoneMatch == tag {
		answer := respond(p.url, 304, "")
		answer.Header.Set("ETag", tag)
		return answer
	}
	answer := respond(p.url, p.status, fmt.Sprintf("body %d of %s", version, p.url))
	if p.to != nil {
		answer.Location = p.to.url
	}
	if p.status == 200 {
		answer.Header.Set("ETag", tag)
	}
	return answer
}

// versionOf returns the version of a page that an entity tag names; -1 if it names none.
func versionOf(tag string) int {
	text, _ := strings.CutPrefix(strings.Trim(tag, `"`), "v")
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return -1
}

// list returns a sitemap with when its pages were modified.
func (s *site) list(p *page, at time.Duration) string {
	var text strings.Builder
	text.WriteString(`<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">`)
	for _, listed := range p.life.lists {
		modified := s.sim.trace.began.Add(listed.life.changed(at))
		fmt.Fprintf(&text, "<url><loc>%s</loc><lastmod>%s</lastmod></url>", listed.url, modified.UTC().Format(time.RFC3339))
	}
	text.WriteString("</urlset>")
	return text.String()
}

// earlier returns what the worker knows of pages that the job has fetched; nil in other than continuous
// jobs. It imitates package validators: only records that are safe are used.
func (w *worker) earlier(job crawler.Job) visitValidators {
	if !job.Recrawl.On() {
		return nil
	}
	return known{w, job.Name}
}

// visitValidators is [visit.Validators].
type visitValidators interface {
	Find(u crawler.URL) *fetched.Earlier
}

// known has the records of a job that a worker can refer to.
type known struct {
	worker *worker
	job    string
}

// Find returns the last record of a URL with its content.
func (k known) Find(u crawler.URL) *fetched.Earlier {
	var last record
	unchanged := 0
	var all []record
	_ = k.worker.process.interact(k.worker.process.ctx, toDisk, "looks up "+k.job+" "+u.String(), func() error {
		all = slices.Clone(k.worker.safe())
		return nil
	}, nil)
	for _, rec := range all {
		switch {
		case rec.job != k.job || rec.url != u.String() || len(rec.redirects) > 0:
		case rec.outcome == crawler.OutcomeFetched && rec.version >= 0:
			last, unchanged = rec, 0
		case rec.outcome == crawler.OutcomeNotModified:
			unchanged++
		}
	}
	if last.url == "" {
		return nil
	}
	doc, _ := parser{k.worker.sim.world}.Parse(context.Background(), &fetched.Page{URL: u})
	return &fetched.Earlier{ETag: fmt.Sprintf(`"v%d"`, last.version), Unchanged: unchanged, Document: doc,
		Record: crawler.SameAs{URL: last.url, FetchedAt: last.keptAt()}}
}

// safe lists the records that will not be lost, as far as the worker can read them.
func (w *worker) safe() (all []record) {
	if !w.sim.world.bucket {
		return w.disk.records
	}
	for _, t := range w.sim.output.bucket {
		all = append(all, t.records...)
	}
	return all
}
