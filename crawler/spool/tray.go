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

	"github.com/trawlcrawler/trawl/crawler"
)

// Tray is the folder of one writer, which is emptied into the depot.
type Tray struct {
	// Dir is where the sinks write.
	Dir string
	// Writer is what the sinks are to be told that the worker is called: it is in
	// the names of files, and no other's.
	Writer string

	spool   *Spool
	job     string
	beneath string // of the depot, the files go: the job's name, or ""
	lock    *flock.Flock

	carrying sync.Mutex // held by the one who carries files away

	mu     sync.RWMutex // held for writing by the one who removes a file, and for reading by those who write
	closed bool         // nobody writes here any more
}

// Names of hidden files of a tray.
const (
	lockName = ".tray.lock"
	jobName  = ".job"
	outright = "-" // the folder of trays whose files go into the depot without a folder
)

var unsafe = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// folderOf names the folder of a depot's trays: legible, and no other's. What the
// depot is asked with, behind a question mark, does not matter.
func folderOf(depot string) string {
	name, _, _ := strings.Cut(depot, "?")
	sum := sha256.Sum256([]byte(strings.TrimRight(name, "/")))
	legible := strings.Trim(unsafe.ReplaceAllString(name, "-"), "-.")
	return legible[:min(len(legible), 80)] + "-" + hex.EncodeToString(sum[:4])
}

// Tray makes a tray for the pages of a job that a worker writes. Its files are
// brought to the depot beneath a name, as that of the job; "" for none.
func (s *Spool) Tray(beneath, job, worker string) (*Tray, error) {
	var random [3]byte
	rand.Read(random[:])
	writer := fmt.Sprintf("%s-%s-%x", unsafe.ReplaceAllString(worker, "_"), time.Now().UTC().Format("20060102T150405"), random)
	folder := beneath
	if folder == "" {
		folder = outright
	}
	t := &Tray{Dir: filepath.Join(s.dir, folder, writer), Writer: writer, spool: s, job: job, beneath: beneath}
	err := os.MkdirAll(t.Dir, 0o755)
	if err == nil {
		err = os.WriteFile(filepath.Join(t.Dir, jobName), []byte(job), 0o644)
	}
	if err == nil {
		_, err = t.take()
	}
	if err != nil {
		return nil, fmt.Errorf("the spool %q cannot be written: %w (free some space there, or name a folder on another disk with --spool)", t.Dir, err)
	}
	s.add(t)
	return t, nil
}

func (s *Spool) add(t *Tray) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trays[t.Dir] = t
}

// take locks the tray for this process, unless another has it.
func (t *Tray) take() (bool, error) {
	t.lock = flock.New(filepath.Join(t.Dir, lockName))
	return t.lock.TryLock()
}

// adopt takes the trays of this depot whose processes have ended.
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
		ours := s.trays[dir] != nil
		s.mu.Unlock()
		if ours {
			continue
		}
		if err := s.adoptTray(dir); err != nil {
			return fmt.Errorf("what a killed process left in %q can not be mended: %w", dir, err)
		}
	}
	return nil
}

func (s *Spool) adoptTray(dir string) error {
	t := &Tray{Dir: dir, Writer: filepath.Base(dir), spool: s, beneath: filepath.Base(filepath.Dir(dir)), closed: true}
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
	s.cfg.Log.Info("adopted what a process left", "tray", dir)
	s.add(t)
	return nil
}

// Keeper is what a tray guards.
type Keeper interface {
	Keep(ctx context.Context, results []*crawler.Result) error
	Bodies() bool
	Close() error
}

// Guard returns a keeper that takes nothing in while the spool is full: its Keep
// waits, and fails when the spool's patience is over. Its files
// are carried away between two calls of Keep, not within one. To close it closes
// the tray as well.
func (t *Tray) Guard(k Keeper) Keeper { return guarded{k, t} }

type guarded struct {
	Keeper
	tray *Tray
}

func (g guarded) Keep(ctx context.Context, results []*crawler.Result) error {
	if err := g.tray.spool.wait(ctx); err != nil {
		return err
	}
	g.tray.mu.RLock()
	defer g.tray.mu.RUnlock()
	if err := g.Keeper.Keep(ctx, results); err != nil {
		return err
	}
	g.tray.spool.used.Add(weight(results))
	return nil
}

// weight is about how many bytes results have.
func weight(results []*crawler.Result) int64 {
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

// Close says that nobody writes here any more: everything in the tray is finished.
// The spool brings it to the depot, and removes the tray.
func (t *Tray) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	select {
	case t.spool.wake <- struct{}{}:
	default:
	}
}

// size is how many bytes are in the tray.
func (t *Tray) size() (sum int64, err error) {
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

// key is where a file of the tray goes.
func (t *Tray) key(name string) string { return path.Join(t.beneath, filepath.ToSlash(name)) }
