package export

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Names of runs that are found by their place among the others.
const (
	latest   = "latest"
	previous = "previous"
)

// Find opens the output that a user names: JOB, DIR, or one of several runs of
// it, as JOB@RUN. Runs are those of a periodic job, whose folders are named after
// the job and the tick; and those of a folder that were set aside in it when it
// was crawled again, the last of which is the folder itself. RUN is "latest",
// "previous", or the beginning of a run's name: the tick or the time that it was
// set aside at. out is the folder of a fleet's outputs, "" for none.
func Find(out, name string) (*Crawl, error) {
	dir := filepath.Join(out, name)
	if _, err := os.Stat(dir); err == nil {
		return Open(dir)
	}
	at := strings.LastIndexByte(dir, '@')
	if at < 0 {
		runs, err := runsOf(dir)
		if err != nil || len(runs) == 0 {
			return Open(dir) // which says that it is not there
		}
		return nil, fmt.Errorf("%q is periodic: name a run of it, as in %s@%s: there are %s (%w)", name, name, latest, namesOf(runs), ErrNoOutput)
	}
	return findRun(dir[:at], dir[at+1:])
}

// run is one of several outputs of the same job or folder.
type run struct {
	name string
	dir  string
}

// findRun opens one run of a job.
func findRun(dir, name string) (*Crawl, error) {
	runs, err := runsOf(dir)
	if err != nil {
		return nil, err
	}
	var fit []run
	switch {
	case name == latest && len(runs) > 0:
		fit = runs[len(runs)-1:]
	case name == previous && len(runs) > 1:
		fit = runs[len(runs)-2 : len(runs)-1]
	default:
		for _, r := range runs {
			if r.name == name {
				return Open(r.dir)
			}
			if name != "" && strings.HasPrefix(strings.ToLower(r.name), strings.ToLower(name)) {
				fit = append(fit, r)
			}
		}
	}
	switch {
	case len(runs) == 0:
		return nil, fmt.Errorf("%q has no runs: there is neither such a folder nor one of a run (%w)", dir, ErrNoOutput)
	case len(fit) == 0:
		return nil, fmt.Errorf("%q has no run %q: there are %s (%w)", dir, name, namesOf(runs), ErrNoOutput)
	case len(fit) > 1:
		return nil, fmt.Errorf("%q has several runs that begin with %q: %s (%w)", dir, name, namesOf(fit), ErrNoOutput)
	}
	return Open(fit[0].dir)
}

func namesOf(runs []run) string {
	var names []string
	for _, r := range runs {
		names = append(names, r.name)
	}
	return strings.Join(names, ", ")
}

// How folders of runs are named: after a tick, as crawler.RunName does it, and by
// when trawl crawl --restart set them aside.
var (
	tick    = regexp.MustCompile(`^-(\d{8}t\d{6})$`)
	earlier = regexp.MustCompile(`^earlier-(\d{8}T\d{6}\.\d{3}Z)$`)
)

// now is the name of the run whose results a folder holds, after those that were
// set aside.
const now = "now"

// runsOf lists the runs of a job or of a folder, the oldest first.
func runsOf(dir string) ([]run, error) {
	runs, err := foldersOf(filepath.Dir(dir), filepath.Base(dir), tick)
	if err != nil {
		return nil, err
	}
	aside, err := foldersOf(dir, "", earlier)
	if err != nil {
		return nil, err
	}
	runs = append(runs, aside...)
	if _, err := Open(dir); err == nil {
		runs = append(runs, run{now, dir})
	}
	return runs, nil
}

// foldersOf lists the folders whose names are a stem and what fits behind it.
func foldersOf(parent, stem string, behind *regexp.Regexp) (runs []run, err error) {
	entries, err := os.ReadDir(parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), stem)
		if parts := behind.FindStringSubmatch(rest); ok && parts != nil {
			runs = append(runs, run{parts[1], filepath.Join(parent, e.Name())})
		}
	}
	slices.SortFunc(runs, func(a, b run) int { return strings.Compare(a.name, b.name) })
	return runs, err
}
