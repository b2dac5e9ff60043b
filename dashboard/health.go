package dashboard

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// readyTime is how long Redis may take to answer a readiness check.
const readyTime = 2 * time.Second

// alive responds as long as the process does.
func (d *Dashboard) alive(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	return nil
}

// ready checks whether Redis can be used. Everyone may ask, so the response contains only
// the kind of problem and the advice; the details are logged.
func (d *Dashboard) ready(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	check := d.cfg.Ready
	if check == nil {
		check = func(ctx context.Context) error { _, err := d.jobs.Jobs(ctx); return err }
	}
	if err := check(ctx); err != nil {
		d.log.Warn("not ready", "error", err)
		message := "Redis does not respond"
		var known interface{ Advice() string }
		if errors.As(err, &known) {
			message = known.Advice()
		} else if errors.Is(err, queue.ErrLayout) {
			message = queue.ErrLayout.Error()
		}
		writeJSON(w, http.StatusServiceUnavailable, &problem{Message: message})
		return nil
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
	return nil
}
