package wacz

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
)

// linesInBlock is how many lines of the index are compressed together. A reader fetches
// one block for a URL.
const linesInBlock = 256

// Index writes the index from sorted lines of CDXJ, as blocks that are compressed one by
// one, and the list of blocks by which a reader finds the one with a key.
func (w *Writer) Index(lines []byte) error {
	out, err := w.create(indexName, zip.Store)
	if err != nil {
		return err
	}
	blocks := indexBlocks{out: out}
	if err := blocks.all(lines); err != nil {
		return err
	}
	lookup, err := w.create(lookupName, zip.Deflate)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(lookup, "!meta 0 {\"format\": \"cdxj-gzip-1.0\", \"filename\": %q}\n",
		path.Base(indexName)); err != nil {
		return err
	}
	_, err = lookup.Write(blocks.lookup.Bytes())
	return err
}

// indexBlocks writes the blocks of an index.
type indexBlocks struct {
	out    io.Writer
	at     int64 // bytes written
	lookup bytes.Buffer
}

// all writes all lines.
func (b *indexBlocks) all(lines []byte) error {
	for len(lines) > 0 {
		end := 0
		for n := 0; n < linesInBlock && end < len(lines); n++ {
			if i := bytes.IndexByte(lines[end:], '\n'); i >= 0 {
				end += i + 1
			} else {
				end = len(lines)
			}
		}
		if err := b.block(lines[:end]); err != nil {
			return err
		}
		lines = lines[end:]
	}
	return nil
}

// block writes one block and its line of the lookup: the key and the time of its first
// line, and where it is.
func (b *indexBlocks) block(lines []byte) error {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := zip.Write(lines); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	key, _, ok := bytes.Cut(lines, []byte(" {"))
	if !ok {
		return fmt.Errorf("%q is not a line of a CDXJ index", lines[:min(len(lines), 120)])
	}
	sum := sha256.Sum256(packed.Bytes())
	at, err := json.Marshal(struct {
		Offset int64  `json:"offset"`
		Length int    `json:"length"`
		Digest string `json:"digest"`
		File   string `json:"filename"`
	}{b.at, packed.Len(), "sha256:" + hex.EncodeToString(sum[:]), path.Base(indexName)})
	if err != nil {
		return err
	}
	fmt.Fprintf(&b.lookup, "%s %s\n", key, at)
	n, err := b.out.Write(packed.Bytes())
	b.at += int64(n)
	return err
}
