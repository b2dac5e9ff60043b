package output

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// This file reads lines from a position on, so that a reader can follow a file that grows.
// It only returns lines of whole batches: when a writer dies in the middle of a batch, the
// next one cuts the batch off.

// Mark is a position between two lines of a file. The zero Mark is the beginning.
type Mark struct {
	// Batch is the offset in the file, in bytes, of the batch that has the next line: a
	// gzip member, a zstd frame or, in a file that is not compressed, the line itself.
	Batch int64 `json:"b,omitempty"`
	// Skip is how many bytes of the batch's text come before the next line.
	Skip int64 `json:"s,omitempty"`
}

// LinesFrom calls do with each line after a mark, without its newline, and with the mark
// after it. It returns true if the file is finished and has no more lines, so that it need
// not be read again. A growing file without whole batches, or one that its writer has
// removed because it was empty, has no lines. LinesFrom stops at the first error of do and
// returns it.
//
// From a finished file that is damaged, it reads the batches before and after the damage.
// The error then wraps [ErrDamaged], besides that of do.
func (l *Location) LinesFrom(ctx context.Context, name string, from Mark,
	do func(line []byte, next Mark) error) (ended bool, err error) {
	r := &resumed{location: l, name: name, at: from.Batch, skip: from.Skip, do: do}
	_, r.grows = strings.CutSuffix(name, Growing)
	if err := r.choose(); err != nil {
		return false, l.trouble("read", name, err)
	}
	err = r.open(ctx)
	if err == nil && r.in != nil {
		err = r.lines(ctx)
	}
	err = errors.Join(err, r.close())
	switch {
	case errors.Is(err, ErrMissing) && r.grows: // its writer wrote nothing, and removed it
		return false, nil
	case r.damage != nil:
		return err == nil, errors.Join(err, l.trouble("read", name, fmt.Errorf("%w: %w", ErrDamaged, r.damage)))
	case err != nil:
		return false, err
	}
	return !r.grows, nil
}

// resumed is a file of lines that is read from a batch on.
type resumed struct {
	location *Location
	name     string
	grows    bool
	do       func(line []byte, next Mark) error
	// batch reads the next batch whole, and returns its text. The error is io.EOF at the
	// end of the file, and any other if the batch is not whole.
	batch  func() (text []byte, err error)
	mark   []byte // the first bytes of each batch, by which the next one can be found; nil for none
	at     int64  // the offset of the next batch
	skip   int64  // bytes of its text that were read before
	damage error

	file *watched
	raw  *counted
	in   *bufio.Reader // nil if nothing follows
}

// choose chooses how batches are read, by the name of the file.
func (r *resumed) choose() error {
	switch path.Ext(strings.TrimSuffix(r.name, Growing)) {
	case ".gz":
		zip := new(gzip.Reader)
		r.mark, r.batch = memberMark, func() ([]byte, error) { return nextMember(r.in, zip) }
	case ".zst":
		decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		r.mark, r.batch = frameMark, func() ([]byte, error) { return nextFrame(r.in, decoder) }
	default:
		r.batch = func() ([]byte, error) { return r.nextLine() }
	}
	return nil
}

// open opens the file at the next batch. It leaves in nil if the file ends there.
func (r *resumed) open(ctx context.Context) error {
	if err := r.close(); err != nil {
		return err
	}
	file, err := r.location.openFrom(ctx, r.name, r.at)
	if file == nil || err != nil {
		return err
	}
	r.file = &watched{ReadCloser: file}
	r.raw = &counted{r: r.file}
	r.in = bufio.NewReaderSize(r.raw, 256<<10)
	return nil
}

func (r *resumed) close() error {
	if r.in == nil {
		return nil
	}
	r.in = nil
	return r.file.Close()
}

// lines reads batches until the file ends, or a growing one has no whole batch more.
func (r *resumed) lines(ctx context.Context) error {
	for r.in != nil {
		if err := ctx.Err(); err != nil {
			return err
		}
		before := r.raw.n - int64(r.in.Buffered())
		text, err := r.batch()
		switch {
		case err == io.EOF:
			return nil
		case r.file.failed != nil:
			return r.location.trouble("read", r.name, r.file.failed)
		case err != nil && r.grows:
			return nil
		case err != nil:
			if err := r.passDamage(ctx, err); err != nil {
				return err
			}
			continue
		}
		length := r.raw.n - int64(r.in.Buffered()) - before
		if err := r.each(text, length); err != nil {
			return err
		}
		r.at, r.skip = r.at+length, 0
	}
	return nil
}

// each calls do with the lines of a batch. length is that of the batch in the file.
func (r *resumed) each(text []byte, length int64) error {
	for at := min(r.skip, int64(len(text))); at < int64(len(text)); {
		line, _, _ := bytes.Cut(text[at:], []byte("\n"))
		at += int64(len(line)) + 1
		next := Mark{r.at, at}
		if at >= int64(len(text)) {
			next = Mark{Batch: r.at + length}
		}
		if err := r.do(line, next); err != nil {
			return err
		}
	}
	return nil
}

// passDamage goes on with the next batch after a damaged one, if there is one.
func (r *resumed) passDamage(ctx context.Context, why error) error {
	if r.damage == nil {
		r.damage = why
	}
	if r.mark == nil {
		return r.close()
	}
	file, err := r.location.OpenAt(ctx, r.name)
	if err != nil {
		return err
	}
	next, err := find(file, r.at+1, file.Size(), r.mark)
	if err != nil {
		return err
	}
	r.at, r.skip = next, 0
	return r.open(ctx)
}

// nextLine reads a line of a file that is not compressed. A last line without a newline
// counts only in a finished file, and only if it is a whole record.
func (r *resumed) nextLine() ([]byte, error) {
	line, err := r.in.ReadBytes('\n')
	switch {
	case err == io.EOF && len(line) > 0 && !r.grows && whole(line):
		r.damage = errNoEnd
		return line, nil
	case err == io.EOF && len(line) > 0:
		return nil, errNoEnd
	}
	return line, err
}

// nextMember decompresses the next gzip member.
func nextMember(in *bufio.Reader, zip *gzip.Reader) ([]byte, error) {
	if _, err := in.Peek(1); err != nil {
		return nil, err
	}
	if err := zip.Reset(in); err != nil {
		return nil, noEOF(err)
	}
	zip.Multistream(false)
	text, err := io.ReadAll(zip)
	return text, noEOF(err)
}

// nextFrame decompresses the next zstd frame (RFC 8878, 3.1.1).
func nextFrame(in *bufio.Reader, decoder *zstd.Decoder) ([]byte, error) {
	head, err := in.Peek(zstd.HeaderMaxSize)
	if len(head) == 0 {
		return nil, err
	}
	var h zstd.Header
	if err := h.Decode(head); err != nil {
		return nil, noEOF(err)
	}
	if h.Skippable {
		return nil, errors.New("it has a frame that is not of lines")
	}
	var frame bytes.Buffer
	take := func(n int64) error {
		_, err := io.CopyN(&frame, in, n)
		return noEOF(err)
	}
	if err := take(int64(h.HeaderSize)); err != nil {
		return nil, err
	}
	for last := false; !last; {
		block, err := in.Peek(3)
		if err != nil {
			return nil, noEOF(err)
		}
		header := binary.LittleEndian.Uint32(append(block[:3:3], 0))
		length := int64(header >> 3)
		if header>>1&3 == 1 { // one byte, repeated
			length = 1
		}
		last = header&1 == 1
		if err := take(3 + length); err != nil {
			return nil, err
		}
	}
	if h.HasCheckSum {
		if err := take(4); err != nil {
			return nil, err
		}
	}
	return decoder.DecodeAll(frame.Bytes(), nil)
}

// noEOF makes an end within a batch differ from the end of the file.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// openFrom opens what follows an offset of a file, and returns nil if nothing does. Unlike
// a folder, a bucket refuses to read past the end.
func (l *Location) openFrom(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	if offset <= 0 {
		return l.Open(ctx, name)
	}
	names := []string{name}
	if final, grows := strings.CutSuffix(name, Growing); grows { // it may have been finished in the meantime
		names = append(names, final)
	}
	for _, name := range names {
		size, err := l.place.size(ctx, name)
		if err == nil && offset >= size {
			return nil, nil
		}
		var file io.ReadCloser
		if err == nil {
			file, err = l.place.open(ctx, name, offset, -1)
		}
		if !errors.Is(err, ErrMissing) {
			if err != nil {
				err = l.trouble("open", name, err)
			}
			return file, err
		}
	}
	return nil, l.trouble("open", name, ErrMissing)
}
