package repair

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// answerHead is the head of an answer, as net/http will read it.
type answerHead struct {
	text    []byte
	status  int  // 0 if unknown
	chunked bool // the body is chunked
}

// field is a header line and the lines that continue it (RFC 9112, 5.2).
type field struct {
	lines []byte
	name  []byte // nil if there is no colon
	value []byte // in one line; nil unless the field is about framing
}

// repairHead returns a head that net/http can read. block is a head that ends in an empty
// line and may be slightly wrong. If nothing needs repair, or the first line is not one of
// HTTP, repairHead returns block itself and notes nothing.
func repairHead(block []byte, notes *fetched.Repairs) answerHead {
	first := lineEnd(block)
	status, ok := parseStatus(trimEnd(block[:first]))
	if !ok {
		return answerHead{text: block}
	}
	var most [32]field // enough for nearly all answers
	fields := fieldsOf(block[first:], most[:0])
	h := answerHead{status: status.code}
	coding, codings := framing(fields, "transfer-encoding")
	chunked := codings == 1 && strings.EqualFold(string(coding), "chunked")
	e := editor{in: block}
	switch {
	case chunked && !status.chunks(): // the message ends its connection (RFC 9112, 6.1)
		status.major, status.minor, status.reason = '1', '1', status.reason+"\r\nConnection: close"
		notes.Add("chunks came with a version of HTTP that has none")
		fallthrough
	case !status.plain:
		e.drop(first)
		e.put([]byte(status.String() + "\r\n"))
		if !status.plain {
			notes.Add(fmt.Sprintf("the status line was %q", clipped(trimEnd(block[:first]))))
		}
	default:
		e.keep(first)
	}
	for _, f := range fields {
		switch {
		case codings == 1 && is(f, "transfer-encoding") && noCoding(string(coding)):
			e.drop(len(f.lines))
			notes.Add(fmt.Sprintf("Transfer-Encoding was %q, and was left out", coding))
			codings = 0
		case is(f, "trailer") && namesFraming(string(f.value)):
			e.drop(len(f.lines))
			notes.Add(fmt.Sprintf("Trailer: %q was left out", clipped(f.value)))
		case codings == 0 && is(f, "content-length") && bytes.IndexByte(f.value, ',') >= 0:
			repairLength(&e, f, notes)
		default:
			repairField(&e, f, notes)
		}
	}
	e.keep(len(e.rest()))
	h.text, _ = e.result()
	h.chunked = chunked
	return h
}

// noCoding reports whether a transfer coding says that the body is not encoded. RFC 2616,
// 3.6 had identity for that; RFC 9112, 7 has nothing.
func noCoding(coding string) bool {
	return coding == "" || strings.EqualFold(coding, "identity") || strings.EqualFold(coding, "none")
}

// namesFraming reports whether a Trailer names a field that is forbidden in trailers (RFC
// 9110, 6.5.1).
func namesFraming(trailer string) bool {
	for _, name := range strings.Split(trailer, ",") {
		switch strings.ToLower(strings.Trim(name, " \t")) {
		case "transfer-encoding", "content-length", "trailer":
			return true
		}
	}
	return false
}

// repairTrailers repairs the trailers after the last chunk. It ends each line in CRLF, as
// net/http expects.
func repairTrailers(block []byte, notes *fetched.Repairs) []byte {
	e := editor{in: block}
	for _, f := range fieldsOf(block, nil) {
		repairField(&e, f, notes)
	}
	e.keep(len(e.rest()))
	text, _ := e.result()
	lines := bytes.SplitAfter(text, []byte("\n"))
	var out []byte
	for _, line := range lines {
		if len(line) > 0 {
			out = append(append(out, trimEnd(line)...), "\r\n"...)
		}
	}
	if !bytes.Equal(out, text) {
		notes.Add("a line of the trailers ended in LF alone")
	}
	return out
}

// statusLine is the first line of an answer (RFC 9112, 4).
type statusLine struct {
	major, minor byte // digits
	code         int
	reason       string
	plain        bool // net/http can read it unchanged
}

func (s statusLine) String() string {
	return fmt.Sprintf("HTTP/%c.%c %03d %s", s.major, s.minor, s.code, s.reason)
}

// chunks reports whether an answer of this version may be chunked (RFC 9112, 6.1).
func (s statusLine) chunks() bool { return s.major > '1' || s.major == '1' && s.minor >= '1' }

// parseStatus parses a status line as leniently as curl and browsers do. It accepts HTTP in
// any case, any white space between the parts, and none before the reason. HTTP/2 or HTTP/3
// in a status line on an HTTP/1 connection is read as HTTP/1.1.
func parseStatus(line []byte) (s statusLine, ok bool) {
	version := len("HTTP/x.y")
	switch {
	case len(line) < len("HTTP/x 200") || !strings.EqualFold(string(line[:5]), "http/") || !digits(line[5:6]):
		return s, false
	case line[6] == '.' && digits(line[7:8]):
		s.major, s.minor = line[5], line[7]
	case line[5] == '2' || line[5] == '3':
		s.major, s.minor, version = '1', '1', len("HTTP/x")
	default:
		return s, false
	}
	rest := bytes.TrimLeft(line[version:], " \t")
	if len(rest) == len(line)-version || len(rest) < 3 || !digits(rest[:3]) || len(rest) > 3 && digits(rest[3:4]) {
		return s, false
	}
	s.code, _ = strconv.Atoi(string(rest[:3]))
	s.reason = string(bytes.TrimLeft(rest[3:], " \t"))
	between := line[version : len(line)-len(rest)]
	s.plain = version == len("HTTP/x.y") && string(line[:5]) == "HTTP/" && len(bytes.Trim(between, " ")) == 0 &&
		(len(rest) == 3 || rest[3] == ' ')
	return s, true
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// fieldsOf appends the fields of a block to fields, up to its empty line.
func fieldsOf(block []byte, fields []field) []field {
	for len(block) > 0 {
		end := lineEnd(block)
		if len(trimEnd(block[:end])) == 0 {
			break
		}
		first := end
		for end < len(block) && (block[end] == ' ' || block[end] == '\t') {
			end += lineEnd(block[end:])
		}
		f := field{lines: block[:end]}
		if colon := bytes.IndexByte(block[:first], ':'); colon >= 0 {
			f.name = block[:colon:colon]
			if is(f, "content-length") || is(f, "transfer-encoding") || is(f, "trailer") {
				f.value = unfolded(block[colon+1 : end])
			}
		}
		fields = append(fields, f)
		block = block[end:]
	}
	return fields
}

// is reports whether a field has the given name, which must be in lower case.
func is(f field, name string) bool {
	return len(f.name) == len(name) && strings.EqualFold(string(f.name), name)
}

// unfolded returns the value of a field in one line, without surrounding white space.
func unfolded(value []byte) []byte {
	if end := lineEnd(value); end == len(value) {
		return bytes.Trim(trimEnd(value), " \t")
	}
	var parts [][]byte
	for len(value) > 0 {
		end := lineEnd(value)
		parts = append(parts, bytes.Trim(trimEnd(value[:end]), " \t"))
		value = value[end:]
	}
	return bytes.Trim(bytes.Join(parts, []byte(" ")), " ")
}

// framing returns the value of the first field with a name, and the number of such fields.
func framing(fields []field, name string) (value []byte, n int) {
	for _, f := range fields {
		if is(f, name) {
			if n++; n == 1 {
				value = f.value
			}
		}
	}
	return value, n
}

// repairLength replaces a list of equal lengths by one of them (RFC 9110, 8.6). If they
// differ, it leaves them for net/http to refuse.
func repairLength(e *editor, f field, notes *fetched.Repairs) {
	var length string
	for _, part := range strings.Split(string(f.value), ",") {
		part = strings.Trim(part, " \t")
		if part == "" { // empty list elements are ignored (RFC 9110, 5.6.1.2)
			continue
		}
		if !digits([]byte(part)) || length != "" && part != length {
			e.keep(len(f.lines))
			return
		}
		length = part
	}
	if length == "" {
		e.keep(len(f.lines))
		return
	}
	e.drop(len(f.lines))
	e.put([]byte("Content-Length: " + length + "\r\n"))
	notes.Add(fmt.Sprintf("Content-Length was %q", clipped(f.value)))
}

// repairField removes a line that is not a field, and replaces characters that are
// forbidden in values by spaces (RFC 9110, 5.5).
func repairField(e *editor, f field, notes *fetched.Repairs) {
	n := len(f.lines)
	shown := clipped(trimEnd(f.lines[:lineEnd(f.lines)]))
	switch {
	case f.lines[0] == ' ' || f.lines[0] == '\t':
		notes.Add(fmt.Sprintf("a line was left out that continues none: %q", shown))
	case f.name == nil:
		notes.Add(fmt.Sprintf("a header line without a colon was left out: %q", shown))
	case len(f.name) == 0:
		notes.Add(fmt.Sprintf("a header line without a name was left out: %q", shown))
	case !nameLike(f.name):
		notes.Add(fmt.Sprintf("a header line was left out whose name has characters that no name has: %q", shown))
	default:
		if spaced, changed := withoutControls(f.lines); changed {
			notes.Add(fmt.Sprintf("control characters of a header became spaces: %q", shown))
			e.drop(n)
			e.put(spaced)
			return
		}
		e.keep(n)
		return
	}
	e.drop(n)
}

// nameLike reports whether net/http accepts a header name: a token (RFC 9110, 5.6.2), or
// one with spaces, which has no meaning to anyone.
func nameLike(name []byte) bool {
	for _, b := range name {
		if b != ' ' && !tokenBytes[b] {
			return false
		}
	}
	return true
}

// tokenBytes are the bytes that may be in a token.
var tokenBytes = func() (is [256]bool) {
	for b := range is {
		is[b] = httpguts.IsTokenRune(rune(b))
	}
	return is
}()

// withoutControls replaces control characters by spaces, and reports whether there were
// any. Line ends and tabs are allowed.
func withoutControls(lines []byte) (spaced []byte, changed bool) {
	for i, b := range lines {
		end := b == '\n' || b == '\r' && i+1 < len(lines) && lines[i+1] == '\n'
		if b >= ' ' && b != 0x7f || b == '\t' || end {
			continue
		}
		if !changed {
			spaced, changed = bytes.Clone(lines), true
		}
		spaced[i] = ' '
	}
	return spaced, changed
}

// lineEnd returns the end of the first line, including its LF.
func lineEnd(b []byte) int {
	if n := bytes.IndexByte(b, '\n'); n >= 0 {
		return n + 1
	}
	return len(b)
}

// trimEnd returns a line without its LF or CRLF.
func trimEnd(line []byte) []byte {
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
}

// clipped returns the beginning of b, short enough for a note.
func clipped(b []byte) []byte {
	const most = 60
	return b[:min(len(b), most)]
}

// EmptyLine returns the end of the first empty line, or 0. As in net/http, lines end in LF,
// with or without a CR before it.
func EmptyLine(b []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return 0
		}
		line := b[at : at+n]
		at += n + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return at
		}
	}
}
