package validators

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// maxUnchanged is how often in a row a server may say that a page has not changed. Then the page
// is fetched whole, so that a server that always says so does not hide changes forever.
const maxUnchanged = 30

// Index finds what is known of a URL from an earlier fetch. It is safe for concurrent use.
//
// It takes 16 bytes on disk for each page, besides the lines, and some hundred kilobytes of
// memory. Looking up a page reads a few blocks of the file, which the system usually caches.
type Index struct {
	cfg     Config
	data    *data
	outputs []string // by the first byte of a line

	mu    sync.RWMutex
	table *table
	fresh map[uint64]line // lines that were added since the table was made
	own   byte            // number of the job's own output, counted from 1; 0: it is not in outputs yet
}

// Len returns about how many pages are known.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return int(x.table.size) + len(x.fresh)
}

// Find returns what is known of a URL; nil if nothing is known. The error says that the files of
// the index cannot be read.
func (x *Index) Find(u crawler.URL) (*fetched.Earlier, error) {
	at, ok, err := x.lookUp(fingerprint(u.String()))
	if !ok || err != nil {
		return nil, err
	}
	text, err := x.data.line(at)
	if err != nil {
		return nil, err
	}
	var l Line
	if err := json.Unmarshal(text[1:], &l); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLine, err)
	}
	if l.URL != u.String() { // another URL with the same fingerprint
		return nil, nil
	}
	e, err := l.Earlier()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLine, err)
	}
	if e.Record.Output == "" {
		e.Record.Output = x.output(text[0])
	}
	if l.Reading != x.cfg.Reading || l.Unchanged >= maxUnchanged || x.cfg.Archive && l.Capture == nil {
		e.ETag, e.LastModified, e.Document = "", "", nil
	}
	return e, nil
}

func (x *Index) output(number byte) string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.outputs[number]
}

func (x *Index) lookUp(url uint64) (line, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if at, ok := x.fresh[url]; ok {
		return at, true, nil
	}
	return x.table.find(url)
}

// maxFresh is how many added lines are kept in memory, at about 40 bytes each, before they become
// part of the table.
const maxFresh = 1 << 17

// Add adds a line of the job's own output. Its record must be there for good.
func (x *Index) Add(l Line) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.own == 0 {
		if at := slices.Index(x.outputs, ""); at >= 0 {
			x.own = byte(at) + 1
		} else {
			x.outputs = append(x.outputs, "")
			x.own = byte(len(x.outputs))
		}
	}
	at, err := x.data.add([]byte{x.own - 1}, text)
	if err != nil {
		return err
	}
	if x.fresh[fingerprint(l.URL)] = at; len(x.fresh) < maxFresh {
		return nil
	}
	return x.merge()
}

// merge makes a new table with the lines that were added.
func (x *Index) merge() error {
	t, err := x.table.with(x.cfg.Dir, x.fresh)
	if err != nil {
		return err
	}
	was := x.table
	x.table = t
	clear(x.fresh)
	return was.close()
}

// Close frees the files of the index. Find must not be called any more.
func (x *Index) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return errors.Join(x.table.close(), x.data.close())
}

// table is a file of fingerprints, sorted, each with the position of its line.
type table struct {
	file *os.File
	out  *bufio.Writer // nil once it is complete
	size int64         // entries
}

const entrySize = 16 // bytes

func newTable(dir string) (*table, error) {
	file, err := scratch(dir)
	if err != nil {
		return nil, err
	}
	return &table{file: file, out: bufio.NewWriterSize(file, 64<<10)}, nil
}

// add appends an entry, whose fingerprint must be greater than those before.
func (t *table) add(url uint64, l line) error {
	var b [entrySize]byte
	binary.BigEndian.PutUint64(b[:], url)
	binary.BigEndian.PutUint64(b[8:], uint64(l))
	t.size++
	_, err := t.out.Write(b[:])
	return tableError(err)
}

func (t *table) flush() error {
	err := t.out.Flush()
	t.out = nil
	return tableError(err)
}

func tableError(err error) error {
	if err != nil {
		return fmt.Errorf("index what is known of earlier fetches: %w", err)
	}
	return nil
}

// nearby is how many entries are read at once when a search has come close.
const nearby = 256

// find looks up a fingerprint by bisection.
func (t *table) find(url uint64) (line, bool, error) {
	low, high := int64(0), t.size // it is in [low, high)
	var one [entrySize]byte
	for high-low > nearby {
		middle := (low + high) / 2
		if _, err := t.file.ReadAt(one[:], middle*entrySize); err != nil {
			return 0, false, tableError(err)
		}
		if binary.BigEndian.Uint64(one[:]) <= url {
			low = middle
		} else {
			high = middle
		}
	}
	some := make([]byte, (high-low)*entrySize)
	if _, err := t.file.ReadAt(some, low*entrySize); err != nil && err != io.EOF {
		return 0, false, tableError(err)
	}
	for ; len(some) > 0; some = some[entrySize:] {
		if binary.BigEndian.Uint64(some) == url {
			return line(binary.BigEndian.Uint64(some[8:])), true, nil
		}
	}
	return 0, false, nil
}

// with returns a table that has more entries, which replace those with the same fingerprint.
func (t *table) with(dir string, more map[uint64]line) (*table, error) {
	fresh := make([]uint64, 0, len(more))
	for url := range more {
		fresh = append(fresh, url)
	}
	slices.Sort(fresh)
	out, err := newTable(dir)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(t.file, 0, t.size*entrySize), 64<<10)
	var one [entrySize]byte
	for range t.size {
		if _, err := io.ReadFull(in, one[:]); err != nil {
			return nil, errors.Join(tableError(err), out.close())
		}
		url := binary.BigEndian.Uint64(one[:])
		for len(fresh) > 0 && fresh[0] < url {
			err = errors.Join(err, out.add(fresh[0], more[fresh[0]]))
			fresh = fresh[1:]
		}
		if len(fresh) > 0 && fresh[0] == url {
			continue
		}
		err = errors.Join(err, out.add(url, line(binary.BigEndian.Uint64(one[8:]))))
	}
	for _, url := range fresh {
		err = errors.Join(err, out.add(url, more[url]))
	}
	if err = errors.Join(err, out.flush()); err != nil {
		return nil, errors.Join(err, out.close())
	}
	return out, nil
}

func (t *table) close() error {
	if t == nil {
		return nil
	}
	return t.file.Close()
}
