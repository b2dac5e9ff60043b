package spool

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Staging is the folder of one writer, whose files are uploaded to the blob store.
type Staging struct {
	// Dir is the folder that the sinks write to.
	Dir string
	// Writer is the worker name to open the sinks with. It is part of the names of files,
	// and no other writer has it.
	Writer string

	spool   *Spool
	job     string
	beneath string // prefix of the files in the blob store: the job's name, or ""
	lock    *flock.Flock

	carrying sync.Mutex // held to upload files

	mu     sync.RWMutex // held for writing to remove a file, and for reading to write results
	closed bool         // no more results will be written here
}

// Names of the hidden files of a staging folder.
const (
	lockName = ".tray.lock"
	jobName  = ".job"
	outright = "-" // the parent of staging folders whose files have no prefix in the blob store
)

var unsafe = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// folderOf returns a readable and unique folder name for the staging folders of a blob
// store. It ignores the blob store's parameters, which follow a question mark.
func folderOf(blobStore string) string {
	name, _, _ := strings.Cut(blobStore, "?")
	sum := sha256.Sum256([]byte(strings.TrimRight(name, "/")))
	legible := strings.Trim(unsafe.ReplaceAllString(name, "-"), "-.")
	return legible[:min(len(legible), 80)] + "-" + hex.EncodeToString(sum[:4])
}

// Staging creates a staging folder for the pages of a job that a worker writes. Its files
// are uploaded beneath a prefix, such as the name of the job, or "" for none.
func (s *Spool) Staging(beneath, job, worker string) (*Staging, error) {
	var random [3]byte
	rand.Read(random[:])
	writer := fmt.Sprintf("%s-%s-%x", unsafe.ReplaceAllString(worker, "_"), time.Now().UTC().Format("20060102T150405"),
		random)
	folder := beneath
	if folder == "" {
		folder = outright
	}
	t := &Staging{Dir: filepath.Join(s.dir, folder, writer), Writer: writer, spool: s, job: job, beneath: beneath}
	err := os.MkdirAll(t.Dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(t.Dir, jobName), []byte(job), 0o644)
	}
	if err == nil {
		_, err = t.take()
	}
	if err != nil {
		return nil, fmt.Errorf("the spool %q cannot be written: %w (free some space there, or name a folder on another disk with the setting spool)", t.Dir, err)
	}
	s.add(t)
	return t, nil
}

func (s *Spool) add(t *Staging) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stagings[t.Dir] = t
}

// take locks the staging folder for this process, unless another process holds the lock.
func (t *Staging) take() (bool, error) {
	t.lock = flock.New(filepath.Join(t.Dir, lockName))
	return t.lock.TryLock()
}

// adopt takes over the staging folders of this blob store whose processes have ended.
func (s *Spool) adopt() error {
	if s.cfg.Mend == nil {
		return nil
	}
	dirs, err := filepath.Glob(filepath.Join(s.dir, "*", "*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		s.mu.Lock()
		ours := s.stagings[dir] != nil
		s.mu.Unlock()
		if ours {
			continue
		}
		if err := s.adoptStaging(dir); err != nil {
			return fmt.Errorf("repair what a killed process left in %q: %w", dir, err)
		}
	}
	return nil
}

func (s *Spool) adoptStaging(dir string) error {
	t := &Staging{Dir: dir, Writer: filepath.Base(dir), spool: s, beneath: filepath.Base(filepath.Dir(dir)),
		closed: true}
	if t.beneath == outright {
		t.beneath = ""
	}
	job, err := os.ReadFile(filepath.Join(dir, jobName))
	if errors.Is(err, fs.ErrNotExist) { // killed before anything was written
		job, err = []byte(t.beneath), nil
	}
	if err != nil {
		return err
	}
	t.job = string(job)
	if taken, err := t.take(); err != nil || !taken {
		return err
	}
	if err := s.cfg.Mend(dir, string(job), t.Writer); err != nil {
		return errors.Join(err, t.lock.Close())
	}
	s.cfg.Log.Info("adopted what a killed process left", "folder", dir)
	s.add(t)
	return nil
}

// Keeper is a sink that writes to a staging folder.
type Keeper interface {
	Keep(ctx context.Context, results []*fetched.Result) error
	Needs() fetched.Needs
	Close() error
}

// Guard returns a keeper that rejects results while the spool is full: its Keep waits for
// room, and fails when the spool's patience is over. Files are uploaded between calls of
// Keep, not during one.
func (t *Staging) Guard(k Keeper) Keeper { return guarded{k, t} }

type guarded struct {
	Keeper
	staging *Staging
}

func (g guarded) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := g.staging.spool.wait(ctx); err != nil {
		return err
	}
	g.staging.mu.RLock()
	defer g.staging.mu.RUnlock()
	if err := g.Keeper.Keep(ctx, results); err != nil {
		return err
	}
	g.staging.spool.used.Add(weight(results))
	return nil
}

// weight estimates the size of results in bytes.
func weight(results []*fetched.Result) int64 {
	const record = 1 << 10
	sum := int64(0)
	for _, r := range results {
		sum += record
		if r.Page != nil && r.Page.Body != nil {
			sum += r.Page.Body.Size
		}
	}
	return sum
}

// Close says that no more results will be written here and that all files are finished.
// The spool uploads them and removes the staging folder.
func (t *Staging) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	select {
	case t.spool.wake <- struct{}{}:
	default:
	}
}

// size returns how many bytes are in the staging folder.
func (t *Staging) size() (sum int64, err error) {
	err = filepath.WalkDir(t.Dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// key returns the name of a file in the blob store.
func (t *Staging) key(name string) string { return path.Join(t.beneath, filepath.ToSlash(name)) }
