package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// changesReader reads which pages of jobs have changed. It is safe for concurrent use.
type changesReader interface {
	// Changes calls do with each change of a job's pages after a cursor, until do returns false,
	// or all changes that are known now were read. The cursor "" is the beginning. It returns the
	// cursor after the last change, and whether there may be more now.
	Changes(ctx context.Context, job crawler.Status, cursor string,
		do func(change.Page) (more bool, err error)) (next string, more bool, err error)
}

// changes returns the reader of changes, or the problem that this dashboard has none.
func (d *Dashboard) changes() (changesReader, error) {
	if reader, ok := d.cfg.Records.(changesReader); ok {
		return reader, nil
	}
	return nil, &problem{http.StatusNotImplemented, "this dashboard does not read changes: use trawl changes", nil}
}

// listChanges responds with changes of the pages of a job, one to a line, and with the cursor after
// them.
func (d *Dashboard) listChanges(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "cursor", "limit", "change")
	if err != nil {
		return err
	}
	limit, err := readNumber(query, "limit", usualRecords, mostRecords)
	if err != nil {
		return err
	}
	classes, err := readClasses(valuesOf(query, "change"))
	if err != nil {
		return err
	}
	reader, err := d.changes()
	if err != nil {
		return err
	}
	status, err := d.jobs.Status(r.Context(), r.PathValue("job")) // first, because only an ended job has all its changes
	if err != nil {
		return err
	}
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	n, until := 0, time.Now().Add(d.longest)
	next, more, err := reader.Changes(r.Context(), status, query.Get("cursor"), func(p change.Page) (bool, error) {
		if len(classes) == 0 || slices.Contains(classes, p.Class) {
			n++
			if err := encoder.Encode(p); err != nil {
				return false, err
			}
		}
		return n < limit && lines.Len() < maxAnswer && time.Now().Before(until), nil
	})
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/x-ndjson")
	header.Set(headerCursor, next)
	header.Set(headerMore, fmt.Sprint(more))
	header.Set(headerEnd, fmt.Sprint(!more && status.State.Ended() && len(status.Awaited) == 0))
	_, _ = w.Write(lines.Bytes()) // fails only when the client is gone
	return nil
}

// readClasses parses the classes that a client wants; none for all.
func readClasses(names []string) (classes []change.Class, err error) {
	for _, name := range names {
		class := change.Class(name)
		if !slices.Contains(change.Classes, class) {
			return nil, badRequest("parameter change: %q is not a change%s: want any of %v", name,
				plain.Suggest(name, strings.Fields(strings.Trim(fmt.Sprint(change.Classes), "[]"))), change.Classes)
		}
		classes = append(classes, class)
	}
	return classes, nil
}
