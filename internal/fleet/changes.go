package fleet

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// compareRuns runs one task of [wire.TypeChanges]: it writes to the output of a run which pages have
// changed since the run before, and tells webhooks. It may be run again at any point: the file is
// replaced as a whole, and asynq refuses events that it already has.
func (w *Worker) compareRuns(ctx context.Context, t *asynq.Task) error {
	var n wire.Next
	if err := json.Unmarshal(t.Payload(), &n); err != nil {
		return fmt.Errorf("payload of a %s task: %w: %w", t.Type(), err, asynq.SkipRetry)
	}
	run, err := w.conn.Store.Status(ctx, n.Job)
	switch {
	case errors.Is(err, queue.ErrNoJob), err == nil && run.Created.UnixMilli() != n.Created:
		return fmt.Errorf("run %q was removed before it was compared: %w", n.Job, asynq.SkipRetry)
	case err != nil:
		return err
	}
	found, err := w.noteChanges(ctx, run)
	if err != nil {
		w.conn.Log.Warn("a run could not be compared with the one before", "job", n.Job, "error", err)
		return fmt.Errorf("compare run %q with the one before: %w", n.Job, err)
	}
	result, err := json.Marshal(map[string]any{"changes": found})
	if err == nil {
		_, err = t.ResultWriter().Write(result)
	}
	w.conn.Log.Info("a run was compared with the one before", "job", n.Job, "changes", found)
	return err
}

// noteChanges compares a run with the one before, and returns how many pages have changed. For the
// first run, the file is empty.
func (w *Worker) noteChanges(ctx context.Context, run crawler.Status) (found int, err error) {
	after, err := w.whole(ctx, run)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, after.Close()) }()
	before, err := export.RunBefore(ctx, w.out.Where(run.Job.Name), func(name string) (bool, error) {
		return w.comparable(ctx, name)
	})
	if err != nil {
		return 0, err
	}
	file, err := os.CreateTemp("", "trawl-changes-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	if before != nil {
		defer func() { err = errors.Join(err, before.Close()) }()
		if found, err = w.writeChanges(ctx, run, before, after, file); err != nil {
			return 0, err
		}
	}
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if err := w.out.Place().In(run.Job.Name).Put(ctx, output.ChangesName, file, size); err != nil {
		return 0, err
	}
	return found, w.tellChanges(ctx, run, file)
}

// comparable reports whether the pages of a run can be compared with those of the next one: they
// can if the run was not ended early. A run that Redis has forgotten is known only by its output.
func (w *Worker) comparable(ctx context.Context, run string) (bool, error) {
	status, err := w.conn.Store.Status(ctx, run)
	if errors.Is(err, queue.ErrNoJob) {
		return true, nil
	}
	return status.State == crawler.StateDone, err
}

// writeChanges writes what differs between two runs, a line of JSON for each page.
func (w *Worker) writeChanges(ctx context.Context, run crawler.Status, before, after *export.Crawl,
	file io.Writer) (found int, err error) {
	lines := bufio.NewWriterSize(file, 1<<16)
	encoder := json.NewEncoder(lines)
	encoder.SetEscapeHTML(false)
	order := export.DiffOrder{Distance: change.TextDistance, Found: true, Damaged: func(at string, err error) {
		w.conn.Log.Warn("a line is not a record", "job", run.Job.Name, "at", at, "error", err)
	}}
	ended := run.Ended.UTC().Format(fetchedFormat)
	_, err = export.Diff(ctx, before, after, order, func(p change.Page) error {
		found++
		p.Job = run.Job.Name
		if p.FetchedAt == "" { // the run did not meet this page
			p.FetchedAt = ended
		}
		return encoder.Encode(p)
	})
	return found, errors.Join(err, lines.Flush())
}

// fetchedFormat is the format of times in records.
const fetchedFormat = "2006-01-02T15:04:05.000Z07:00"

// tellChanges sends the changes in a file to the webhooks of a run.
func (w *Worker) tellChanges(ctx context.Context, run crawler.Status, file io.ReadSeeker) (err error) {
	if !wire.WantsChanges(run.Job) {
		return nil
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	queues := wire.NewDispatcher(w.conn.Asynq, time.Minute)
	defer func() { err = errors.Join(err, queues.Close()) }()
	decoder := json.NewDecoder(file)
	for number := int64(1); ; number++ {
		var batch []change.Page
		for len(batch) < wire.ChangesBatch {
			var p change.Page
			if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
			batch = append(batch, p)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := queues.TellChanges(ctx, w.conn.Store, run, fmt.Sprint(number), number, batch); err != nil {
			return err
		}
	}
}
