package localcrawl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/trawlcrawler/trawl/crawler"
)

// Folder has the results of a crawl and, in .trawl, what the next run must know: which crawl
// it is, and the files of a private Redis. One process has it at a time.
type Folder struct {
	dir  string
	lock *flock.Flock
}

// Note is what .trawl/crawl.json says of the crawl whose results lie in a folder.
type Note struct {
	Job     string    `json:"job"`
	State   string    `json:"state"` // running or done
	Reason  string    `json:"reason,omitempty"`
	Backing string    `json:"backing"`       // where the frontier lies: private, memory, or a Redis
	Out     string    `json:"out,omitempty"` // the bucket of the results; "" when they are here
	Pages   int64     `json:"pages"`
	Settled int64     `json:"settled"` // URLs that should have a record of their own; 0 while it runs
	Ended   time.Time `json:"ended,omitzero"`
	// Elsewhere is where other workers of the Redis keep pages of the crawl.
	Elsewhere []crawler.Kept `json:"elsewhere,omitempty"`
	// Settings are the job's, so that another crawl is not taken for this one.
	Settings crawler.Job `json:"settings"`
}

// Where a frontier lies, unless it is a shared Redis.
const (
	InPrivate = "private"
	InMemory  = "memory"
)

// StateDir is where a folder has its state.
const StateDir = ".trawl"

// noteFile has the note, in the state.
const noteFile = "crawl.json"

// OpenFolder makes a folder if it is missing and takes it for this process.
func OpenFolder(dir string, words Words) (*Folder, error) {
	state := filepath.Join(dir, StateDir)
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("the output folder %q cannot be made: %w (choose another with %s)", dir, err, words.Out)
	}
	lock := flock.New(filepath.Join(state, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("the output folder %q cannot be written: %w (choose another with %s)", dir, err, words.Out)
	}
	if !locked {
		return nil, fmt.Errorf("another trawl is writing to %q: wait for it, or choose another folder with %s", dir, words.Out)
	}
	return &Folder{dir, lock}, nil
}

// State is where the folder has its state.
func (f *Folder) State() string { return filepath.Join(f.dir, StateDir) }

// Close lets other processes take the folder.
func (f *Folder) Close() error { return f.lock.Unlock() }

// ReadNote returns the note of the crawl whose results lie in a folder, which need not be
// opened; nil when there is none.
func ReadNote(dir string) (*Note, error) {
	path := filepath.Join(dir, StateDir, noteFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	var n Note
	if err := json.Unmarshal(text, &n); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return &n, nil
}

// write replaces the note, whole at any moment.
func (f *Folder) write(n Note) error {
	text, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(f.State(), noteFile)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("the output folder %q cannot be written: %w", f.dir, err)
	}
	return os.Rename(path+".new", path)
}

// forget removes the note.
func (f *Folder) forget() error {
	if err := os.Remove(filepath.Join(f.State(), noteFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the earlier crawl: %w", err)
	}
	return nil
}
