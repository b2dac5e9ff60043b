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

// nameIndex remembers which URL each name belongs to. It is filled from the manifests in
// the folder, so that a URL has the same name in every run, and takes about 40 bytes of
// memory per name. It is safe for concurrent use.
//
// A file that no manifest mentions has no owner: a process was killed between writing the
// file and writing its record. The next URL that wants the name gets it.
type nameIndex struct {
	in     *folder
	prefix string // of the manifests
	log    *slog.Logger

	mu     sync.Mutex
	owners map[mark]mark     // owners of folded names
	lately map[string]string // some names of folders, by the names that they wished for
	read   map[string]int64  // by a manifest's final name, how many bytes of it were read
}

// maxLately is how many names of folders are remembered, so that the files of a folder do not look
// for its name each.
const maxLately = 256

// mark identifies a name or an owner: the first bytes of its SHA-256. If two names have
// the same mark by chance, the later one gets an unnecessary suffix.
type mark [8]byte

func markOf(s string) mark {
	sum := sha256.Sum256([]byte(s))
	return mark(sum[:8])
}

// newNameIndex reads all manifests in the folder whose names have this prefix.
func newNameIndex(in *folder, prefix string, log *slog.Logger) (*nameIndex, error) {
	r := &nameIndex{in: in, prefix: prefix, log: log, owners: map[mark]mark{},
		lately: map[string]string{}, read: map[string]int64{}}
	return r, r.readManifests()
}

// claim gives u the name that it wishes for, or a similar one. If another URL has the
// name, or has a file where a folder is needed, or the reverse, the segment gets a
// suffix.
func (r *nameIndex) claim(in *subfolders, u string, wish []string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(wish) - 1
	folder, err := r.folders(in, wish[:last])
	if err != nil {
		return "", err
	}
	return r.take(folder, wish[last], u, func(name string) (bool, error) { return r.file(in, name, u) })
}

// folders gives a folder, and those above it, the names that they wish for, or similar ones.
func (r *nameIndex) folders(in *subfolders, wish []string) (string, error) {
	whole := strings.Join(wish, "/")
	if name, ok := r.lately[whole]; ok {
		return name, nil
	}
	name := ""
	asFolder := func(name string) (bool, error) { return r.folder(in, name) }
	for i, segment := range wish {
		origin := strings.Join(wish[:i+1], "/") + "/"
		var err error
		if name, err = r.take(name, segment, origin, asFolder); err != nil {
			return "", err
		}
	}
	if len(r.lately) >= maxLately {
		clear(r.lately)
	}
	r.lately[whole] = name
	return name, nil
}

// take finds the first available name for a segment. The suffix depends only on origin,
// so that it is the same in every run.
func (r *nameIndex) take(parent, segment, origin string, can func(name string) (bool, error)) (string, error) {
	name := path.Join(parent, segment)
	for {
		ok, err := can(name)
		if ok || err != nil {
			return name, err
		}
		name = path.Join(parent, suffixed(segment, origin))
		origin += "#" // the URL of a page has no fragment, so this cannot collide
	}
}

// folder takes a name for a folder. A folder belongs to one spelling, so that A and a do
// not become one folder on a system that ignores case.
func (r *nameIndex) folder(in *subfolders, name string) (bool, error) {
	ok, known := r.known(name, name+"/")
	if known {
		return ok, nil
	}
	kind, err := in.kind(name)
	if err == nil && !kind.IsDir() {
		return false, nil
	}
	return r.enter(name, name+"/", err)
}

// file takes a name for the body of u.
func (r *nameIndex) file(in *subfolders, name, u string) (bool, error) {
	ok, known := r.known(name, u)
	if known {
		return ok, nil
	}
	kind, err := in.kind(name)
	if err == nil && !kind.IsRegular() {
		return false, nil
	}
	if err == nil { // another worker's, or without an owner
		if err := r.readManifests(); err != nil {
			return false, err
		}
		if ok, known := r.known(name, u); known {
			return ok, nil
		}
	}
	return r.enter(name, u, err)
}

// known reports whether the name has an owner, and whether owner is it.
func (r *nameIndex) known(name, owner string) (owns, known bool) {
	has, known := r.owners[markOf(fold(name))]
	return has == markOf(owner), known
}

// enter records the owner of a name. err is the result of looking for an existing file;
// any error but fs.ErrNotExist is returned.
func (r *nameIndex) enter(name, owner string, err error) (bool, error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, trouble("looking at", r.in.dir, name, err)
	}
	r.owners[markOf(fold(name))] = markOf(owner)
	return true, nil
}

// fold maps names to the same string if some file system treats them as equal: names that
// differ in case, or in how accents are composed.
func fold(name string) string {
	for i := range len(name) {
		if name[i] >= utf8.RuneSelf {
			return norm.NFC.String(cases.Fold().String(norm.NFD.String(name)))
		}
	}
	return strings.ToLower(name)
}

// readManifests enters what was added to the manifests since they were last read.
func (r *nameIndex) readManifests() error {
	clear(r.lately) // another worker may have taken a name in the meantime
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

func (r *nameIndex) isManifest(name string) bool {
	stem, jsonl := strings.CutSuffix(strings.TrimSuffix(name, opened), ".jsonl")
	return jsonl && (stem == r.prefix || strings.HasPrefix(stem, r.prefix+"-"))
}

// readManifest enters the whole lines after those that it has read before.
func (r *nameIndex) readManifest(name string) error {
	final := strings.TrimSuffix(name, opened)
	f, err := r.in.Open(name)
	if errors.Is(err, fs.ErrNotExist) && final != name { // another worker has finished it in the meantime
		f, err = r.in.Open(final)
	}
	if errors.Is(err, fs.ErrNotExist) { // it was empty and has been removed
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewReaderSize(io.NewSectionReader(f, r.read[final], 1<<62), 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF { // the rest is an incomplete line
			return nil
		}
		if err != nil {
			return err
		}
		r.enterLine(name, line)
		r.read[final] += int64(len(line))
	}
}

// enterLine enters the file of one record and the folders above it.
func (r *nameIndex) enterLine(manifest string, line []byte) {
	var rec struct {
		FinalURL string `json:"final_url"`
		Path     string `json:"path"`
	}
	if err := json.Unmarshal(line, &rec); err != nil {
		r.log.Warn("skipped a line that is not a record", "folder", r.in.dir, "file", manifest, "reason", err)
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
