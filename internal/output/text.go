package output

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Growing ends the name of a segment that is still being written, or that a kill left
// until its worker starts again. The end of such a segment may be torn.
const Growing = ".open"

// File name endings of JSON lines, plain and compressed.
const (
	Plain = ".jsonl"
	Gzip  = ".jsonl.gz"
	Zstd  = ".jsonl.zst"
)

// Lines reports whether a file, finished or growing, contains JSON lines of the kind that
// its name begins with: pages, manifest, requests, links.
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

// text opens a file and decompresses it according to its name: .gz, .zst, or not at all.
// A growing file that is torn ends before the tear, without an error. raw tells errors of
// reading the file from errors in its content.
func (l *Location) text(ctx context.Context, name string) (text io.ReadCloser, raw *watched, err error) {
	file, err := l.Open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	raw = &watched{ReadCloser: file}
	final := strings.TrimSuffix(name, Growing)
	text, err = decompressed(raw, path.Ext(final))
	switch grows := final != name; {
	case err == nil && grows:
		return growing{text, raw}, raw, nil
	case err == nil:
		return text, raw, nil
	case grows && (err == io.EOF || raw.failed == nil): // it contains nothing whole yet
		return struct {
			io.Reader
			io.Closer
		}{strings.NewReader(""), raw}, raw, nil
	}
	return nil, raw, errors.Join(err, raw.Close())
}

// watched is a file that remembers why reading it failed.
type watched struct {
	io.ReadCloser
	failed error // nil while reading succeeds, and at the end of the file
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		w.failed = err
	}
	return n, err
}

// growing is a text that ends where it is torn. If the file can be read but not
// decompressed, its end was not whole when it was written.
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

// pipe closes the reader that it reads from, too.
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

// ErrDamaged is wrapped in errors about finished files that were cut short or changed.
// What can still be read of them was read.
var ErrDamaged = errors.New("the file is damaged")

var (
	errEmpty = errors.New("it is empty")
	errNoEnd = errors.New("its last line is incomplete")
)

// EachLine calls do with each whole line of a file, without its newline, and with the
// offset of its first byte in the decompressed text. The last line of a growing file is
// skipped if it is incomplete. EachLine stops at the first error of do and returns it
// unchanged.
//
// From a finished file that is damaged, it reads all that can be read: the lines before
// the damage, and those of the gzip members or zstd frames after it. The error then wraps
// [ErrDamaged].
func (l *Location) EachLine(ctx context.Context, name string, do func(offset int64, line []byte) error) error {
	read, damage, err := l.eachLine(ctx, name, do)
	if err != nil || damage == nil {
		return err
	}
	if err := l.salvage(ctx, name, read, do); err != nil {
		return err
	}
	return l.trouble("read", name, fmt.Errorf("%w: %w", ErrDamaged, damage))
}

// eachLine reads lines until the file is damaged, and returns how many there were.
func (l *Location) eachLine(ctx context.Context, name string,
	do func(offset int64, line []byte) error) (read int, damage, err error) {
	grows := strings.HasSuffix(name, Growing)
	text, raw, err := l.text(ctx, name)
	if err != nil && raw != nil && raw.failed == nil {
		if errors.Is(err, io.EOF) {
			err = errEmpty
		}
		return 0, err, nil
	}
	if err != nil {
		return 0, nil, err
	}
	defer func() {
		if closed := text.Close(); damage == nil { // for a damaged file, it would only repeat the damage
			err = errors.Join(err, closed)
		}
	}()
	lines := bufio.NewReaderSize(text, 1<<20)
	for offset := int64(0); ; read++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case err == io.EOF && grows:
			return read, nil, nil
		case err == io.EOF && offset == 0 && len(line) == 0:
			return read, errEmpty, nil
		case err == io.EOF && len(line) == 0:
			return read, nil, nil
		case err == io.EOF && whole(line):
			return read + 1, errNoEnd, do(offset, line)
		case err == io.EOF:
			return read, errNoEnd, nil
		case err != nil && raw.failed == nil:
			return read, err, nil
		case err != nil:
			return read, nil, l.trouble("read", name, err)
		}
		if err := ctx.Err(); err != nil {
			return read, nil, err
		}
		if err := do(offset, line[:len(line)-1]); err != nil {
			return read, nil, err
		}
		offset += int64(len(line))
	}
}
