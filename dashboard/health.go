package dashboard

import (
	"context"
	"net/http"
	"time"
)

// readyTime is how long Redis may take to answer when it is asked whether it
// does.
const readyTime = 2 * time.Second

// alive answers as long as the process does.
func (d *Dashboard) alive(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	return nil
}

// ready finds out whether Redis answers. Anybody may ask, so what is wrong is
// logged and not told.
func (d *Dashboard) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if _, err := d.jobs.Jobs(ctx); err != nil {
		d.log.Warn("not ready", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, &problem{Message: "Redis does not answer"})
		return nil
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}
