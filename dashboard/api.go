package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// unhurried removes the server's time limits from the rest of a request. A change to a job
// takes as long as it takes, and ends when the client disconnects.
func unhurried(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // its expiry would end the request's context
	_ = control.SetWriteDeadline(time.Time{})
}

// jobPath returns the path of a job in the API.
func jobPath(name string) string { return apiRoot + "/jobs/" + url.PathEscape(name) }

func (d *Dashboard) listJobs(w http.ResponseWriter, r *http.Request) error {
	wanted, err := readFilter(r)
	if err != nil {
		return err
	}
	sheets, err := d.survey(r.Context())
	if err != nil {
		return err
	}
	sheets = slices.DeleteFunc(sheets, func(s sheet) bool { return !wanted.admits(s) })
	writeJSON(w, http.StatusOK, map[string][]sheet{"jobs": sheets})
	return nil
}

// filter says which jobs to list. The zero filter lists all.
type filter struct {
	states []string
	runsOf []string
}

// readFilter parses the query of a list of jobs. A parameter may be repeated, or have
// several values separated by commas. A job is listed if it matches one of them.
func readFilter(r *http.Request) (f filter, err error) {
	query, err := parameters(r, "state", "run_of")
	if err != nil {
		return f, err
	}
	f = filter{valuesOf(query, "state"), valuesOf(query, "run_of")}
	for _, s := range f.states {
		if !slices.Contains(states, crawler.State(s)) {
			return f, badRequest("parameter state: %q is not a state of a job%s: want %s", s,
				plain.Suggest(s, namesOf(states)), strings.Join(namesOf(states), ", "))
		}
	}
	return f, nil
}

func (f filter) admits(s sheet) bool {
	return (len(f.states) == 0 || slices.Contains(f.states, string(s.State))) &&
		(len(f.runsOf) == 0 || slices.Contains(f.runsOf, s.RunOf))
}

func namesOf(states []crawler.State) []string {
	var names []string
	for _, s := range states {
		names = append(names, string(s))
	}
	return names
}

// parameters parses the query of a request. An unknown parameter is an error, because the
// client may rely on it.
func parameters(r *http.Request, known ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("the query %q cannot be parsed: %v", r.URL.RawQuery, err)
	}
	for name := range query {
		if !slices.Contains(known, name) {
			return nil, badRequest("unknown parameter %q%s: want %s", name, plain.Suggest(name, known),
				strings.Join(known, " or "))
		}
	}
	return query, nil
}

// valuesOf returns the values of a parameter that are not empty.
func valuesOf(query url.Values, name string) (all []string) {
	for _, text := range query[name] {
		for value := range strings.SplitSeq(text, ",") {
			if value = strings.TrimSpace(value); value != "" {
				all = append(all, value)
			}
		}
	}
	return all
}

func (d *Dashboard) showJob(w http.ResponseWriter, r *http.Request) error {
	return d.answerJob(w, r, http.StatusOK, r.PathValue("job"))
}

// answerJob responds with the current state of a job.
func (d *Dashboard) answerJob(w http.ResponseWriter, r *http.Request, status int, name string) error {
	sh, err := d.sheetOf(r.Context(), name)
	if err == nil {
		err = d.addEvents(r.Context(), &sh)
	}
	if err != nil {
		return err
	}
	writeJSON(w, status, sh)
	return nil
}

func (d *Dashboard) createJob(w http.ResponseWriter, r *http.Request) error {
	job, err := readJob(w, r)
	if err != nil {
		return err
	}
	unhurried(w)
	if err := d.jobs.CreateClosed(r.Context(), job); err != nil {
		return err
	}
	w.Header().Set("Location", jobPath(job.Name))
	return d.answerJob(w, r, http.StatusCreated, job.Name)
}

// steer changes the state of a job and responds with the job.
func (d *Dashboard) steer(do func(ctx context.Context, name string) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		unhurried(w)
		if err := do(r.Context(), r.PathValue("job")); err != nil {
			return err
		}
		return d.answerJob(w, r, http.StatusOK, r.PathValue("job"))
	}
}

func (d *Dashboard) removeJob(w http.ResponseWriter, r *http.Request) error {
	unhurried(w)
	if err := d.jobs.Remove(r.Context(), r.PathValue("job")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
