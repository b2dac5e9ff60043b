package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// manifest is the name prefix of the segments that hold the records of files.
const manifest = "manifest"

// FilesConfig configures [Files]. The zero value writes to the current folder.
type FilesConfig struct {
	// Dir is the folder of the files and the manifest. It is created if missing. Default
	// ".".
	Dir string
	// Worker is part of the manifest's names, so that many workers can write to one
	// folder: manifest-WORKER-00001.jsonl. Default none: manifest-00001.jsonl.
	Worker string
	// SegmentSize and MaxAge bound the segments of the manifest, as in [JSONLConfig].
	SegmentSize int64
	MaxAge      time.Duration
	// Scattered says that the files are moved to a place that also receives files from
	// other folders, whose names this writer cannot know. A name that does not identify
	// its URL then gets a suffix, so that no two URLs share a name there either.
	Scattered bool
	// Verbatim asks for bodies as the server has them, still in their content coding, in a
	// job that reads no pages: a download.
	Verbatim bool
	// Links lists the links of a page in its record instead of counting them.
	Links bool
	// Log receives warnings about what earlier writers left behind. Default none.
	Log *slog.Logger
}

// Files writes the bodies of fetched pages as files, byte for byte, and the records of
// all results to a manifest, where Path leads from the folder to the file. A file is
// named after its page's final URL, as in "example.com/pub/a.tar.gz". No two URLs share a
// name, and a URL has the same name in every run. Files appear whole or not at all.
//
// Several workers may share a folder as long as no two of them visit the same host at
// once. The frontier ensures that.
type Files struct {
	in        *folder
	links     bool
	scattered bool
	verbatim  bool
	manifest  *JSONL
	names     *nameIndex
	drafts    atomic.Int64
	content   func(*fetched.Result, crawler.Record) *content
	pictures  bool // what else is kept of a rendered page is written beside it
}

// content is what the file of a page contains.
type content struct {
	wish []string // the preferred name, by its segments
	body io.Reader
	size int64 // of body
}

// NewFiles opens the manifest, reads which names are taken, and removes the unfinished
// files of a process that was killed. One process at a time may write under a worker name
// in a folder; if another does, the error names it.
func NewFiles(cfg FilesConfig) (*Files, error) {
	f, err := newFiles(cfg, manifest, bodyOf)
	if err == nil {
		f.pictures = true
	}
	return f, err
}

// newFiles opens a sink for files with the content that the function returns, and with a
// manifest whose name has this prefix.
func newFiles(cfg FilesConfig, prefix string, content func(*fetched.Result, crawler.Record) *content) (*Files, error) {
	records, err := NewJSONL(JSONLConfig{
		Dir: cfg.Dir, Prefix: prefix, Worker: cfg.Worker, SegmentSize: cfg.SegmentSize, MaxAge: cfg.MaxAge,
		Log: cfg.Log,
	})
	if err != nil {
		return nil, err
	}
	f := &Files{in: records.in, links: cfg.Links, scattered: cfg.Scattered, verbatim: cfg.Verbatim, manifest: records,
		content: content}
	if err = f.clear(); err == nil {
		f.names, err = newNameIndex(f.in, prefix, records.log)
	}
	if err != nil {
		return nil, errors.Join(err, records.Close())
	}
	return f, nil
}

// Keep writes the bodies, then the records as one batch. When it fails, no record
// remains. Bodies may remain; they are overwritten when they are kept again.
func (f *Files) Keep(ctx context.Context, results []*fetched.Result) error {
	b := newBatch()
	defer b.free()
	into := newSubfolders(f.in)
	defer into.close()
	for _, r := range results {
		if err := ctx.Err(); err != nil {
			return err
		}
		rec := r.Record(f.links)
		if c := f.content(r, rec); c != nil {
			name, err := f.store(into, finalURL(r), c, r.Page.Header.Get("Last-Modified"))
			if err != nil {
				return err
			}
			rec.Path = name
			if err := f.beside(into, r, name, rec.Rendered); err != nil {
				return err
			}
		}
		if err := b.add(rec); err != nil {
			return err
		}
	}
	return f.manifest.write(b)
}

// Needs says that bodies are kept.
func (f *Files) Needs() fetched.Needs { return fetched.Needs{Bodies: true, Verbatim: f.verbatim} }

func finalURL(r *fetched.Result) crawler.URL {
	if n := len(r.Redirects); n > 0 {
		return r.Redirects[n-1]
	}
	return r.Entry.URL
}

// beside writes what else is kept of a page that was rendered, in files whose names begin with that
// of the page, and says where in its record.
func (f *Files) beside(into *subfolders, r *fetched.Result, name string, rec *crawler.RenderedBy) error {
	if r.Rendered == nil || !f.pictures {
		return nil
	}
	for _, extra := range []struct {
		suffix string
		body   io.Reader
		size   int64
		path   *string
	}{
		{".original", original(r), r.Page.Body.Size, &rec.Original},
		{"." + pictureFormat(r.Rendered.Screenshot), bytes.NewReader(r.Rendered.Screenshot),
			int64(len(r.Rendered.Screenshot)), &rec.Screenshot},
		{".pdf", bytes.NewReader(r.Rendered.PDF), int64(len(r.Rendered.PDF)), &rec.PDF},
	} {
		if extra.body == nil || extra.size == 0 {
			continue
		}
		segments := strings.Split(name+extra.suffix, "/")
		// A URL has no fragment, so that no other page can own the name.
		where, err := f.names.claim(into, finalURL(r).String()+"#"+extra.suffix, segments)
		if err != nil {
			return err
		}
		draft := f.draftName(f.drafts.Add(1))
		if err := f.draft(into, draft, &content{body: extra.body, size: extra.size}, ""); err != nil {
			return errors.Join(err, f.discard(draft))
		}
		if err := into.place(draft, where); err != nil {
			return errors.Join(trouble("writing", f.in.dir, where, err), f.discard(draft))
		}
		*extra.path = where
	}
	return nil
}

// original returns the body that the server sent, if the job keeps it beside the rendered one.
func original(r *fetched.Result) io.Reader {
	if !r.Rendered.KeepOriginal || r.Rendered.Body == nil {
		return nil
	}
	return r.Page.Body.Reader()
}

// pictureFormat returns the format of a picture, as the extension of its file.
func pictureFormat(picture []byte) string {
	if bytes.HasPrefix(picture, []byte("RIFF")) {
		return "webp"
	}
	return "png"
}

// bodyOf returns the content that [Files] writes: of a rendered page, the page as it was shown.
func bodyOf(r *fetched.Result, _ crawler.Record) *content {
	if r.Outcome != crawler.OutcomeFetched || r.Checked || r.Page == nil || r.Page.Body == nil {
		return nil
	}
	if r.Rendered != nil && r.Rendered.Body != nil {
		return &content{
			wish: wish(finalURL(r), "text/html"), body: r.Rendered.Body.Reader(), size: r.Rendered.Body.Size,
		}
	}
	return &content{
		wish: wish(finalURL(r), r.Page.Header.Get("Content-Type")), body: r.Page.Body.Reader(), size: r.Page.Body.Size,
	}
}

// store writes the content of a page and returns the name of its file.
func (f *Files) store(into *subfolders, u crawler.URL, c *content, modified string) (string, error) {
	segments := c.wish
	if f.scattered {
		segments = told(u, segments)
	}
	name, err := f.names.claim(into, u.String(), segments)
	if err != nil {
		return "", err
	}
	draft := f.draftName(f.drafts.Add(1))
	if err := f.draft(into, draft, c, modified); err != nil {
		return "", errors.Join(err, f.discard(draft))
	}
	if err := into.place(draft, name); err != nil {
		return "", errors.Join(trouble("writing", f.in.dir, name, err), f.discard(draft))
	}
	return name, nil
}

// draft writes the content to an unfinished file.
func (f *Files) draft(into *subfolders, name string, c *content, modified string) error {
	file, err := into.create(name)
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
	into.date(name, modified)
	return nil
}

func (f *Files) discard(draft string) error {
	if err := f.in.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return trouble("removing the unfinished file", f.in.dir, draft, err)
	}
	return nil
}

// draftName returns a hidden name for an unfinished file. No finished file is hidden.
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

// Sync puts the manifest on disk. The system writes the files in its own time; after a
// power failure the digest in a record reveals a damaged file.
func (f *Files) Sync() error { return f.manifest.Sync() }

// Broken returns the error after which the sink cannot continue, or nil.
func (f *Files) Broken() error { return f.manifest.Broken() }

// Close puts the manifest on disk and releases the folder to other writers. It may be
// called more than once.
func (f *Files) Close() error { return f.manifest.Close() }
