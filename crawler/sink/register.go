package sink

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// register remembers which URL each name belongs to. It is filled from the
// manifests that lie in the folder, so that a URL has the same name in every
// run, and costs about 40 bytes of memory a name. It is safe for concurrent use.
//
// A file that no manifest knows belongs to nobody: a process was killed between
// the file and its record. Whoever wishes for its name may have it.
type register struct {
	in     *folder
	prefix string // of the manifests
	log    *slog.Logger

	mu     sync.Mutex
	owners map[mark]mark    // of names, as the least discerning system sees them
	read   map[string]int64 // how far each manifest was read, in bytes, by its final name
}

// mark stands for a name or an owner: the beginning of its SHA-256. Where two
// names have one mark by chance, the later one gets a suffix that it did not need.
type mark [8]byte

func markOf(s string) mark {
	sum := sha256.Sum256([]byte(s))
	return mark(sum[:8])
}

// newRegister reads all manifests in the folder whose names begin so.
func newRegister(in *folder, prefix string, log *slog.Logger) (*register, error) {
	r := &register{in: in, prefix: prefix, log: log, owners: map[mark]mark{}, read: map[string]int64{}}
	return r, r.readManifests()
}

// claim gives u the name that it wishes for, or one as near as can be: where
// another URL has that name, or has a file where a folder is needed, or the
// other way round, the segment gets a suffix.
func (r *register) claim(u string, wish []string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := ""
	for i, segment := range wish[:len(wish)-1] {
		origin := strings.Join(wish[:i+1], "/") + "/"
		var err error
		if name, err = r.take(name, segment, origin, r.folder); err != nil {
			return "", err
		}
	}
	return r.take(name, wish[len(wish)-1], u, func(name string) (bool, error) { return r.file(name, u) })
}

// take finds the first name for a segment that can be had. origin is what the
// suffix depends on, so that it is the same in every run.
func (r *register) take(parent, segment, origin string, can func(name string) (bool, error)) (string, error) {
	name := path.Join(parent, segment)
	for {
		ok, err := can(name)
		if ok || err != nil {
			return name, err
		}
		name = path.Join(parent, suffixed(segment, origin))
		origin += "#" // no URL of a page has a fragment
	}
}

// folder takes a name for a folder. A folder belongs to its spelling, so that A
// and a do not become one on a system that takes them for the same.
func (r *register) folder(name string) (bool, error) {
	ok, known := r.known(name, name+"/")
	if known {
		return ok, nil
	}
	info, err := r.in.Lstat(name)
	if err == nil && !info.IsDir() {
		return false, nil
	}
	return r.enter(name, name+"/", err)
}

// file takes a name for the body of u.
func (r *register) file(name, u string) (bool, error) {
	ok, known := r.known(name, u)
	if known {
		return ok, nil
	}
	info, err := r.in.Lstat(name)
	if err == nil && !info.Mode().IsRegular() {
		return false, nil
	}
	if err == nil { // of another worker, or nobody's
		if err := r.readManifests(); err != nil {
			return false, err
		}
		if ok, known := r.known(name, u); known {
			return ok, nil
		}
	}
	return r.enter(name, u, err)
}

// known says whether a name has an owner, and whether it is this one.
func (r *register) known(name, owner string) (owns, known bool) {
	has, known := r.owners[markOf(fold(name))]
	return has == markOf(owner), known
}

// enter notes the owner of a name, unless the system could not say what is
// there.
func (r *register) enter(name, owner string, err error) (bool, error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, trouble("looking at", r.in.dir, name, err)
	}
	r.owners[markOf(fold(name))] = markOf(owner)
	return true, nil
}

// fold makes names equal that some file system takes for the same: in case, or
// in how accents are composed.
func fold(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return norm.NFC.String(cases.Fold().String(norm.NFD.String(name)))
		}
	}
	return strings.ToLower(name)
}

// readManifests enters what was written to any manifest since it was last read.
func (r *register) readManifests() error {
	names, err := r.in.list()
	if err != nil {
		return err
	}
	for _, name := range names {
		if r.isManifest(name) {
			if err := r.readManifest(name); err != nil {
				return trouble("reading", r.in.dir, name, err)
			}
		}
	}
	return nil
}

func (r *register) isManifest(name string) bool {
	stem, jsonl := strings.CutSuffix(strings.TrimSuffix(name, opened), ".jsonl")
	return jsonl && (stem == r.prefix || strings.HasPrefix(stem, r.prefix+"-"))
}

// readManifest enters the whole lines behind those that it has read before.
func (r *register) readManifest(name string) error {
	final := strings.TrimSuffix(name, opened)
	f, err := r.in.Open(name)
	if errors.Is(err, fs.ErrNotExist) && final != name { // another worker has finished it meanwhile
		f, err = r.in.Open(final)
	}
	if errors.Is(err, fs.ErrNotExist) { // or it was empty
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(io.NewSectionReader(f, r.read[final], 1<<62), 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // what is left has no end yet
			return nil
		}
		if err != nil {
			return err
		}
		r.enterLine(name, line)
		r.read[final] += int64(len(line))
	}
}

// enterLine enters the file of one record, and the folders above it.
func (r *register) enterLine(manifest string, line []byte) {
	var rec struct {
		FinalURL string `json:"final_url"`
		Path     string `json:"path"`
	}
	if err := json.Unmarshal(line, &rec); err != nil {
		r.log.Warn("a line is no record and was passed over", "folder", r.in.dir, "file", manifest, "reason", err)
		return
	}
	if rec.Path == "" {
		return
	}
	r.owners[markOf(fold(rec.Path))] = markOf(rec.FinalURL)
	for dir := path.Dir(rec.Path); dir != "." && dir != "/"; dir = path.Dir(dir) {
		r.owners[markOf(fold(dir))] = markOf(dir + "/")
	}
}
