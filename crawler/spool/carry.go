package spool

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// atOnce is how many files are carried at once.
const atOnce = 16

// carry brings the finished files of the tray to the depot: first those that
// others speak of, which are the bodies in its folders and WARC files, then the
// manifests, indexes and all others. It reports whether all is there that ever will be.
func (t *Tray) carry(ctx context.Context) (empty bool, err error) {
	t.carrying.Lock()
	defer t.carrying.Unlock()
	t.mu.RLock()
	closed := t.closed
	t.mu.RUnlock()
	first, then, err := t.finished()
	for _, names := range [][]string{first, then} {
		if err == nil {
			err = t.carryAll(ctx, names)
		}
	}
	return err == nil && closed, err
}

// finished lists the files that nobody writes to any more. Names at the top are
// looked at before folders: the bodies that a finished manifest speaks of were
// there before it was finished.
func (t *Tray) finished() (first, then []string, err error) {
	entries, err := os.ReadDir(t.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir(), strings.HasPrefix(name, "."), strings.HasSuffix(name, ".open"), strings.HasSuffix(name, ".part"):
		case strings.HasSuffix(name, ".warc.gz"):
			first = append(first, name)
		default:
			then = append(then, name)
		}
	}
	for _, e := range entries {
		if err == nil && e.IsDir() {
			err = filepath.WalkDir(filepath.Join(t.Dir, e.Name()), func(path string, e fs.DirEntry, err error) error {
				if err == nil && e.Type().IsRegular() {
					name, _ := filepath.Rel(t.Dir, path)
					first = append(first, name)
				}
				return err
			})
		}
	}
	return first, then, err
}

func (t *Tray) carryAll(ctx context.Context, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, name := range names {
		group.Go(func() error { return t.carryOne(ctx, name) })
	}
	return group.Wait()
}

// carryOne brings a file to the depot and removes it here, unless it was written
// anew meanwhile: then the next round brings that.
func (t *Tray) carryOne(ctx context.Context, name string) error {
	path := filepath.Join(t.Dir, name)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	carried, err := file.Stat()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, putTerm)
	defer cancel()
	if err := t.spool.depot.Put(ctx, t.key(name), file, carried.Size()); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now, err := os.Stat(path)
	if err != nil || !os.SameFile(carried, now) {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	for dir := filepath.Dir(path); dir != t.Dir && os.Remove(dir) == nil; dir = filepath.Dir(dir) {
	}
	return nil
}

// remove takes away a tray out of which all is brought, after the manifest was told so.
// Where its sinks failed to finish a file, it is let go of instead, to be adopted and
// mended.
func (t *Tray) remove(ctx context.Context) error {
	t.carrying.Lock()
	defer t.carrying.Unlock()
	entries, err := os.ReadDir(t.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another round was faster
	}
	if err != nil {
		return err
	}
	unfinished := false
	for _, e := range entries { // folders are empty
		unfinished = unfinished || !e.IsDir() && !strings.HasPrefix(e.Name(), ".")
	}
	if manifest := t.spool.cfg.Manifest; manifest != nil && !unfinished {
		ctx, cancel := context.WithTimeout(ctx, manifestTerm)
		defer cancel()
		if err := manifest.Shipped(ctx, t.job, t.Writer); err != nil {
			return fmt.Errorf("all of %q is in the bucket, but that cannot be written down: %w", t.Dir, err)
		}
	}
	t.spool.mu.Lock()
	delete(t.spool.trays, t.Dir)
	t.spool.mu.Unlock()
	if unfinished {
		return t.lock.Close()
	}
	err = errors.Join(os.RemoveAll(t.Dir), t.lock.Close())
	os.Remove(filepath.Dir(t.Dir)) // if it was the job's last
	return err
}
