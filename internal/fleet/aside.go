package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// asidePrefix begins the names of folders with earlier results. A time follows.
const asidePrefix = "earlier-"

// SetAside moves the results of a crawl into a new subfolder, earlier-TIME, where export
// finds it as a separate run. Locks, earlier such subfolders, and hidden files stay, except
// for notes about the results. It returns the path of the new folder; "" if there was
// nothing to move.
func SetAside(dir string, now time.Time) (string, error) { return setAside(dir, now, output.IsNote) }

// setAside is SetAside with a choice of the hidden files that belong to the results.
func setAside(dir string, now time.Time, goes func(hidden string) bool) (string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("set earlier results aside: %w", err)
	}
	var results, hidden []string
	for _, e := range entries {
		switch name := e.Name(); {
		case strings.HasPrefix(name, asidePrefix), strings.HasSuffix(name, ".lock"):
		case !strings.HasPrefix(name, "."):
			results = append(results, name)
		case goes(name):
			hidden = append(hidden, name)
		}
	}
	if len(results) == 0 {
		return "", nil
	}
	aside := filepath.Join(dir, asidePrefix+now.UTC().Format("20060102T150405.000Z"))
	if err := os.MkdirAll(aside, 0o755); err != nil {
		return "", fmt.Errorf("set earlier results aside: %w", err)
	}
	for _, name := range append(results, hidden...) {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(aside, name)); err != nil {
			return "", fmt.Errorf("set earlier results aside: %w", err)
		}
	}
	return aside, nil
}

// KeepLastAside deletes the folders that SetAside made in a folder, except the last one.
func KeepLastAside(dir string) error {
	entries, err := os.ReadDir(dir) // sorted by name, and so by time
	if err != nil {
		return fmt.Errorf("delete earlier results: %w", err)
	}
	last := ""
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), asidePrefix) {
			continue
		}
		if last != "" {
			if err := os.RemoveAll(last); err != nil {
				return fmt.Errorf("delete earlier results: %w", err)
			}
		}
		last = filepath.Join(dir, e.Name())
	}
	return nil
}

// claimTerm is the timeout for finding out whose results a place holds.
const claimTerm = 30 * time.Second

// claim makes sure that a job does not write next to the results of an earlier, removed job
// of the same name. In a folder it sets those aside, and returns their new path. In a
// bucket nothing can be moved at once, so the job is refused there. The error wraps
// [sink.ErrInUse] while the earlier results are still being written.
func (o *Outlet) claim(ctx context.Context, job crawler.Status, beneath string) (aside string, err error) {
	if o.sink != nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, claimTerm)
	defer cancel()
	name, place := job.Job.Name, o.place.In(beneath)
	own := output.Owner{Job: name, Created: job.Created}
	was, err := place.Owner(ctx)
	if err == nil && was != nil && was.Created.Equal(job.Created) {
		return "", nil
	}
	if o.spool != nil {
		return "", o.claimBucket(ctx, place, own)
	}
	dir := filepath.Join(o.cfg.Where, beneath)
	if _, err := sink.Adopt(dir, o.cfg.Log); err != nil {
		return "", err
	}
	release, err := sink.Seize(dir)
	if err != nil {
		return "", fmt.Errorf("an earlier job %q left results there that are still being written: %w", name, err)
	}
	defer func() { err = errors.Join(err, release()) }()
	was, err = place.OfAnother(ctx, name, job.Created)
	if err == nil && was != nil {
		aside, err = setAside(dir, time.Now(), func(hidden string) bool {
			return output.IsNote(hidden) || hidden == stateDir
		})
	}
	if err != nil {
		return "", err
	}
	o.noteOwner(ctx, place, own)
	return aside, nil
}

// stateDir is where trawl crawl keeps its state in a folder of results, so that it can
// continue.
const stateDir = ".trawl"

// claimBucket records in a bucket whose results it holds. If the record cannot be read or
// written, for example because the worker may only write, the job continues.
func (o *Outlet) claimBucket(ctx context.Context, place *output.Location, own output.Owner) error {
	was, err := place.OfAnother(ctx, own.Job, own.Created)
	switch {
	case err != nil:
		o.cfg.Log.Warn("cannot check whether an earlier job of this name has results in the bucket", "job", own.Job,
			"place", place.String(), "error", err)
	case was != nil:
		return fmt.Errorf("%q has the results of an earlier job %q: move them to another prefix, or remove this job and create it under another name", place, own.Job)
	default:
		o.noteOwner(ctx, place, own)
	}
	return nil
}

// stamp records that the results in a folder belong to a job, replacing an earlier record.
// The caller must have made sure that they do.
func (o *Outlet) stamp(ctx context.Context, job crawler.Status, beneath string) {
	if o.sink == nil && o.spool == nil {
		o.noteOwner(ctx, o.place.In(beneath), output.Owner{Job: job.Job.Name, Created: job.Created})
	}
}

// noteOwner records whose results a place holds. If that fails, the job continues: only a
// later job of the same name will not recognize the results as another's.
func (o *Outlet) noteOwner(ctx context.Context, place *output.Location, own output.Owner) {
	if err := place.SetOwner(ctx, own); err != nil && ctx.Err() == nil && !NoRoom(err) {
		o.cfg.Log.Warn("cannot record in the output which job it belongs to", "job", own.Job, "error", err)
	}
}
