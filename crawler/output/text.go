package output

import (
	"bufio"
	"context"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Growing stands behind the name of a segment that is still written, or that a
// kill left so until its worker starts again. What it ends in may be torn.
const Growing = ".open"

// Ends of the names of lines of JSON, plain and compressed.
const (
	Plain = ".jsonl"
	Gzip  = ".jsonl.gz"
	Zstd  = ".jsonl.zst"
)

// Lines reports whether a file, finished or growing, has lines of JSON, of the
// kind that its name begins with: pages, manifest, requests, links.
func Lines(name, kind string) bool {
	name = strings.TrimSuffix(name, Growing)
	rest, ok := strings.CutPrefix(name, kind)
	if !ok || rest == "" || rest[0] != '-' && rest[0] != '.' {
		return false
	}
	for _, end := range []string{Plain, Gzip, Zstd} {
		if strings.HasSuffix(rest, end) {
			return true
		}
	}
	return false
}

// Segments lists the segments of lines of a kind, finished or growing, by name.
func (l *Location) Segments(ctx context.Context, kind string) ([]string, error) {
	all, err := l.Names(ctx)
	if err != nil {
		return nil, err
	}
	segments := all[:0]
	for _, name := range all {
		if Lines(name, kind) {
			segments = append(segments, name)
		}
	}
	return segments, nil
}

// Text opens a file, decompressed as its name says: .gz, .zst, or as it is. What
// a growing one ends in may be torn: it ends before, as if that were its end.
func (l *Location) Text(ctx context.Context, name string) (io.ReadCloser, error) {
	file, err := l.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	raw := &watched{ReadCloser: file}
	final := strings.TrimSuffix(name, Growing)
	text, err := decompressed(raw, path.Ext(final))
	switch grows := final != name; {
	case err == nil && grows:
		return growing{text, raw}, nil
	case err == nil:
		return text, nil
	case err == io.EOF, grows && raw.failed == nil: // nothing whole is in it yet
		return struct {
			io.Reader
			io.Closer
		}{strings.NewReader(""), raw}, nil
	}
	return nil, l.trouble("read", name, errors.Join(err, raw.Close()))
}

// watched is a file that remembers why it could not be read.
type watched struct {
	io.ReadCloser
	failed error // nil as long as it is read, and at its end
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.failed = err
	}
	return n, err
}

// growing is a text that ends where it is torn: what cannot be decompressed, although
// the file can be read, was not whole when it was written.
type growing struct {
	io.ReadCloser
	raw *watched
}

func (g growing) Read(p []byte) (int, error) {
	n, err := g.ReadCloser.Read(p)
	if err != nil && g.raw.failed == nil {
		err = io.EOF
	}
	return n, err
}

// pipe closes what it reads from, too.
type pipe struct {
	io.ReadCloser
	from io.Closer
}

func (p pipe) Close() error { return errors.Join(p.ReadCloser.Close(), p.from.Close()) }

func decompressed(raw io.ReadCloser, extension string) (io.ReadCloser, error) {
	switch extension {
	case ".gz":
		members, err := gzip.NewReader(bufio.NewReaderSize(raw, 256<<10))
		if err != nil {
			return nil, err
		}
		return pipe{members, raw}, nil
	case ".zst":
		frames, err := zstd.NewReader(raw, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return pipe{frames.IOReadCloser(), raw}, nil
	}
	return raw, nil
}

// EachLine calls do with each whole line of a file, without its end, and the
// place of its first byte in the decompressed text. A last line without an end
// is still being written, and left out. It stops at the first error of do, and
// returns it as it is.
func (l *Location) EachLine(ctx context.Context, name string, do func(offset int64, line []byte) error) (err error) {
	text, err := l.Text(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, text.Close()) }()
	lines := bufio.NewReaderSize(text, 1<<20)
	for offset := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return l.trouble("read", name, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(offset, line[:len(line)-1]); err != nil {
			return err
		}
		offset += int64(len(line))
	}
}
