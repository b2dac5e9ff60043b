package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// unhurried lifts the server's limits of time from the rest of a request whose
// body is read, if it had any. What changes a job takes as long as it takes, and
// ends when the client goes away.
func unhurried(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{}) // it would end the request's context
	_ = control.SetWriteDeadline(time.Time{})
}

// jobPath is where the API has a job.
func jobPath(name string) string { return apiRoot + "/jobs/" + url.PathEscape(name) }

func (d *Dashboard) listJobs(w http.ResponseWriter, r *http.Request) error {
	sheets, err := d.survey(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string][]sheet{"jobs": sheets})
	return nil
}

func (d *Dashboard) showJob(w http.ResponseWriter, r *http.Request) error {
	return d.answerJob(w, r, http.StatusOK, r.PathValue("job"))
}

// answerJob answers with a job as it is now.
func (d *Dashboard) answerJob(w http.ResponseWriter, r *http.Request, status int, name string) error {
	sh, err := d.sheetOf(r.Context(), name)
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
	if err := d.jobs.Create(r.Context(), job); err != nil {
		return err
	}
	w.Header().Set("Location", jobPath(job.Name))
	return d.answerJob(w, r, http.StatusCreated, job.Name)
}

// steer does something to a job and answers with the job.
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
