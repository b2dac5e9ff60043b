package redisd

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The command log is a file of records, each of which was carried out as a whole:
//
//	header   "trawl redis log 1\n"; the number is the format's
//	record   length of the payload (4 bytes), its CRC-32C (4 bytes), payload; little-endian
//	payload  Unix time in microseconds (8 bytes), commands until the end
//	command  number of words, then each as length and bytes; numbers are varints
//
// The time is the clock of the record's commands. A record whose end is missing is what a
// killed process was writing: no one was told that it was carried out.
const (
	logName      = "commands.log"
	logTitle     = "trawl redis log "
	logFormat    = "1"
	logHeader    = logTitle + logFormat + "\n"
	recordHead   = 8
	payloadHead  = 8
	maxLogHeader = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// record is a record under construction. Reset it before use.
type record []byte

// reset empties the record and sets its time.
func (r *record) reset(at time.Time) {
	*r = append((*r)[:0], make([]byte, recordHead)...)
	*r = binary.LittleEndian.AppendUint64(*r, uint64(at.UnixMicro()))
}

// empty reports whether the record has no commands.
func (r record) empty() bool { return len(r) <= recordHead+payloadHead }

// add appends a command.
func (r *record) add(name string, args ...string) {
	b := binary.AppendUvarint(*r, uint64(1+len(args)))
	b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
	for _, arg := range args {
		b = append(binary.AppendUvarint(b, uint64(len(arg))), arg...)
	}
	*r = b
}

// seal completes the record, and returns it as it is written.
func (r record) seal() []byte {
	payload := r[recordHead:]
	binary.LittleEndian.PutUint32(r, uint32(len(payload)))
	binary.LittleEndian.PutUint32(r[4:], crc32.Checksum(payload, castagnoli))
	return r
}

// errMalformed means that a payload with a correct checksum is not what add writes.
var errMalformed = errors.New("a record is malformed")

// commandsOf returns the commands of a payload, and their clock.
func commandsOf(payload []byte) (at time.Time, commands [][]string, err error) {
	if len(payload) < payloadHead {
		return at, nil, errMalformed
	}
	at = time.UnixMicro(int64(binary.LittleEndian.Uint64(payload)))
	rest := payload[payloadHead:]
	number := func() (uint64, bool) {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(payload)) {
			return 0, false
		}
		rest = rest[size:]
		return n, true
	}
	for len(rest) > 0 {
		count, ok := number()
		if !ok || count == 0 {
			return at, nil, errMalformed
		}
		words := make([]string, count)
		for i := range words {
			size, ok := number()
			if !ok || size > uint64(len(rest)) {
				return at, nil, errMalformed
			}
			words[i], rest = string(rest[:size]), rest[size:]
		}
		commands = append(commands, words)
	}
	return at, commands, nil
}

// commandLog is an open log. It is not safe for concurrent use, but sync may be called at
// any time.
type commandLog struct {
	path string
	file *os.File
	size int64 // of what is whole

	// unwritten is what could not be written; it comes first when there is room again.
	unwritten []byte
	// next is the log that is going to replace this one, if it is being rewritten. It
	// receives all records as well.
	next     *os.File
	nextSize int64
}

// openLog opens the log in a folder, creating it if it is missing, and calls do for each
// record in it. It cuts off a torn record at the end, and says how many bytes that were.
func openLog(dir string, do func(at time.Time, commands [][]string)) (l *commandLog, torn int64, err error) {
	path := filepath.Join(dir, logName)
	os.Remove(newLog(path)) // a rewriting that was killed
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	l = &commandLog{path: path, file: f}
	if torn, err = l.load(do); err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("the log of the built-in Redis %q: %w", path, err)
	}
	return l, torn, nil
}

func newLog(path string) string { return path + ".new" }

// load reads the log, and leaves it ready for more.
func (l *commandLog) load(do func(at time.Time, commands [][]string)) (torn int64, err error) {
	stat, err := l.file.Stat()
	if err != nil {
		return 0, err
	}
	in := bufio.NewReaderSize(l.file, 1<<20)
	if err := l.begin(in, stat.Size()); err != nil {
		return 0, err
	}
	for l.size < stat.Size() {
		payload, err := readRecord(in, stat.Size()-l.size)
		if errors.Is(err, errTorn) {
			break
		}
		if err == nil {
			err = eachRecord(payload, do)
		}
		if err != nil {
			return 0, fmt.Errorf("it is damaged at byte %d of %d: %w; start over, or cut it there (truncate -s %d), which forgets what came later",
				l.size, stat.Size(), err, l.size)
		}
		l.size += int64(recordHead + len(payload))
	}
	return max(0, stat.Size()-l.size), l.file.Truncate(l.size)
}

func eachRecord(payload []byte, do func(at time.Time, commands [][]string)) error {
	at, commands, err := commandsOf(payload)
	if err == nil {
		do(at, commands)
	}
	return err
}

// begin reads the header, and writes one if the file is new.
func (l *commandLog) begin(in *bufio.Reader, size int64) error {
	head, _ := in.Peek(int(min(size, maxLogHeader)))
	if len(head) < len(logHeader) && strings.HasPrefix(logHeader, string(head)) {
		l.size = int64(len(logHeader))
		_, err := l.file.WriteAt([]byte(logHeader), 0)
		return err
	}
	title, _, _ := strings.Cut(string(head), "\n")
	switch format, ok := strings.CutPrefix(title, logTitle); {
	case !ok:
		return fmt.Errorf("it begins with %q, and not with %q: it is another file, or damaged; start over", title,
			logTitle+logFormat)
	case format != logFormat:
		return fmt.Errorf("its format is %q, and this version of trawl reads %q: use the version that wrote it, or start over", format, logFormat)
	}
	l.size = int64(len(logHeader))
	_, err := in.Discard(len(logHeader))
	return err
}

var errTorn = errors.New("the last record is not whole")

// readRecord reads the payload of the next record, of a log that has so many bytes left. The
// error is errTorn if only the end of the log can be missing or wrong.
func readRecord(in *bufio.Reader, left int64) ([]byte, error) {
	if left < recordHead {
		return nil, errTorn
	}
	var head [recordHead]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, err
	}
	size := int64(binary.LittleEndian.Uint32(head[:]))
	if size > left-recordHead {
		return nil, errTorn
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(in, payload); err != nil {
		return nil, err
	}
	if size > 0 && crc32.Checksum(payload, castagnoli) == binary.LittleEndian.Uint32(head[4:]) {
		return payload, nil
	}
	if size == left-recordHead || size == 0 && allZero(head[:], in) {
		return nil, errTorn // a file system may leave zeros where a power failure lost data
	}
	return nil, errors.New("the checksum of a record is wrong")
}

// allZero reports whether head and everything that follows is zero.
func allZero(head []byte, in *bufio.Reader) bool {
	zero := func(b []byte) bool { return len(bytes.Trim(b, "\x00")) == 0 }
	buffer := make([]byte, 1<<16)
	for zero(head) {
		n, err := in.Read(buffer)
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		head = buffer[:n]
	}
	return false
}

// flush writes what could not be written before.
func (l *commandLog) flush() error {
	if len(l.unwritten) == 0 {
		return nil
	}
	if _, err := l.file.WriteAt(l.unwritten, l.size); err != nil {
		return err
	}
	l.size += int64(len(l.unwritten))
	l.unwritten = l.unwritten[:0]
	return nil
}

// append writes a sealed record. If that fails, the log keeps it in memory for flush, and
// what is written of it counts as torn. The caller must not append before flush succeeds.
func (l *commandLog) append(sealed []byte) error {
	if l.next != nil {
		l.appendNext(sealed)
	}
	if _, err := l.file.WriteAt(sealed, l.size); err != nil {
		l.unwritten = append(l.unwritten, sealed...)
		return err
	}
	l.size += int64(len(sealed))
	return nil
}

// appendNext writes a record to the next log. If that fails, the next log is given up.
func (l *commandLog) appendNext(sealed []byte) {
	if _, err := l.next.WriteAt(sealed, l.nextSize); err != nil {
		l.giveUpNext()
		return
	}
	l.nextSize += int64(len(sealed))
}

// rewrite begins the next log, with the records that snapshot emits.
func (l *commandLog) rewrite(snapshot func(emit func(sealed []byte) error) error) error {
	f, err := os.OpenFile(newLog(l.path), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	size, err := out.WriteString(logHeader)
	l.next, l.nextSize = f, int64(size)
	if err == nil {
		err = snapshot(func(sealed []byte) error {
			n, err := out.Write(sealed)
			l.nextSize += int64(n)
			return err
		})
	}
	if err = errors.Join(err, out.Flush()); err != nil {
		l.giveUpNext()
	}
	return err
}

// giveUpNext abandons the rewriting.
func (l *commandLog) giveUpNext() {
	l.next.Close()
	l.next = nil
	os.Remove(newLog(l.path))
}

// replace puts the next log, which is on disk, in the place of this one. It does nothing if
// the next log was given up.
func (l *commandLog) replace() error {
	if l.next == nil {
		return nil
	}
	if err := os.Rename(newLog(l.path), l.path); err != nil {
		l.giveUpNext()
		return err
	}
	l.file.Close()
	l.file, l.size, l.unwritten = l.next, l.nextSize, nil
	l.next = nil
	return nil
}

// close closes the log.
func (l *commandLog) close() error {
	if l.next != nil {
		l.giveUpNext()
	}
	return errors.Join(l.flush(), l.file.Sync(), l.file.Close())
}

// syncDir makes a rename in a folder outlast a power failure. Not all systems can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		d.Close()
	}
}
