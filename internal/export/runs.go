package export

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/output"
)

// Names of runs by their position among the others.
const (
	latest   = "latest"
	previous = "previous"
)

// Find opens the output that a user names: JOB, DIR, or one of several runs as JOB@RUN.
// Runs are either those of a periodic job, whose folders are named after the job and the
// tick, or the results that were set aside in a folder when it was crawled again; then
// the folder itself is the last run. RUN is "latest", "previous", or the beginning of a
// run's name: its tick, or the time when it was set aside. out is the parent of a fleet's
// outputs, or "" for none. A DIR, and out, may be a bucket.
func Find(ctx context.Context, out, name string) (*Crawl, error) {
	where := name
	if out != "" && !output.IsBucket(name) {
		where = output.Join(out, name)
	}
	crawl, err := Open(ctx, where)
	if !errors.Is(err, ErrNoOutput) {
		return crawl, err
	}
	parent, base, query := split(where)
	at := strings.LastIndexByte(base, '@')
	if at >= 0 {
		return findRun(ctx, parent+base[:at]+query, base[at+1:])
	}
	runs, failed := runsOf(ctx, where)
	if failed != nil || len(runs) == 0 {
		return nil, errors.Join(err, failed)
	}
	return nil, fmt.Errorf("%q has several runs: name one, as in %s@%s: there are %s (%w)", where, name, latest,
		namesOf(runs), ErrNoOutput)
}

// RunBefore opens the run before another one of the same periodic job, whose output is named: the
// last one before it that is usable and has records. It returns nil if there isn't one.
func RunBefore(ctx context.Context, where string, usable func(run string) (bool, error)) (*Crawl, error) {
	parent, base, query := split(where)
	at := len(base) - len(tickForm)
	if at < 0 || !tick.MatchString(base[at:]) {
		return nil, fmt.Errorf("%q is not the output of a run: want the name of a job and a tick, such as news%s", where,
			tickForm)
	}
	runs, err := foldersOf(ctx, parentOf(parent)+query, base[:at], tick)
	if err != nil {
		return nil, err
	}
	for _, r := range slices.Backward(runs) {
		if r.name >= base[at+1:] {
			continue
		}
		ok, err := usable(base[:at] + "-" + r.name)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		crawl, err := Open(ctx, r.dir)
		if errors.Is(err, ErrNoOutput) {
			continue
		}
		return crawl, err
	}
	return nil, nil
}

// tickForm is what follows the name of a job in that of a run.
const tickForm = "-20060102t150405"

// split splits a location into what precedes its last part, that part, and the query.
func split(where string) (parent, base, query string) {
	if output.IsBucket(where) {
		if i := strings.IndexByte(where, '?'); i >= 0 {
			where, query = where[:i], where[i:]
		}
		where = strings.TrimSuffix(where, "/")
	} else {
		where = filepath.Clean(where)
	}
	i := strings.LastIndexAny(where, "/"+string(filepath.Separator)) + 1
	return where[:i], where[i:], query
}

// run is one of several outputs of the same job or folder.
type run struct {
	name string
	dir  string
}

// findRun opens one run of a job.
func findRun(ctx context.Context, dir, name string) (*Crawl, error) {
	runs, err := runsOf(ctx, dir)
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
				return Open(ctx, r.dir)
			}
			if name != "" && strings.HasPrefix(strings.ToLower(r.name), strings.ToLower(name)) {
				fit = append(fit, r)
			}
		}
	}
	switch {
	case len(runs) == 0:
		return nil, fmt.Errorf("%q has no runs: neither the folder nor one of a run exists (%w)", dir, ErrNoOutput)
	case len(fit) == 0:
		return nil, fmt.Errorf("%q has no run %q: there are %s (%w)", dir, name, namesOf(runs), ErrNoOutput)
	case len(fit) > 1:
		return nil, fmt.Errorf("%q has several runs that begin with %q: %s (%w)", dir, name, namesOf(fit), ErrNoOutput)
	}
	return Open(ctx, fit[0].dir)
}

func namesOf(runs []run) string {
	var names []string
	for _, r := range runs {
		names = append(names, r.name)
	}
	return strings.Join(names, ", ")
}

// The names of folders of runs: after a tick, as periodic.RunName names them, or after the
// time when trawl crawl --restart set them aside.
var (
	tick    = regexp.MustCompile(`^-(\d{8}t\d{6})$`)
	earlier = regexp.MustCompile(`^earlier-(\d{8}T\d{6}\.\d{3}Z)$`)
)

// now is the name of the run whose results are in a folder itself, after those that were
// set aside.
const now = "now"

// runsOf lists the runs of a job or of a folder, the oldest first.
func runsOf(ctx context.Context, where string) ([]run, error) {
	parent, base, query := split(where)
	runs, err := foldersOf(ctx, parentOf(parent)+query, base, tick)
	if err != nil {
		return nil, err
	}
	aside, err := foldersOf(ctx, where, "", earlier)
	if err != nil {
		return nil, err
	}
	runs = append(runs, aside...)
	if crawl, err := Open(ctx, where); err == nil {
		runs = append(runs, run{now, where})
		return runs, crawl.Close()
	}
	return runs, nil
}

// parentOf returns a parent that split has returned, with a name.
func parentOf(parent string) string {
	if parent == "" {
		return "."
	}
	return parent
}

// foldersOf lists the folders whose names are a stem followed by a match of behind.
func foldersOf(ctx context.Context, parent, stem string, behind *regexp.Regexp) (runs []run, err error) {
	at, err := output.Open(ctx, parent)
	if errors.Is(err, output.ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	names, err := at.Folders(ctx)
	for _, name := range names {
		rest, ok := strings.CutPrefix(name, stem)
		if parts := behind.FindStringSubmatch(rest); ok && parts != nil {
			runs = append(runs, run{parts[1], output.Join(parent, name)})
		}
	}
	return runs, errors.Join(err, at.Close())
}
