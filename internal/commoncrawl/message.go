package commoncrawl

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httputil"
	"net/textproto"
	"strings"

	"github.com/trawlcrawler/trawl/internal/warc"
)

// message is an HTTP response as a record contains it (RFC 9112, 2.1).
type message struct {
	version, status, reason string       // of the status line
	lines                   []warc.Field // header lines in their order, with the names as written
	header                  http.Header  // the same, by canonical name
	headLength              int64        // bytes up to and with the empty line
	entity                  []byte       // what follows, with its codings
}

// readMessage reads a block. It skips header lines that are not valid: what a server sent was
// recorded as it is.
func readMessage(block []byte) message {
	m := message{header: make(http.Header)}
	rest := block
	for first := true; len(rest) > 0; first = false {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		text := strings.TrimSuffix(string(line), "\r")
		if first {
			m.statusLine(text)
			continue
		}
		if text == "" {
			break
		}
		m.headerLine(text)
	}
	m.headLength, m.entity = int64(len(block)-len(rest)), rest
	for _, f := range m.lines {
		name := textproto.CanonicalMIMEHeaderKey(f.Name)
		m.header[name] = append(m.header[name], f.Value)
	}
	return m
}

func (m *message) statusLine(line string) {
	var rest string
	m.version, rest, _ = strings.Cut(line, " ")
	m.status, m.reason, _ = strings.Cut(strings.TrimSpace(rest), " ")
}

// headerLine adds a line, or continues the one before it (RFC 9112, 5.2).
func (m *message) headerLine(line string) {
	if strings.ContainsAny(line[:1], " \t") {
		if n := len(m.lines); n > 0 {
			m.lines[n-1].Value = strings.TrimSpace(m.lines[n-1].Value + " " + strings.TrimSpace(line))
		}
		return
	}
	if name, value, ok := strings.Cut(line, ":"); ok {
		m.lines = append(m.lines, warc.Field{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
}

// payload returns the entity without transfer coding. Of chunks that break off, it returns
// what came before.
func (m *message) payload() []byte {
	coding := strings.ToLower(strings.Join(m.header["Transfer-Encoding"], ","))
	if !strings.Contains(coding, "chunked") {
		return m.entity
	}
	chunks := httputil.NewChunkedReader(bufio.NewReader(bytes.NewReader(m.entity)))
	whole, err := io.ReadAll(chunks)
	if err != nil && len(whole) == 0 {
		return m.entity
	}
	return whole
}
