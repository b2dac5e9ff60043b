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

// atOnce is how many files are uploaded at once.
const atOnce = 16

// carry uploads the finished files of the staging folder to the blob store: first the
// files that others refer to, which are WARC files and the bodies in subfolders, then
// manifests, indexes and everything else. empty reports that everything was uploaded and
// no more will come.
func (t *Staging) carry(ctx context.Context) (empty bool, err error) {
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

// finished lists the files that are no longer written. It reads the top folder before the
// subfolders: the bodies that a finished manifest refers to were written before it was
// finished.
func (t *Staging) finished() (first, then []string, err error) {
	entries, err := os.ReadDir(t.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case e.IsDir(), strings.HasPrefix(name, "."), strings.HasSuffix(name, ".open"),
			strings.HasSuffix(name, ".part"):
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

func (t *Staging) carryAll(ctx context.Context, names []string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, name := range names {
		group.Go(func() error { return t.carryOne(ctx, name) })
	}
	return group.Wait()
}

// carryOne uploads a file and then removes it here, unless it was replaced in the
// meantime: the next round uploads the new one.
func (t *Staging) carryOne(ctx context.Context, name string) error {
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
	if err := t.spool.blobStore.Put(ctx, t.key(name), file, carried.Size()); err != nil {
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

// remove removes a staging folder whose files are all uploaded, after telling the
// manifest. If the sinks failed to finish a file, remove only unlocks the folder, so that
// it is adopted and repaired.
func (t *Staging) remove(ctx context.Context) error {
	t.carrying.Lock()
	defer t.carrying.Unlock()
	entries, err := os.ReadDir(t.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // another round has removed it
	}
	if err != nil {
		return err
	}
	unfinished := false
	for _, e := range entries { // subfolders are empty
		unfinished = unfinished || !e.IsDir() && !strings.HasPrefix(e.Name(), ".")
	}
	if manifest := t.spool.cfg.Manifest; manifest != nil && !unfinished {
		ctx, cancel := context.WithTimeout(ctx, manifestTerm)
		defer cancel()
		if err := manifest.Shipped(ctx, t.job, t.Writer); err != nil {
			return fmt.Errorf("everything in %q is in the bucket, but recording that failed: %w", t.Dir, err)
		}
	}
	t.spool.mu.Lock()
	delete(t.spool.stagings, t.Dir)
	t.spool.mu.Unlock()
	if unfinished {
		return t.lock.Close()
	}
	err = errors.Join(os.RemoveAll(t.Dir), t.lock.Close())
	os.Remove(filepath.Dir(t.Dir)) // succeeds if it was the job's last
	return err
}
