package crawler

import (
	"bytes"
	"io"
	"os"
)

// Body is what a server sent, after content coding was removed. Its head is in
// memory; what goes beyond the fetcher's bound for memory lies in a temporary
// file, so that a worker's memory does not depend on what servers send. Its
// owner calls Release once, after which Head and Spill are gone; Size and Digest
// stay.
type Body struct {
	Head    []byte   // the first bytes: all of them when Spill is nil
	Spill   *os.File // the bytes after Head, from offset 0; nil when all are in Head
	Size    int64    // length of the whole in bytes
	Digest  [32]byte // SHA-256 of the whole
	Release func()   // gives memory and file back; never nil
}

// Reader reads the whole body. Several readers may be used, also at once.
func (b *Body) Reader() io.Reader {
	head := bytes.NewReader(b.Head)
	if b.Spill == nil {
		return head
	}
	return io.MultiReader(head, b.Rest())
}

// Rest reads what follows Head; it is nil when that is all. Several readers may be
// used, also at once.
func (b *Body) Rest() io.Reader {
	if b.Spill == nil {
		return nil
	}
	return io.NewSectionReader(b.Spill, 0, b.Size-int64(len(b.Head)))
}
