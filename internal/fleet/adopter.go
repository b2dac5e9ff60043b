package fleet

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// adopter finishes files that dead writers left in an output folder: often in the folders
// of running jobs, and in all others a few at a time. A folder without unfinished files
// costs one system call until something in it changes.
type adopter struct {
	root string
	log  *slog.Logger

	mu      sync.Mutex // held while folders are examined
	folders map[string]look
	others  []string // folders that are still to be examined in this pass
	passed  time.Time
}

// look is the result of examining a folder.
type look struct {
	sink.Adoption
	changed time.Time     // modification time of the folder
	at      time.Time     // when it was examined
	took    time.Duration // how long that took
	clean   bool          // no file is unfinished
}

// Bounds of the search for files of dead writers.
const (
	adoptEvery  = 3 * time.Second  // interval for the folders of running jobs
	adoptOthers = 50               // how many other folders are examined at once
	passEvery   = 30 * time.Second // all of these are examined again after this time, or later if there are many
	restFactor  = 20               // pause after examining a folder, as a multiple of the time it took
	settleTerm  = 2 * time.Second  // a change within this time may leave a folder's modification time as it was
)

func newAdopter(root string, log *slog.Logger) *adopter {
	return &adopter{root: root, log: log, folders: make(map[string]look)}
}

// run adopts files until ctx ends. jobs lists the jobs that have not ended. settled is
// called for an awaited writer once all its files are finished.
func (a *adopter) run(ctx context.Context, jobs func() []crawler.Status, settled func(job, writer string)) {
	tick := time.NewTicker(adoptEvery)
	defer tick.Stop()
	for {
		a.round(ctx, jobs(), settled)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// round examines the folders of jobs, and some others.
func (a *adopter) round(ctx context.Context, jobs []crawler.Status, settled func(job, writer string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, job := range jobs {
		if ctx.Err() != nil {
			return
		}
		found := a.look(job.Job.Name, job.Closing || len(job.Unfinished) > 0)
		for _, writer := range append(slices.Clone(job.Awaited), job.Unfinished...) {
			if strings.HasPrefix(writer.Reason, waiting.OpenFiles) && found.Left(writer.Writer) {
				settled(job.Job.Name, writer.Writer)
			}
		}
	}
	for _, name := range a.someOthers() {
		if ctx.Err() != nil {
			return
		}
		a.look(name, false)
	}
}

// now examines the folder of one job, even if it seems unchanged.
func (a *adopter) now(job string) sink.Adoption {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.look(job, true)
}

// someOthers returns folders that may belong to jobs that have ended.
func (a *adopter) someOthers() []string {
	if len(a.others) == 0 && time.Since(a.passed) >= passEvery {
		a.passed, a.others = time.Now(), a.all()
	}
	n := min(len(a.others), adoptOthers)
	some := a.others[:n]
	a.others = a.others[n:]
	return some
}

// all lists the folders, and forgets those that are gone.
func (a *adopter) all() []string {
	entries, err := os.ReadDir(a.root)
	if err != nil {
		return nil // the writers there report the error
	}
	var names []string
	known := make(map[string]look, len(a.folders))
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && !strings.HasPrefix(name, ".") {
			names = append(names, name)
			if was, ok := a.folders[name]; ok {
				known[name] = was
			}
		}
	}
	a.folders = known
	return names
}

// look finishes the files that dead writers left in one folder, unless nothing has changed
// there.
func (a *adopter) look(name string, always bool) sink.Adoption {
	dir, began := filepath.Join(a.root, name), time.Now()
	info, err := os.Stat(dir)
	if err != nil {
		return sink.Adoption{}
	}
	was := a.folders[name]
	unchanged := was.clean && info.ModTime().Equal(was.changed)
	if !always && (unchanged || began.Sub(was.at) < restFactor*was.took) {
		return was.Adoption
	}
	found, err := sink.Adopt(dir, a.log)
	a.tell(dir, found, err)
	a.folders[name] = look{
		Adoption: found, changed: info.ModTime(), at: time.Now(), took: time.Since(began),
		clean: err == nil && len(found.Open)+len(found.Finished) == 0 && began.Sub(info.ModTime()) > settleTerm,
	}
	return found
}

// tell logs what was finished, and what could not be.
func (a *adopter) tell(dir string, found sink.Adoption, err error) {
	if len(found.Finished) > 0 {
		a.log.Info("finished the files that a dead writer left", "folder", dir, "files", len(found.Finished),
			"first", found.Finished[0])
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !NoRoom(err) {
		a.log.Error("files that a dead writer left cannot be finished; trawl export reads them as they are",
			"folder", dir, "error", err)
	}
}
