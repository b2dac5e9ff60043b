package validators

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Bounds of the blocks of a file of lines.
const (
	blockSize   = 64 << 10 // bytes of lines after which a block is full
	maxInBlock  = 1 << 16
	cachedBytes = 8 * blockSize // about how many bytes of blocks are kept decompressed
)

// data is a file of lines that a process keeps for itself, in compressed blocks. The file has no
// name, so nothing of it remains when the process ends. It is safe for concurrent use.
type data struct {
	file *os.File
	pack *zstd.Encoder
	read *zstd.Decoder

	mu     sync.RWMutex
	size   int64   // of the blocks in the file
	open   block   // the next one, which is not full
	cached []block // blocks of the file that were read last, the oldest first
	bytes  int     // of the cached blocks
}

// block is a part of the lines, by its offset in the file.
type block struct {
	at    int64
	text  []byte
	lines []int // offset of each line in text, and the end
}

// line is the position of a line: the offset of its block, and its number there.
type line uint64

func lineAt(block int64, n int) line { return line(block)<<16 | line(n) }

func (l line) block() int64 { return int64(l >> 16) }
func (l line) number() int  { return int(l & (maxInBlock - 1)) }

// scratch returns a new file in dir that has no name.
func scratch(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, ".validators-*")
	if err != nil {
		return nil, fmt.Errorf("keep what is known of earlier fetches: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func newData(dir string) (*data, error) {
	file, err := scratch(dir)
	if err != nil {
		return nil, err
	}
	d := &data{file: file}
	d.pack, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(blockSize), zstd.WithLowerEncoderMem(true))
	if err == nil {
		d.read, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(2))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return d, nil
}

// add appends a line that consists of parts.
func (d *data) add(parts ...[]byte) (line, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.open.text) >= blockSize || len(d.open.lines) >= maxInBlock {
		if err := d.flush(); err != nil {
			return 0, err
		}
	}
	if len(d.open.lines) == 0 {
		d.open.lines = append(d.open.lines, 0)
	}
	for _, part := range parts {
		d.open.text = append(d.open.text, part...)
	}
	d.open.lines = append(d.open.lines, len(d.open.text))
	return lineAt(d.size, len(d.open.lines)-2), nil
}

// flush writes the open block. The head of a block has the lengths of its compressed text, of its
// text, and the number of its lines; the lengths of the lines come before the text.
func (d *data) flush() error {
	var lengths []byte
	for i, end := range d.open.lines[1:] {
		lengths = binary.AppendUvarint(lengths, uint64(end-d.open.lines[i]))
	}
	out := binary.LittleEndian.AppendUint32(nil, 0)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(d.open.lines)-1))
	out = d.pack.EncodeAll(append(lengths, d.open.text...), out)
	binary.LittleEndian.PutUint32(out, uint32(len(out)-blockHead))
	if _, err := d.file.WriteAt(out, d.size); err != nil {
		return fmt.Errorf("keep what is known of earlier fetches: %w", err)
	}
	d.size += int64(len(out))
	d.open = block{at: d.size, text: d.open.text[:0], lines: d.open.lines[:0]}
	return nil
}

const blockHead = 8 // bytes

// line returns a copy of a line.
func (d *data) line(l line) ([]byte, error) {
	d.mu.RLock()
	if found, ok := d.held(l); ok {
		d.mu.RUnlock()
		return found, nil
	}
	d.mu.RUnlock()
	b, err := d.load(l.block())
	if err != nil {
		return nil, err
	}
	text, err := b.line(l.number())
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cached, d.bytes = append(d.cached, b), d.bytes+len(b.text)
	for d.bytes > cachedBytes && len(d.cached) > 1 {
		d.bytes -= len(d.cached[0].text)
		d.cached = d.cached[1:]
	}
	return text, nil
}

// held returns a copy of a line that is in memory.
func (d *data) held(l line) ([]byte, bool) {
	for i := range d.cached {
		if d.cached[i].at == l.block() {
			text, err := d.cached[i].line(l.number())
			return text, err == nil
		}
	}
	if l.block() == d.size && len(d.open.lines) > 0 {
		text, err := d.open.line(l.number())
		return text, err == nil
	}
	return nil, false
}

func (b block) line(n int) ([]byte, error) {
	if n+1 >= len(b.lines) {
		return nil, fmt.Errorf("the file of earlier fetches has no line %d at %d", n, b.at)
	}
	return append([]byte(nil), b.text[b.lines[n]:b.lines[n+1]]...), nil
}

// load reads a block of the file.
func (d *data) load(at int64) (block, error) {
	head := make([]byte, blockHead)
	if _, err := d.file.ReadAt(head, at); err != nil {
		return block{}, fmt.Errorf("read what is known of earlier fetches: %w", err)
	}
	packed := make([]byte, binary.LittleEndian.Uint32(head))
	if _, err := d.file.ReadAt(packed, at+blockHead); err != nil {
		return block{}, fmt.Errorf("read what is known of earlier fetches: %w", err)
	}
	text, err := d.read.DecodeAll(packed, nil)
	if err != nil {
		return block{}, fmt.Errorf("read what is known of earlier fetches: %w", err)
	}
	n := int(binary.LittleEndian.Uint32(head[4:]))
	b := block{at: at, lines: make([]int, 1, n+1)}
	for range n {
		length, read := binary.Uvarint(text)
		text = text[max(0, read):]
		b.lines = append(b.lines, b.lines[len(b.lines)-1]+int(length))
	}
	if b.text = text; len(text) != b.lines[n] {
		return block{}, fmt.Errorf("the file of earlier fetches is damaged at %d", at)
	}
	return b, nil
}

func (d *data) close() error {
	d.read.Close()
	return errors.Join(d.pack.Close(), d.file.Close())
}
