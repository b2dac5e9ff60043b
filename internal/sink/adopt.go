package sink

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

// Adoption is what [Adopt] found in a folder.
type Adoption struct {
	// Finished lists the files that dead writers left behind and that are now finished.
	Finished []string
	// Open lists the files that live writers have open.
	Open []string

	dir   string
	locks []string // names of the locks in the folder, held or left behind
}

// Adopt finishes the files that dead writers left unfinished in a folder, and gives them
// the names that their writers would have given them. A writer is dead when no process
// holds its lock; the operating system releases locks, so the decision depends on no
// clock. If several processes call Adopt at once, one of them does the work. On a file
// system without locks, nothing is adopted. The error reports the files that could not be
// finished; all others are.
func Adopt(dir string, log *slog.Logger) (Adoption, error) {
	f, err := rootFolder(dir)
	if errors.Is(err, os.ErrNotExist) {
		return Adoption{}, nil
	}
	if err != nil {
		return Adoption{}, err
	}
	names, err := f.list()
	if err = errors.Join(err, f.Close()); err != nil {
		return Adoption{}, err
	}
	slices.Sort(names)
	found := Adoption{dir: dir, locks: slices.DeleteFunc(slices.Clone(names),
		func(name string) bool { return !isLock(name) })}
	var errs []error
	for _, e := range estatesOf(names) {
		switch err := e.adopt(dir, log); {
		case err == nil:
			found.Finished = append(found.Finished, e.files...)
		case errors.Is(err, ErrInUse):
			found.Open = append(found.Open, e.files...)
		case noLocks(err):
		default:
			errs = append(errs, fmt.Errorf("finish what a dead writer left: %w", err))
		}
	}
	return found, errors.Join(errs...)
}

func isLock(name string) bool {
	return strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".lock")
}

// Left reports whether a worker that writes, or wrote, in this folder is dead and left
// nothing unfinished. It is false for a worker that never wrote here, whose files are in
// another folder.
func (a Adoption) Left(worker string) bool {
	end := "-" + safe(worker)
	if slices.ContainsFunc(a.Open, func(name string) bool { return isWriter(name, end) }) {
		return false
	}
	in, err := rootFolder(a.dir)
	if err != nil {
		return false
	}
	defer in.Close()
	wrote := false
	for _, name := range a.locks {
		lock := strings.TrimSuffix(strings.TrimPrefix(name, "."), ".lock")
		if stem := strings.TrimSuffix(strings.TrimSuffix(lock, string(Gzip)),
			string(Zstandard)); !strings.HasSuffix(stem, end) {
			continue
		}
		if _, err := in.acquire(lock, adopter); err != nil {
			return false
		}
		wrote = true
	}
	return wrote
}

// isWriter reports whether an unfinished file belongs to the worker whose names have this
// end.
func isWriter(name, end string) bool {
	for _, pattern := range []*regexp.Regexp{openLines, openTables, openArchives} {
		if parts := pattern.FindStringSubmatch(name); parts != nil {
			return strings.HasSuffix("-"+parts[1], end)
		}
	}
	return false
}

// estate is what one writer left under one lock.
type estate struct {
	locks  []string // without "." and ".lock"
	files  []string // the unfinished files
	finish func(e estate, in *folder, log *slog.Logger) error
	stem   string
	coding Compression
}

// The names of unfinished files. The first group ends with the writer's name.
var (
	openLines    = regexp.MustCompile(`^(.+)-\d{5,}\.jsonl(\.gz|\.zst|)\.open$`)
	openDrafts   = regexp.MustCompile(`^\.((?:` + manifest + `|` + markdownFolder + `)(?:-.+)?)-\d+\.part$`)
	openTables   = regexp.MustCompile(`^pages(|-.+)-\d{5,}\.parquet\.open$`)
	openArchives = regexp.MustCompile(`^.+-\d{17}-\d{5,}-(.+)\.(?:warc\.gz|cdxj)\.open$`)
)

// estatesOf groups unfinished files by the locks of their writers.
func estatesOf(names []string) []estate {
	byLock := make(map[string]*estate)
	add := func(file string, e estate) {
		key := strings.Join(e.locks, "/")
		if byLock[key] == nil {
			byLock[key] = &e
		}
		byLock[key].files = append(byLock[key].files, file)
	}
	for _, name := range names {
		if parts := openLines.FindStringSubmatch(name); parts != nil {
			add(name, estate{locks: []string{parts[1] + parts[2]}, stem: parts[1], coding: Compression(parts[2]),
				finish: finishLines})
		} else if parts := openDrafts.FindStringSubmatch(name); parts != nil {
			add(name, estate{locks: []string{parts[1]}, stem: parts[1], finish: finishLines})
		} else if parts := openTables.FindStringSubmatch(name); parts != nil {
			add(name, estate{locks: []string{"parquet" + parts[1]}, stem: parts[1], finish: finishTables})
		} else if parts := openArchives.FindStringSubmatch(name); parts != nil {
			locks := []string{"warc-" + parts[1]}
			// A writer without a name, whose files bear the name of its machine.
			if slices.Contains(names, ".warc.lock") {
				locks = append(locks, "warc")
			}
			add(name, estate{locks: locks, finish: finishArchives})
		}
	}
	var all []estate
	for _, e := range byLock {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b estate) int { return cmp.Compare(a.locks[0], b.locks[0]) })
	return all
}

// adopt takes the locks and finishes the files. The error wraps [ErrInUse] when their
// writer is alive.
func (e estate) adopt(dir string, log *slog.Logger) (err error) {
	in, err := rootFolder(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	for _, lock := range e.locks {
		if _, err := in.acquire(lock, adopter); err != nil {
			return err
		}
	}
	return e.finish(e, in, log)
}

// finishLines finishes segments of lines and removes drafts, whose records were never
// written.
func finishLines(e estate, in *folder, log *slog.Logger) error {
	coding, err := e.coding.coding(false)
	if err != nil {
		return err
	}
	j := &JSONL{in: in, log: log, stem: e.stem, end: ".jsonl" + string(e.coding), coding: coding}
	drafts := &Files{in: in, manifest: j}
	return errors.Join(j.resume(), drafts.clear())
}

// finishTables makes tables of the intakes that a writer left.
func finishTables(e estate, in *folder, log *slog.Logger) error {
	if _, err := tabular.Linked(); err != nil {
		return err
	}
	p := &Parquet{in: in, behind: e.stem, cfg: ParquetConfig{Log: log}}
	return p.resume()
}

// finishArchives repairs WARC files and gives them their indexes and final names.
func finishArchives(e estate, in *folder, log *slog.Logger) error {
	w := &WARC{in: in, cfg: WARCConfig{Log: log}}
	var errs []error
	done := ""
	for _, name := range e.files {
		final := strings.TrimSuffix(name, opened)
		final = strings.TrimSuffix(strings.TrimSuffix(final, indexed), zipped) + zipped
		if final == done {
			continue
		}
		done = final
		errs = append(errs, w.finishLeft(final))
	}
	return errors.Join(errs...)
}
