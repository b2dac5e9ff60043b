package dashboard

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/setting"
)

// anyRevision stands for any revision of the settings.
const anyRevision = -1

// setJob changes settings of a job. The body is a JSON merge patch (RFC 7396) of the job's
// settings, in which null stands for a setting's default.
func (d *Dashboard) setJob(w http.ResponseWriter, r *http.Request) error {
	switch mediaType(r) {
	case "", "application/json", "application/merge-patch+json":
	default:
		return wrongType(r, "application/merge-patch+json or application/json")
	}
	revision, err := ifMatch(r)
	if err != nil {
		return err
	}
	changes, err := readChanges(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return err
	}
	unhurried(w)
	done, err := d.jobs.Set(r.Context(), r.PathValue("job"), revision, changes)
	if errors.Is(err, queue.ErrJobChanged) && revision != anyRevision {
		return &problem{http.StatusPreconditionFailed, err.Error(), nil}
	}
	if err != nil {
		return err
	}
	sh, err := d.sheetOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	sh.Notes = done.Notes
	writeJSON(w, http.StatusOK, sh)
	return nil
}

// ifMatch returns the revision that the settings must have (RFC 9110, 13.1.1).
func ifMatch(r *http.Request) (int64, error) {
	text := r.Header.Get("If-Match")
	if text == "" || text == "*" {
		return anyRevision, nil
	}
	revision, err := strconv.ParseInt(strings.Trim(text, `"`), 10, 64)
	if err != nil || revision < 0 {
		return 0, badRequest("If-Match: %q is not a revision of a job's settings: send the job's field revision in quotes", text)
	}
	return revision, nil
}

func readChanges(body io.Reader) (setting.Changes, error) {
	var changes setting.Changes
	decoder := json.NewDecoder(body)
	if err := decoder.Decode(&changes); err != nil {
		return nil, unreadable(jsonTrouble(err))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, badRequest("the body has more than one object of settings")
	}
	if len(changes) == 0 {
		return nil, badRequest("the body has no settings: send the ones to change, such as {\"delay\": \"5s\"}")
	}
	return changes, nil
}
