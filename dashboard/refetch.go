package dashboard

import (
	"net/http"
	"strings"
)

// refetch queues URLs of a running job again if their worker was lost before it had shipped their
// records. The records that an ended job lacks are known only from all of its output, which trawl
// job refetch reads.
func (d *Dashboard) refetch(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "lost")
	if err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	name := status.Job.Name
	switch {
	case status.Job.Schedule != "":
		return conflict("job %s is periodic and has no records itself: name a run", name)
	case status.State.Ended():
		return conflict("job %s is %s: what its output lacks is known only from all of its records; use trawl job refetch %[1]s",
			name, status.State)
	}
	unhurried(w)
	urls, err := d.jobs.Refetch(r.Context(), name, strings.TrimSpace(query.Get("lost")))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, retryReport{int(urls)})
	return nil
}
