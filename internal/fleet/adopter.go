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
	"github.com/trawlcrawler/trawl/crawler/sink"
)

// adopter finishes what dead writers left in an output folder: in those of the jobs that
// run, and, some at a time, in all others. A folder in which nothing is unfinished costs
// one call of the system until something in it changes.
type adopter struct {
	root string
	log  *slog.Logger

	mu      sync.Mutex // held while folders are looked at
	folders map[string]look
	others  []string // names of folders that are still to be looked at in this pass
	passed  time.Time
}

// look is what was found in a folder.
type look struct {
	sink.Adoption
	changed time.Time     // when the folder was, as far as its file system says
	at      time.Time     // when it was looked at
	took    time.Duration // to look
	clean   bool          // nothing is unfinished
}

// Bounds of looking for what dead writers left.
const (
	adoptEvery  = 3 * time.Second  // folders of jobs that run,
	adoptOthers = 50               // and so many others,
	passEvery   = 30 * time.Second // all of which are looked at again after so long, or more where there are many
	restFactor  = 20               // for so many times as long as a look took, there is none
	settleTerm  = 2 * time.Second  // in which a change of a folder may not show in its time
)

func newAdopter(root string, log *slog.Logger) *adopter {
	return &adopter{root: root, log: log, folders: make(map[string]look)}
}

// run adopts until ctx ends. jobs lists those that have not ended; settled hears of a
// writer that they wait for, and whose files are all finished.
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

// round looks at the folders of jobs, and at some others.
func (a *adopter) round(ctx context.Context, jobs []crawler.Status, settled func(job, writer string)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, job := range jobs {
		if ctx.Err() != nil {
			return
		}
		found := a.look(job.Job.Name, job.Closing || len(job.Unfinished) > 0)
		for _, writer := range append(slices.Clone(job.Awaited), job.Unfinished...) {
			if strings.HasPrefix(writer.Reason, crawler.OpenFiles) && found.Left(writer.Writer) {
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

// now looks at the folder of one job, whatever is known of it.
func (a *adopter) now(job string) sink.Adoption {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.look(job, true)
}

// someOthers names folders that may be of jobs that have ended.
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
		return nil // it is told of by whoever writes there
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

// look finishes what dead writers left in one folder, unless nothing has changed there.
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

// tell logs what was done, and what could not be.
func (a *adopter) tell(dir string, found sink.Adoption, err error) {
	if len(found.Finished) > 0 {
		a.log.Info("finished the files that a dead writer left", "folder", dir, "files", len(found.Finished), "first", found.Finished[0])
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !NoRoom(err) {
		a.log.Error("files that a dead writer left cannot be finished; trawl export reads them as they are", "folder", dir, "error", err)
	}
}
