package dashboard

import (
	"net/http"

	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// exportPage is the form by which records are downloaded.
type exportPage struct {
	ui.Layout
	Job, Action, Back     string
	Warning               string
	Format, Where, Select string // as the form has them
	Formats               []exportFormat
	Fields                []string // names of fields
}

func newExportPage(job string) exportPage {
	p := exportPage{Layout: ui.Layout{Title: "Export " + job, Path: pathOf(job)}, Job: job,
		Action: jobURL(job) + "/export/file", Back: jobURL(job), Formats: exportFormats}
	for _, f := range condition.Columns {
		p.Fields = append(p.Fields, f.Name)
	}
	return p
}

// showExportForm responds with the form by which records are downloaded.
func (d *Dashboard) showExportForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	d.respond(w, http.StatusOK, "export", newExportPage(status.Job.Name))
	return nil
}

// sendExportForm sends the file that the form asks for. If that is not possible, the form is shown
// again as it was filled in, with the reason.
func (d *Dashboard) sendExportForm(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "format", "where", "fields")
	if err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	q, err := readExportQuery(query, d.now())
	if err == nil {
		status, err = d.recordsOf(r)
	}
	if err == nil {
		err = d.sendExport(w, r, status, q)
	}
	code := statusOfPage(err)
	if err == nil || code == http.StatusServiceUnavailable || code == http.StatusInternalServerError {
		return err
	}
	p := newExportPage(r.PathValue("job"))
	p.Format, p.Where, p.Select = query.Get("format"), query.Get("where"), query.Get("fields")
	p.Warning = "Nothing was exported. " + sentence(err.Error())
	d.respond(w, code, "export", p)
	return nil
}
