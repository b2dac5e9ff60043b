package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

const (
	maxHead    = 1 << 20  // bytes of the head of a record or a response
	bufferSize = 16 << 10 // bytes; most heads are much smaller
)

// record is a record of a WARC file, of any version.
type record struct {
	header http.Header
	block  *bufio.Reader // as many bytes as the record says, or fewer if it was cut off
}

// readRecord reads the head of a record, which may be compressed.
func readRecord(r io.Reader) (*record, error) {
	in := bufio.NewReaderSize(r, bufferSize)
	if magic, err := in.Peek(2); err != nil {
		return nil, err
	} else if magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(in)
		if err != nil {
			return nil, err
		}
		zip.Multistream(false)
		in = bufio.NewReaderSize(zip, bufferSize)
	}
	version, header, err := readHead(in)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(version, "WARC/1.") {
		return nil, fmt.Errorf("%q is not a version of WARC", version[:min(len(version), 80)])
	}
	length, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil || length < 0 {
		return nil, fmt.Errorf("the record has Content-Length %q", header.Get("Content-Length"))
	}
	return &record{header, bufio.NewReaderSize(io.LimitReader(in, length), bufferSize)}, nil
}

// readHead reads a first line and fields up to an empty line. It accepts what servers send
// and net/http refuses: lines without a colon are skipped, folded lines are joined.
func readHead(in *bufio.Reader) (first string, fields http.Header, err error) {
	fields = make(http.Header)
	last := ""
	for n, at := 0, 0; ; n++ {
		line, err := readLine(in, maxHead-at)
		at += len(line)
		if err != nil && (err != io.EOF || len(line) == 0) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return "", nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		switch name, value, ok := bytes.Cut(line, []byte(":")); {
		case n == 0:
			first = string(line)
		case len(line) == 0:
			return first, fields, nil
		case (line[0] == ' ' || line[0] == '\t') && last != "":
			values := fields[last]
			values[len(values)-1] += " " + string(bytes.TrimSpace(line))
		case ok:
			last = http.CanonicalHeaderKey(string(bytes.TrimSpace(name)))
			fields[last] = append(fields[last], string(bytes.TrimSpace(value)))
		}
		if err == io.EOF {
			return first, fields, nil
		}
	}
}

// readLine reads a line of at most some bytes. It is valid until the next one is read. At the
// end of in, the error is io.EOF, and the line may lack its end.
func readLine(in *bufio.Reader, most int) ([]byte, error) {
	line, err := in.ReadSlice('\n')
	for long := []byte(nil); ; {
		if len(long)+len(line) > most {
			return nil, errors.New("the head is larger than 1 MiB")
		}
		if long == nil && !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if long = append(long, line...); !errors.Is(err, bufio.ErrBufferFull) {
			return long, err
		}
		line, err = in.ReadSlice('\n')
	}
}
