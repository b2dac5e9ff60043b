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
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Folder holds the results of a crawl and, in .trawl, what the next run must know: which
// crawl it is, and the files of a private Redis. Only one process can use it at a time.
type Folder struct {
	dir  string
	lock *flock.Flock
}

// Note is the content of .trawl/crawl.json, which describes the crawl in a folder.
type Note struct {
	Job     string    `json:"job"`
	State   string    `json:"state"` // running or done
	Reason  string    `json:"reason,omitempty"`
	Backend string    `json:"backing"`       // where the frontier is: private, built-in, memory, or the URL of a Redis
	Out     string    `json:"out,omitempty"` // the bucket of the results; "" if they are in the folder
	Pages   int64     `json:"pages"`
	Settled int64     `json:"settled"` // URLs that should have their own record; 0 while the crawl runs
	Ended   time.Time `json:"ended,omitzero"`
	// Elsewhere lists where other workers of the Redis keep pages of the crawl.
	Elsewhere []queue.Kept `json:"elsewhere,omitempty"`
	// Settings are the job's, so that another crawl is not mistaken for this one.
	Settings crawler.Job `json:"settings"`
}

// Values of Note.Backend for a Redis that is not shared.
const (
	InPrivate = fleet.ServerKind
	InBuiltin = fleet.BuiltinKind
	InMemory  = "memory"
)

// Own reports whether the frontier is in files of the folder.
func (n Note) Own() bool { return n.Backend == InPrivate || n.Backend == InBuiltin }

// StateDir is the name of a folder's state directory.
const StateDir = ".trawl"

// noteFile is the name of the note in the state directory.
const noteFile = "crawl.json"

// ErrFolderInUse says that another process writes to a folder.
var ErrFolderInUse = errors.New("another trawl is writing to")

// OpenFolder creates a folder if it is missing and locks it for this process. The error wraps
// [ErrFolderInUse] if another one has it.
func OpenFolder(dir string, words Words) (*Folder, error) {
	state := filepath.Join(dir, StateDir)
	if err := os.MkdirAll(state, 0o755); err != nil {
		return nil, fmt.Errorf("the output folder %q cannot be made: %w (choose another with %s)", dir, err, words.Out)
	}
	lock := flock.New(filepath.Join(state, "lock"))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("the output folder %q cannot be written: %w (choose another with %s)", dir, err,
			words.Out)
	}
	if !locked {
		return nil, fmt.Errorf("%w %q: wait for it, or choose another folder with %s", ErrFolderInUse, dir, words.Out)
	}
	return &Folder{dir, lock}, nil
}

// State returns the path of the state directory.
func (f *Folder) State() string { return filepath.Join(f.dir, StateDir) }

// Close unlocks the folder.
func (f *Folder) Close() error { return f.lock.Unlock() }

// ReadNote returns the note of the crawl in a folder, which need not be open; nil if there
// is none.
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

// write replaces the note atomically.
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
