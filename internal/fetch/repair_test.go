package fetch

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/repair"
)

// malformed lists responses with small errors, each with a part of the note about its repair; "" if
// the response needs no repair.
var malformed = []struct {
	name, answer, said string
}{
	{"a name in UTF-8", "HTTP/1.1 200 OK\r\nX\u2010Türm: a\r\nContent-Length: 5\r\n\r\nhello", "no name has"},
	{"a name with brackets", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n[mode]: quiet\r\n\r\nhello", "no name has"},
	{"a name with a tab", "HTTP/1.1 200 OK\r\nX-\tA: b\r\nContent-Length: 5\r\n\r\nhello", "no name has"},
	{"a name with NUL", "HTTP/1.1 200 OK\r\nX-\x00A: b\r\nContent-Length: 5\r\n\r\nhello", "no name has"},
	{"no name", "HTTP/1.1 200 OK\r\n: b\r\nContent-Length: 5\r\n\r\nhello", "without a name"},
	{"no colon", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nkeep calm\r\n\r\nhello", "without a colon"},
	{"no colon, and a continuation line",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nkeep\r\n X: calm\r\n\r\nhello", "without a colon"},
	{"a second status line", "HTTP/1.1 200 OK\r\nHTTP/1.0 200 Connection established\r\nContent-Length: 5\r\n\r\nhello",
		"without a colon"},
	{"a first line that is folded", "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 5\r\n\r\nhello", "continues none"},
	{"NUL in a value", "HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 5\r\n\r\nhello", "became spaces"},
	{"a bell in a folded value", "HTTP/1.1 200 OK\r\nX-A: a\r\n b\x07c\r\nContent-Length: 5\r\n\r\nhello",
		"became spaces"},
	{"CR in a value", "HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 5\r\n\r\nhello", "became spaces"},
	{"identity", "HTTP/1.1 200 OK\r\ntransfer-encoding:  Identity \r\n\r\nhello", `Transfer-Encoding was "Identity"`},
	{"identity and a length",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello and more",
		`Transfer-Encoding was "identity"`},
	{"an empty transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello",
		`Transfer-Encoding was ""`},
	{"a list of equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5,5 , 5\r\n\r\nhello and more",
		`Content-Length was "5,5 , 5"`},
	{"a folded list of equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\t5\r\n\r\nhello and more",
		`Content-Length was "5, 5"`},
	{"a list of equal lengths, and one of them",
		"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello and more", "Content-Length was"},
	{"a length and a comma", "HTTP/1.1 200 OK\r\nContent-Length: 5,\r\n\r\nhello and more", `Content-Length was "5,"`},
	{"no coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: none\r\nContent-Length: 5\r\n\r\nhello",
		`Transfer-Encoding was "none"`},
	{"chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "that has none"},
	{"an unsupported version", "HTTP/2 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		`the status line was "HTTP/2 200 OK"`},
	{"a field that is not allowed as a trailer",
		"HTTP/1.1 200 OK\r\nTrailer: X-A, content-length\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"Trailer: "},
	{"a version in lower case", "http/1.1 200 ok\r\nContent-Length: 5\r\n\r\nhello",
		`the status line was "http/1.1 200 ok"`},
	{"nothing before the reason", "HTTP/1.1 200OK\r\nContent-Length: 5\r\n\r\nhello", "the status line was"},
	{"tabs in the status line", "HTTP/1.1\t200\tOK\r\nContent-Length: 5\r\n\r\nhello", "the status line was"},
	{"chunks that end in LF", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nhe\n3;x=y\nllo\n0\n\n",
		"a chunk ended in LF"},
	{"one chunk that ends in LF",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3 \nllo\r\n0\r\n\r\n", "a chunk ended in LF"},
	{"trailers that end in LF",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\nX-A: b\nX-B: c\n\n",
		"trailers ended in LF"},
	{"a trailer without a colon",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nwhat\r\nX-B: c\r\n\r\n",
		"without a colon"},
	{"a bad line in an interim answer",
		"HTTP/1.1 103 Early Hints\r\nwhat\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "without a colon"},
	{"lines that end in LF", "HTTP/1.1 200 OK\nContent-Length: 5\nwhat\n\nhello", "without a colon"},

	{"a space in a name", "HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 5\r\n\r\nhello", ""},
	{"no reason", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", ""},
	{"a reason in lower case, with bytes", "HTTP/1.1 200 all right \xff\x00\r\nContent-Length: 5\r\n\r\nhello", ""},
	{"a folded value", "HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\nContent-Length: 5\r\n\r\nhello", ""},
	{"two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", ""},
	{"bytes in a value", "HTTP/1.1 200 OK\r\nX-A: \xe4\r\nContent-Length: 5\r\n\r\nhello", ""},
	{"LF alone in HTTP/1.0", "HTTP/1.0 200 OK\nX: y\n\nhello", ""},
	{"chunks with an extension and trailers",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\"\r\nhello\r\n000\r\nX-A: b\r\n\r\n", ""},
}

func TestMalformedResponsesAreRepaired(t *testing.T) {
	t.Parallel()
	for _, c := range malformed {
		for _, record := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, recorded %t", c.name, record), func(t *testing.T) {
				t.Parallel()
				origin := serveRaw(t, func(conn net.Conn, _ string) { io.WriteString(conn, c.answer) })
				req := request(t, origin)
				req.Record = record
				page := get(t, newFetcher(t, Config{}), req)
				wantNoFault(t, page)
				if got := string(content(t, page)); got != "hello" || page.Status != 200 || page.Truncated {
					t.Errorf("got %d %q, truncated %t", page.Status, got, page.Truncated)
				}
				if said := strings.Join(page.Repaired, "; "); c.said == "" && said != "" ||
					!strings.Contains(said, c.said) {
					t.Errorf("it says %q, want %q", said, c.said)
				}
				if !record {
					return
				}
				head, tail := octets(t, page) // recorded as received, not as repaired
				came := c.answer
				if strings.Contains(came, " 103 ") {
					came = came[strings.Index(came, "HTTP/1.1 200"):]
				}
				if !strings.HasPrefix(came, head+tail) || !strings.Contains(head+tail, "llo") {
					t.Errorf("%q was recorded, want %q", head+tail, came)
				}
			})
		}
	}
}

// The responses could hide a second message (RFC 9112, 11.2) or are not HTTP.
func TestAmbiguousAndInvalidResponsesAreRefused(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"lengths that differ":                   "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello!",
		"lengths that differ in two lines":      "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 6\r\n\r\nhello!",
		"lengths that are written in two ways":  "HTTP/1.1 200 OK\r\nContent-Length: 5, 05\r\n\r\nhello",
		"two numbers as a length":               "HTTP/1.1 200 OK\r\nContent-Length: 5 5\r\n\r\nhello",
		"a length with a sign":                  "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
		"commas as a length":                    "HTTP/1.1 200 OK\r\nContent-Length: ,,\r\n\r\nhello",
		"chunked in two lines":                  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"a length that is not a number":         "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello",
		"a length with NUL in it":               "HTTP/1.1 200 OK\r\nContent-Length: 1\x000\r\n\r\nhello",
		"a negative length":                     "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"a list of lengths and chunks":          "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"an unknown coding":                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"identity and chunks":                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"identity and chunks in two lines":      "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"chunked twice":                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"a chunk with a negative size":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\nhello\n0\n\n",
		"a chunk longer than its size":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\nhello\n0\n\n",
		"a chunk size that overflows":           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000005\nhello\n0\n\n",
		"CR alone in the line of a chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n",
		"a status of four digits":               "HTTP/1.1 2000 OK\r\nContent-Length: 5\r\n\r\nhello",
		"a status of two digits":                "HTTP/1.1 20 OK\r\nContent-Length: 5\r\n\r\nhello",
		"another protocol":                      "SIP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"another protocol, kept open":           "220 mail.test ESMTP\r\n",
		"headers that end before an empty line": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nwhat\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin := serveRaw(t, func(conn net.Conn, _ string) {
				io.WriteString(conn, answer)
				if strings.Contains(name, "waits") {
					silent(conn)
				}
			})
			page := get(t, newFetcher(t, Config{}), request(t, origin))
			if page.Fault == nil || page.Fault.Kind != fetched.FaultProtocol && page.Fault.Kind != fetched.FaultReset {
				t.Errorf("got %s and %d", faultText(page), page.Status)
			}
		})
	}
}

func TestRepairsAreReportedWithTheirOwnResponse(t *testing.T) {
	t.Parallel()
	n := 0
	origin := listen(t, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			n++
			c := malformed[(n-1)%3*7] // these keep the connection usable
			io.WriteString(conn, c.answer)
		}
	})
	f := newFetcher(t, Config{})
	for i := range 6 {
		page := get(t, f, request(t, origin))
		c := malformed[i%3*7]
		if got := string(content(t, page)); got != "hello" || len(page.Repaired) != 1 ||
			!strings.Contains(page.Repaired[0], c.said) {
			t.Errorf("response %d: got %q, repairs %q, want %q", i, got, page.Repaired, c.said)
		}
	}
}

func TestOnlyTheFirstRepairsAreReported(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, "line %d %s\r\n", i, strings.Repeat("x", 100))
	}
	origin := serveRaw(t, func(conn net.Conn, _ string) {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+lines.String()+"Content-Length: 5\r\n\r\nhello")
	})
	page := get(t, newFetcher(t, Config{}), request(t, origin))
	wantNoFault(t, page)
	if len(page.Repaired) != 9 || page.Repaired[8] != "and more" || len(strings.Join(page.Repaired, "")) > 2000 {
		t.Errorf("repairs: got %q", page.Repaired)
	}
}

// pieces is a connection that returns its text in reads of at most size bytes.
type pieces struct {
	net.Conn
	text []byte
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.text) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

// repaired repairs a text that arrives in pieces of size bytes, and reads it with a buffer of
// another size.
func repaired(text []byte, size, buffer int) ([]byte, []string) {
	c := repair.New(&pieces{text: bytes.Clone(text), size: size}, 64<<10)
	notes := c.Begin()
	var all []byte
	for b := make([]byte, buffer); ; {
		n, err := c.Read(b)
		if all = append(all, b[:n]...); err != nil {
			return all, c.Told(notes)
		}
	}
}

func TestRepairsDoNotDependOnTheSizesOfReads(t *testing.T) {
	t.Parallel()
	for _, c := range malformed {
		want, said := repaired([]byte(c.answer), 1<<20, 1<<20)
		if c.said == "" && (string(want) != c.answer || said != nil) {
			t.Errorf("%s: changed to %q: %q", c.name, want, said)
		}
		for _, size := range []int{1, 2, 3, 7, 64} {
			for _, buffer := range []int{1, 5, 4096} {
				if got, notes := repaired([]byte(c.answer), size, buffer); !bytes.Equal(got, want) ||
					!slices.Equal(notes, said) {
					t.Errorf("%s, in pieces of %d bytes: %q, want %q; %q, want %q", c.name, size, got, want, notes,
						said)
				}
			}
		}
	}
}

func FuzzRepairer(f *testing.F) {
	for _, c := range malformed {
		f.Add([]byte(c.answer), uint8(3))
	}
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		want, notes := repaired(text, 1<<20, 1<<20)
		if got, _ := repaired(text, int(size)+1, 16); !bytes.Equal(got, want) {
			alert := len(text) > 1 && text[0] == 21 && text[1] == 3 // a TLS alert is recognised by its first two bytes
			if !alert {
				t.Errorf("%q is repaired to %q at once, and to %q in pieces of %d bytes", text, want, got, int(size)+1)
			}
		}
		// If net/http can read the original, it reads the same from the repaired text. Chunks in
		// HTTP/1.0 are an exception, because net/http does not decode them.
		if slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "that has none") }) {
			return
		}
		was, before := bodyOf(text)
		if is, after := bodyOf(want); before == nil && (after != nil || !bytes.Equal(was, is)) {
			t.Errorf("%q is read as %q, but after the repair as %q, %v", text, was, is, after)
		}
	})
}

// bodyOf returns the body that net/http reads from a response.
func bodyOf(text []byte) ([]byte, error) {
	resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(text)), nil)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(resp.Body)
}

func TestATLSAlertTellsThatTheServerSpeaksTLS(t *testing.T) {
	t.Parallel()
	origin := serveRaw(t, func(conn net.Conn, _ string) { io.WriteString(conn, "\x15\x03\x03\x00\x02\x02\x0a") })
	page := get(t, newFetcher(t, Config{}), request(t, origin))
	wantFault(t, page, fetched.FaultTLS, false)
	if !strings.Contains(page.Fault.Text, "https://") {
		t.Errorf("fault text: got %q", page.Fault.Text)
	}
}

func TestAnErrorAfterAResponseIsReturned(t *testing.T) {
	t.Parallel()
	broken := errors.New("it broke")
	c := repair.New(&failing{text: "HTTP/1.1 200 OK\r\nwhat\r\n\r\nhello", err: broken}, 64<<10)
	var all []byte
	for b := make([]byte, 4); ; {
		n, err := c.Read(b)
		if all = append(all, b[:n]...); err != nil {
			if err != broken || string(all) != "HTTP/1.1 200 OK\r\n\r\nhello" {
				t.Errorf("got %q, %v", all, err)
			}
			return
		}
	}
}

// failing is a connection that returns an error together with the last bytes of its text.
type failing struct {
	net.Conn
	text string
	err  error
}

func (f *failing) Read(b []byte) (int, error) {
	n := copy(b, f.text)
	if f.text = f.text[n:]; f.text == "" {
		return n, f.err
	}
	return n, nil
}

func BenchmarkRepairer(b *testing.B) {
	answer := []byte("HTTP/1.1 200 OK\r\nDate: Sun, 29 Nov 2026 06:00:00 GMT\r\nServer: tower\r\nContent-Type: text/html\r\nContent-Length: 5\r\nVary: Accept-Encoding\r\nCache-Control: max-age=60\r\n\r\nhello")
	p := make([]byte, 4096)
	source := &pieces{size: 4096}
	c := repair.New(source, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		c.Begin()
		source.text = answer
		if n, err := c.Read(p); n != len(answer) || err != nil {
			b.Fatal(n, err)
		}
	}
}
