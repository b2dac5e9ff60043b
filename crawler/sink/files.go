package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// manifest begins the names of segments of the records that go with files.
const manifest = "manifest"

// FilesConfig says where files go. The zero value writes to the current folder.
type FilesConfig struct {
	// Dir is the folder of the files and the manifest. It is made when it is
	// missing. Default ".".
	Dir string
	// Worker is a part of the manifest's names, so that many workers can write
	// into one folder: manifest-WORKER-00001.jsonl. Default none:
	// manifest-00001.jsonl.
	Worker string
	// SegmentSize and MaxAge bound the segments of the manifest, as those of
	// [JSONLConfig].
	SegmentSize int64
	MaxAge      time.Duration
	// Scattered says that the files are brought to a place where those of other
	// folders are, whose names nobody here knows: then a name from which its URL can
	// not be told has a suffix, and so two URLs never share one there either.
	Scattered bool
	// Links lists the links of a page in its record, instead of counting them.
	Links bool
	// Log takes warnings about what earlier writers left. Default none.
	Log *slog.Logger
}

// Files keeps the bodies of fetched pages as files, byte for byte, and the
// records of all results in a manifest, whose Path leads from the folder to the
// file. A file is named after its page's final URL, as in
// "example.com/pub/a.tar.gz"; two URLs never share one, and a URL has the same
// one in every run. Files appear whole or not at all.
//
// Several workers may share a folder as long as no two of them are at the same
// host at once, which visits see to.
type Files struct {
	in        *folder
	links     bool
	scattered bool
	manifest  *JSONL
	names     *register
	drafts    atomic.Int64
	content   func(*crawler.Result, crawler.Record) *content
}

// content is what a file of a page is to have.
type content struct {
	wish []string // for a name, by its segments
	body io.Reader
	size int64 // of body
}

// NewFiles opens the manifest, reads what names are taken, and clears away the
// unfinished files of a process that was killed. One process at a time may
// write under a worker name in a folder: the error says which process has it.
func NewFiles(cfg FilesConfig) (*Files, error) { return newFiles(cfg, manifest, bodyOf) }

// newFiles opens a sink for files with the content that is told, and a manifest
// whose name begins so.
func newFiles(cfg FilesConfig, prefix string, content func(*crawler.Result, crawler.Record) *content) (*Files, error) {
	records, err := NewJSONL(JSONLConfig{
		Dir: cfg.Dir, Prefix: prefix, Worker: cfg.Worker, SegmentSize: cfg.SegmentSize, MaxAge: cfg.MaxAge, Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	f := &Files{in: records.in, links: cfg.Links, scattered: cfg.Scattered, manifest: records, content: content}
	if err = f.clear(); err == nil {
		f.names, err = newRegister(f.in, prefix, records.log)
	}
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	return f, nil
}

// Keep writes the bodies, then the records as one batch. When it fails, no
// record stays; bodies may, and are written anew when they are kept again.
func (f *Files) Keep(ctx context.Context, results []*crawler.Result) error {
	b := newBatch()
	defer b.free()
	for _, r := range results {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec := r.Record(f.links)
		if c := f.content(r, rec); c != nil {
			name, err := f.store(finalURL(r), c, r.Page.Header.Get("Last-Modified"))
			if err != nil {
				return err
			}
			rec.Path = name
		}
		if err := b.add(rec); err != nil {
			return err
		}
	}
	return f.manifest.write(b)
}

// Bodies reports that bodies are kept.
func (*Files) Bodies() bool { return true }

func finalURL(r *crawler.Result) crawler.URL {
	if n := len(r.Redirects); n > 0 {
		return r.Redirects[n-1]
	}
	return r.Entry.URL
}

// bodyOf is the content of [Files].
func bodyOf(r *crawler.Result, _ crawler.Record) *content {
	if r.Outcome != crawler.OutcomeFetched || r.Page == nil || r.Page.Body == nil {
		return nil
	}
	return &content{
		wish: wish(finalURL(r), r.Page.Header.Get("Content-Type")), body: r.Page.Body.Reader(), size: r.Page.Body.Size,
	}
}

// store writes the content of a page and returns the name of its file.
func (f *Files) store(u crawler.URL, c *content, modified string) (string, error) {
	segments := c.wish
	if f.scattered {
		segments = told(u, segments)
	}
	name, err := f.names.claim(u.String(), segments)
	if err != nil {
		return "", err
	}
	draft := f.draftName(f.drafts.Add(1))
	if err := f.draft(draft, c, modified); err != nil {
		return "", errors.Join(err, f.discard(draft))
	}
	if err := f.place(draft, name); err != nil {
		return "", errors.Join(trouble("writing", f.in.dir, name, err), f.discard(draft))
	}
	return name, nil
}

// draft writes the content to an unfinished file.
func (f *Files) draft(name string, c *content, modified string) error {
	file, err := f.in.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return trouble("writing", f.in.dir, name, err)
	}
	n, err := io.Copy(file, c.body)
	if err == nil && n != c.size {
		err = fmt.Errorf("%d of %d bytes of the body were there: %w", n, c.size, io.ErrUnexpectedEOF)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return trouble("writing", f.in.dir, name, err)
	}
	f.date(name, modified)
	return nil
}

// date sets when the file was modified, as its server says. A date that means
// nothing, or that the disk can not hold, leaves it as it is.
func (f *Files) date(name, lastModified string) {
	if t, err := http.ParseTime(lastModified); err == nil {
		_ = f.in.Chtimes(name, t, t)
	}
}

// place makes a finished file of an unfinished one.
func (f *Files) place(draft, name string) error {
	if err := f.in.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	return f.in.Rename(draft, name)
}

func (f *Files) discard(draft string) error {
	if err := f.in.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return trouble("removing the unfinished file", f.in.dir, draft, err)
	}
	return nil
}

// draftName hides unfinished files, as no finished one is hidden.
func (f *Files) draftName(n int64) string {
	return "." + f.manifest.stem + "-" + strconv.FormatInt(n, 10) + ".part"
}

// clear removes the unfinished files of this writer.
func (f *Files) clear() error {
	names, err := f.in.list()
	for _, name := range names {
		if f.isDraft(name) {
			err = errors.Join(err, f.discard(name))
		}
	}
	return err
}

func (f *Files) isDraft(name string) bool {
	digits := strings.TrimSuffix(strings.TrimPrefix(name, "."+f.manifest.stem+"-"), ".part")
	n, err := strconv.ParseInt(digits, 10, 64)
	return err == nil && name == f.draftName(n)
}

// Sync puts the manifest on disk. The system does so with the files in its own
// time; after a loss of power the digest in its record tells a damaged file.
func (f *Files) Sync() error { return f.manifest.Sync() }

// Broken returns the failure that is final; nil when the sink can go on.
func (f *Files) Broken() error { return f.manifest.Broken() }

// Close puts the manifest on disk and lets others write to the folder. It may
// be called more than once.
func (f *Files) Close() error { return f.manifest.Close() }
