package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// folder is where the results of a crawl lie, and beside them, in .trawl, what
// the next command needs to know: which crawl it is, and the private Redis.
type folder struct {
	dir  string
	lock *flock.Flock
}

// note is what .trawl/crawl.json says of the crawl whose results lie in a
// folder.
type note struct {
	Job     string    `json:"job"`
	State   string    `json:"state"` // running or done
	Reason  string    `json:"reason,omitempty"`
	Backing string    `json:"backing"`       // where the frontier lies: private, memory, or a Redis
	Out     string    `json:"out,omitempty"` // the bucket of the results; "" when they are here
	Pages   int64     `json:"pages"`
	Ended   time.Time `json:"ended,omitzero"`
	// Elsewhere is where other workers of the Redis keep pages of the crawl.
	Elsewhere []crawler.Kept `json:"elsewhere,omitempty"`
	// Settings are the job's, so that another crawl is not taken for this one.
	Settings crawler.Job `json:"settings"`
}

// Where a frontier lies.
const (
	inPrivate = "private"
	inMemory  = "memory"
)

const houseDir = ".trawl"

// openFolder makes the folder if it is missing and takes it for this process.
func openFolder(dir string) (*folder, error) {
	house := filepath.Join(dir, houseDir)
	if err := os.MkdirAll(house, 0o755); err != nil {
		return nil, failed("the output folder %q can not be made: %v (choose another with --out)", dir, err)
	}
	lock := flock.New(filepath.Join(house, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, failed("the output folder %q can not be written: %v (choose another with --out)", dir, err)
	}
	if !locked {
		return nil, failed("another trawl is writing to %q: wait for it, or choose another folder with --out", dir)
	}
	return &folder{dir, lock}, nil
}

func (f *folder) house() string { return filepath.Join(f.dir, houseDir) }

func (f *folder) close() error { return f.lock.Unlock() }

// read returns the note of the crawl whose results lie here; nil when there is
// none.
func (f *folder) read() (*note, error) {
	path := filepath.Join(f.house(), "crawl.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failed("read %s: %v", path, err)
	}
	var n note
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, failed("%s is damaged: %v (--restart sets the folder's results aside and begins anew)", path, err)
	}
	return &n, nil
}

// write replaces the note, whole at any moment.
func (f *folder) write(n note) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(f.house(), "crawl.json")
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return failed("the output folder %q can not be written: %v", f.dir, err)
	}
	return os.Rename(path+".new", path)
}

// setAside moves earlier results into a folder of their own and forgets the
// crawl. It returns that folder's path, or "" when there was nothing.
func (f *folder) setAside(now time.Time) (string, error) {
	aside, err := fleet.SetAside(f.dir, now)
	if err != nil {
		return "", failed("%v", err)
	}
	if err := os.Remove(filepath.Join(f.house(), "crawl.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", failed("forget the earlier crawl: %v", err)
	}
	return aside, nil
}
