package render

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// profile is the folder of one browser, with all that it writes. It is locked while the browser is
// in use, so that other processes can tell it from the profile of a killed process.
type profile struct {
	dir  string
	lock *flock.Flock
}

// profilePrefix begins the names of profiles, before the user's ID.
const profilePrefix = "trawl-browser-"

func profilePattern() string { return fmt.Sprintf("%s%d-*", profilePrefix, os.Getuid()) }

// newProfile creates a profile in a folder, os.TempDir if it is "".
func newProfile(parent string) (*profile, error) {
	if parent != "" {
		if err := os.MkdirAll(parent, 0o700); err != nil {
			return nil, fmt.Errorf("create the folder of browsers: %w", err)
		}
	}
	for {
		dir, err := os.MkdirTemp(parent, profilePattern())
		if err != nil {
			return nil, fmt.Errorf("create the folder of a browser: %w", err)
		}
		lock := flock.New(filepath.Join(dir, "lock"))
		locked, err := lock.TryLock()
		if locked {
			return &profile{dir: dir, lock: lock}, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) { // otherwise another process is sweeping it
			return nil, fmt.Errorf("lock the folder of a browser: %w", err)
		}
	}
}

// remove deletes the profile. The next sweep deletes files that a dying browser still writes.
func (p *profile) remove() {
	_ = os.RemoveAll(p.dir)
	_ = p.lock.Close()
}

// sweep deletes the profiles that processes of this user left when they were killed.
func sweep(parent string) {
	if parent == "" {
		parent = os.TempDir()
	}
	left, _ := filepath.Glob(filepath.Join(parent, profilePattern())) // the pattern is well-formed
	for _, dir := range left {
		lock := flock.New(filepath.Join(dir, "lock"))
		if locked, _ := lock.TryLock(); locked {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}
