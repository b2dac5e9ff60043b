package wacz

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"
	"time"
)

// Version is the version of the format.
const Version = "1.1.1"

// Names of files in an archive.
const (
	manifestName = "datapackage.json"
	digestName   = "datapackage-digest.json"
	pagesName    = "pages/pages.jsonl"
	indexName    = "indexes/index.cdx.gz"
	lookupName   = "indexes/index.idx"
	archiveDir   = "archive/"
)

// Config describes an archive. The zero value is useful.
type Config struct {
	// Title is what readers show as the name of the archive. Default "": none.
	Title string
	// Software is the program that wrote the archive. Default "": not stated.
	Software string
	// Created is when the archive was made. Default: the beginning of 1980, the first
	// time that a ZIP file can state.
	Created time.Time
	// Signer signs the archive. Default nil: it is not signed.
	Signer *Signer
}

// Writer writes an archive. First come the WARC files, then the index, then the pages. It
// is not safe for concurrent use.
type Writer struct {
	cfg       Config
	zip       *zip.Writer
	entry     *entry // being written; nil for none
	resources []resource
	main      Page // the first page
}

// resource describes a file of the archive in its manifest.
type resource struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Hash  string `json:"hash"`
	Bytes int64  `json:"bytes"`
}

// NewWriter returns a writer of an archive to w.
func NewWriter(w io.Writer, cfg Config) *Writer {
	if cfg.Created.IsZero() {
		cfg.Created = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return &Writer{cfg: cfg, zip: zip.NewWriter(w)}
}

// entry is a file of the archive that is being written.
type entry struct {
	resource
	out  io.Writer
	hash hash.Hash
}

// Write adds to the file.
func (e *entry) Write(b []byte) (int, error) {
	n, err := e.out.Write(b)
	e.hash.Write(b[:n])
	e.Bytes += int64(n)
	return n, err
}

// create begins a file. Files that are compressed already are stored, so that readers can
// ask for ranges of them (5.1, "Zip Compression").
func (w *Writer) create(name string, method uint16) (*entry, error) {
	w.finish()
	out, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: w.cfg.Created.UTC()})
	if err != nil {
		return nil, fmt.Errorf("write %q: %w", name, err)
	}
	w.entry = &entry{out: out, hash: sha256.New(), resource: resource{
		Name: strings.ToLower(path.Base(name)), Path: name}}
	return w.entry, nil
}

// finish notes the file that was written last in the manifest.
func (w *Writer) finish() {
	if e := w.entry; e != nil {
		e.Hash = "sha256:" + hex.EncodeToString(e.hash.Sum(nil))
		w.resources = append(w.resources, e.resource)
		w.entry = nil
	}
}

// Archive begins a WARC file, such as "data.warc.gz", to which index lines refer by that
// name. It is written until the next method of w is called.
func (w *Writer) Archive(name string) (io.Writer, error) { return w.create(archiveDir+name, zip.Store) }

// Close writes the manifest and its digest, and ends the ZIP file. It does not close the
// underlying writer.
func (w *Writer) Close() error {
	w.finish()
	manifest, err := w.manifest()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(manifest)
	digest := struct {
		Path   string     `json:"path"`
		Hash   string     `json:"hash"`
		Signed *Signature `json:"signedData,omitempty"`
	}{Path: manifestName, Hash: "sha256:" + hex.EncodeToString(sum[:])}
	if w.cfg.Signer != nil {
		if digest.Signed, err = w.cfg.Signer.sign(digest.Hash, w.cfg); err != nil {
			return err
		}
	}
	text, err := indented(digest)
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name string
		text []byte
	}{{manifestName, manifest}, {digestName, text}} {
		e, err := w.create(file.name, zip.Deflate)
		if err != nil {
			return err
		}
		if _, err := e.Write(file.text); err != nil {
			return err
		}
	}
	return w.zip.Close()
}

// manifest returns the datapackage.json of the files written so far.
func (w *Writer) manifest() ([]byte, error) {
	m := struct {
		Profile   string     `json:"profile"`
		Version   string     `json:"wacz_version"`
		Title     string     `json:"title,omitempty"`
		Created   string     `json:"created"`
		Software  string     `json:"software,omitempty"`
		MainURL   string     `json:"mainPageUrl,omitempty"`
		MainDate  string     `json:"mainPageDate,omitempty"`
		Resources []resource `json:"resources"`
	}{
		Profile: "data-package", Version: Version, Title: w.cfg.Title, Created: stamp(w.cfg.Created),
		Software: w.cfg.Software, MainURL: w.main.URL, Resources: w.resources,
	}
	if w.main.URL != "" {
		m.MainDate = stamp(w.main.Time)
	}
	return indented(m)
}

// stamp formats a time as RFC 3339 does, to the second.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// indented returns JSON for people, with a newline.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}
