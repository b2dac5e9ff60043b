package warctest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/base32"
	"fmt"
	"io"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Record is one record of a file.
type Record struct {
	File   string // its name without the folder
	Offset int64
	Length int64 // of the gzip member
	Head   string
	Fields map[string][]string // by name in lower case
	Block  []byte
	HTTP   *Message // in the block; nil if there is no HTTP message
}

// Get returns the value of a field, or "".
func (r *Record) Get(name string) string {
	if values := r.Fields[strings.ToLower(name)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Type returns the WARC-Type.
func (r *Record) Type() string { return r.Get("WARC-Type") }

// String describes the record.
func (r *Record) String() string {
	return fmt.Sprintf("%s:%d: %s %s", r.File, r.Offset, r.Type(), r.Get("WARC-Target-URI"))
}

// Message is an HTTP message.
type Message struct {
	First   string              // the request or status line
	Head    string              // with the empty line
	Fields  map[string][]string // by name in lower case
	Body    []byte              // as in the block
	Payload []byte              // the body without transfer coding
}

// Digest returns the SHA-1 of some bytes as WARC writes it.
func Digest(b []byte) string {
	sum := sha1.Sum(b)
	return "sha1:" + base32.StdEncoding.EncodeToString(sum[:])
}

// Archive is the finished WARC files of a folder, with those of texts and metadata.
type Archive struct {
	Dir     string
	Files   []string // names
	Sizes   map[string]int64
	Records []*Record
	// Earlier are the archives of earlier crawls, whose responses revisits may refer to.
	Earlier []*Archive
}

// Open reads all finished files of a folder. It fails the test unless each gzip member is exactly
// one complete record.
func Open(t testing.TB, dir string) *Archive {
	t.Helper()
	a := &Archive{Dir: dir, Sizes: make(map[string]int64)}
	var paths []string
	for _, pattern := range []string{"*.warc.gz", "*.warc.w[ae]t.gz"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		a.Files = append(a.Files, name)
		a.Sizes[name] = int64(len(data))
		a.read(t, name, data)
	}
	return a
}

func (a *Archive) read(t testing.TB, name string, data []byte) {
	t.Helper()
	in := bytes.NewReader(data)
	for in.Len() > 0 {
		at := int64(len(data) - in.Len())
		text, err := member(in)
		if err != nil {
			t.Fatalf("%s:%d: not a complete gzip member: %v", name, at, err)
		}
		r, err := parse(text)
		if err != nil {
			t.Fatalf("%s:%d: %v", name, at, err)
		}
		r.File, r.Offset, r.Length = name, at, int64(len(data)-in.Len())-at
		a.Records = append(a.Records, r)
	}
}

// member reads one gzip member, and nothing after it.
func member(in *bytes.Reader) ([]byte, error) {
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	zip.Multistream(false)
	return io.ReadAll(zip)
}

// parse parses a record with nothing after it.
func parse(text []byte) (*Record, error) {
	head, rest, ok := bytes.Cut(text, []byte("\r\n\r\n"))
	if !ok {
		return nil, fmt.Errorf("the header of a record has no end: %.100q", text)
	}
	r := &Record{Head: string(head) + "\r\n\r\n"}
	version, lines, _ := strings.Cut(string(head)+"\r\n", "\r\n")
	if version != "WARC/1.1" {
		return nil, fmt.Errorf("a record begins with %q, not WARC/1.1", version)
	}
	var err error
	if r.Fields, err = parseFields(lines, "\r\n"); err != nil {
		return nil, err
	}
	length, err := strconv.Atoi(r.Get("Content-Length"))
	if err != nil || len(rest) != length+4 || string(rest[length:]) != "\r\n\r\n" {
		return nil, fmt.Errorf("Content-Length is %q, but %d bytes follow, which end in %.10q", r.Get("Content-Length"),
			len(rest), rest[max(0, len(rest)-4):])
	}
	r.Block = rest[:length]
	if strings.HasPrefix(r.Get("Content-Type"), "application/http") {
		r.HTTP, err = parseMessage(r)
	}
	return r, err
}

// parseFields reads lines of names and values.
func parseFields(lines, end string) (map[string][]string, error) {
	fields := make(map[string][]string)
	for line := range strings.SplitSeq(strings.TrimSuffix(lines, end), end) {
		if line == "" && lines == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(line, "\r\n") || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("not a header line: %q", line)
		}
		name = strings.ToLower(name)
		fields[name] = append(fields[name], strings.TrimSpace(value))
	}
	return fields, nil
}

// parseMessage reads the HTTP message in the block of a record. Its lines may end in LF alone and
// be folded, as servers send them.
func parseMessage(r *Record) (*Message, error) {
	in := bufio.NewReader(bytes.NewReader(r.Block))
	m := &Message{Fields: make(map[string][]string)}
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("the HTTP head has no end: %.100q", r.Block)
		}
		m.Head += line
		line = strings.TrimRight(line, "\r\n")
		switch name, value, ok := strings.Cut(line, ":"); {
		case line == "" && m.First != "":
			m.Body, _ = io.ReadAll(in)
			m.Payload = payload(m)
			return m, nil
		case m.First == "":
			m.First = line
		case ok && line[0] != ' ' && line[0] != '\t':
			name = strings.ToLower(name)
			m.Fields[name] = append(m.Fields[name], strings.TrimSpace(value))
		}
	}
}

// payload returns a body without chunked framing, as far as it goes.
func payload(m *Message) []byte {
	if !strings.EqualFold(strings.Join(m.Fields["transfer-encoding"], ","), "chunked") {
		return m.Body
	}
	text, _ := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(m.Body)))
	return text
}
