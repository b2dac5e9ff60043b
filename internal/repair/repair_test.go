package repair

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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

// readAll reads a connection to its end, and returns the error that is not io.EOF.
func readAll(c *Repairer) (string, error) {
	all, err := io.ReadAll(c)
	return string(all), err
}

const (
	ok     = "HTTP/1.1 200 OK\r\n"
	length = "Content-Length: 5\r\n"
	chunks = "Transfer-Encoding: chunked\r\n"
)

// cases are answers, what net/http reads of them, and how many repairs are told.
var cases = []struct {
	name, came, read string
	notes            int
}{
	{"a right answer", ok + length + "\r\nhello", ok + length + "\r\nhello", 0},
	{"LF at the ends of lines", "HTTP/1.1 200 OK\nA: b\n\nhello", "HTTP/1.1 200 OK\nA: b\n\nhello", 0},
	{"a line without a colon", ok + "keep calm\r\n" + length + "\r\nhello", ok + length + "\r\nhello", 1},
	{"a line without a colon that is continued", ok + "keep\r\n X: calm\r\n" + length + "\r\n", ok + length + "\r\n", 1},
	{"two lines alike", ok + "what\r\nwhat\r\n\r\n", ok + "\r\n", 1},
	{"a control character", ok + "A: b\x00c\r\n\r\n", ok + "A: b c\r\n\r\n", 1},
	{"a body like a bad head", ok + "\r\nno colon\r\n\x00", ok + "\r\nno colon\r\n\x00", 0},

	{"another version", "HTTP/2 404 Not Found\r\n\r\n", "HTTP/1.1 404 Not Found\r\n\r\n", 1},
	{"a status line in lower case", "http/1.0 200\r\n\r\n", "HTTP/1.0 200 \r\n\r\n", 1},
	{"a status of four digits", "HTTP/1.1 2000 OK\r\nno colon\r\n\r\n", "HTTP/1.1 2000 OK\r\nno colon\r\n\r\n", 0},
	{"a protocol that is not HTTP", "SSH-2.0-x\r\nno colon\r\n\r\n", "SSH-2.0-x\r\nno colon\r\n\r\n", 0},

	{"equal lengths", ok + "Content-Length: 5, 5\r\n\r\nhello", ok + length + "\r\nhello", 1},
	{"different lengths stay", ok + "Content-Length: 5, 6\r\n\r\nhello", ok + "Content-Length: 5, 6\r\n\r\nhello", 0},
	{"equal lengths beside chunks stay", ok + "Content-Length: 5, 5\r\n" + chunks + "\r\n0\r\n\r\n",
		ok + "Content-Length: 5, 5\r\n" + chunks + "\r\n0\r\n\r\n", 0},
	{"the coding identity", ok + "Transfer-Encoding: identity\r\n" + length + "\r\nhello", ok + length + "\r\nhello", 1},
	{"two codings stay", ok + "Transfer-Encoding: identity\r\n" + chunks + "\r\n",
		ok + "Transfer-Encoding: identity\r\n" + chunks + "\r\n", 0},
	{"chunks in HTTP/1.0 end the connection", "HTTP/1.0 200 OK\r\n" + chunks + "\r\n0\r\n\r\n",
		ok + "Connection: close\r\n" + chunks + "\r\n0\r\n\r\n", 1},

	{"chunks", ok + chunks + "\r\n5;a=b\r\nhello\r\n0\r\n\r\n", ok + chunks + "\r\n5;a=b\r\nhello\r\n0\r\n\r\n", 0},
	{"chunks that end in LF", ok + chunks + "\r\n2\nhe\n3\nllo\n0\n\r\n",
		ok + chunks + "\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 1},
	{"LF within a chunk", ok + chunks + "\r\n3\r\na\nb\r\n0\r\n\r\n", ok + chunks + "\r\n3\r\na\nb\r\n0\r\n\r\n", 0},
	{"a chunk whose size is no number", ok + chunks + "\r\nfive\nhello\n0\n\n", ok + chunks + "\r\nfive\nhello\n0\n\n", 0},
	{"trailers that end in LF", ok + chunks + "\r\n0\r\nA: b\n\n", ok + chunks + "\r\n0\r\nA: b\r\n\r\n", 1},
	{"a trailer without a colon", ok + chunks + "\r\n0\r\nwhat\r\nA: b\r\n\r\n", ok + chunks + "\r\n0\r\nA: b\r\n\r\n", 1},
	{"an interim answer", "HTTP/1.1 103 Early Hints\r\nwhat\r\n\r\n" + ok + "what else\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "\r\n", 2},
	{"an answer that breaks off in its head", ok + "A: b\r\nC", ok + "A: b\r\nC", 0},
}

// Whatever the sizes of the reads are, the same text comes out, with the same notes.
func TestAnswersAreReadAsTheyAreRepaired(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		for size := 1; size <= len(c.came); size++ {
			conn := New(&pieces{text: []byte(c.came), size: size}, 64<<10)
			notes := conn.Begin()
			got, err := readAll(conn)
			if err != nil || got != c.read || len(conn.Told(notes)) != c.notes {
				t.Errorf("%s, in pieces of %d bytes: %q, %v, notes %q; want %q and %d notes", c.name, size, got, err,
					conn.Told(notes), c.read, c.notes)
			}
		}
	}
}

// A repaired head is right: nothing is left in it to repair.
func TestRepairedAnswersNeedNoRepair(t *testing.T) {
	t.Parallel()
	for _, c := range cases {
		conn := New(&pieces{text: []byte(c.read), size: len(c.read)}, 64<<10)
		notes := conn.Begin()
		if got, err := readAll(conn); err != nil || got != c.read || len(conn.Told(notes)) > 0 {
			t.Errorf("%s: %q becomes %q (%v), notes %q", c.name, c.read, got, err, conn.Told(notes))
		}
	}
}

func TestEachExchangeHasItsOwnNotes(t *testing.T) {
	t.Parallel()
	source := &pieces{text: []byte(ok + "first\r\n" + length + "\r\nhello"), size: 1 << 10}
	conn := New(source, 64<<10)
	first := conn.Begin()
	buffer := make([]byte, 1<<10)
	n, err := conn.Read(buffer)
	if got, want := string(buffer[:n]), ok+length+"\r\nhello"; err != nil || got != want {
		t.Fatalf("first answer: %q, %v; want %q", got, err, want)
	}
	second := conn.Begin()
	source.text = []byte(ok + "A: b\x07\r\n" + length + "\r\nhello")
	if got, err := readAll(conn); err != nil || got != ok+"A: b \r\n"+length+"\r\nhello" {
		t.Fatalf("second answer: %q, %v", got, err)
	}
	for i, told := range [][]string{conn.Told(first), conn.Told(second)} {
		if want := []string{"first", "A: b"}[i]; len(told) != 1 || !strings.Contains(told[0], want) {
			t.Errorf("the notes of answer %d are %q, want one about %q", i, told, want)
		}
	}
}

// The head of an answer to HEAD may announce chunks, and none follow (RFC 9112, 6.3): other bytes
// that arrive are no lines of chunks, and the next exchange begins with a head.
func TestNoBodyFollowsTheHeadOfAnAnswerToHEAD(t *testing.T) {
	t.Parallel()
	came := ok + chunks + "\r\n5\nhello\n"
	source := &pieces{text: []byte(came), size: 1 << 10}
	conn := New(source, 64<<10)
	first := conn.Begin()
	conn.WithoutBody()
	buffer := make([]byte, 1<<10)
	n, err := conn.Read(buffer)
	if got := string(buffer[:n]); err != nil || got != came || len(conn.Told(first)) > 0 {
		t.Fatalf("%q is read as %q, %v, notes %q", came, got, err, conn.Told(first))
	}
	second := conn.Begin()
	source.text = []byte(ok + "what\r\n" + length + "\r\nhello")
	got, err := readAll(conn)
	if err != nil || got != ok+length+"\r\nhello" || len(conn.Told(second)) != 1 {
		t.Errorf("the next answer is %q, %v, notes %q", got, err, conn.Told(second))
	}
}

func TestAHeadThatIsTooLongStaysAsItIs(t *testing.T) {
	t.Parallel()
	const most = 100
	came := ok + "what\r\nA: " + strings.Repeat("b", most) + "\r\n\r\nhello"
	for _, size := range []int{1, 7, len(came)} {
		conn := New(&pieces{text: []byte(came), size: size}, most)
		notes := conn.Begin()
		if got, err := readAll(conn); err != nil || got != came || len(conn.Told(notes)) > 0 {
			t.Errorf("in pieces of %d bytes: %q, %v, notes %q", size, got, err, conn.Told(notes))
		}
	}
}

func TestAServerThatSpeaksTLSIsRecognised(t *testing.T) {
	t.Parallel()
	conn := New(&pieces{text: []byte("\x15\x03\x03\x00\x02\x02\x0a"), size: 7}, 64<<10)
	conn.Begin()
	if got, err := readAll(conn); !errors.Is(err, ErrSpeaksTLS) || got != "" {
		t.Errorf("it is read as %q, %v", got, err)
	}
}

func TestTheEndOfTheFirstEmptyLineIsFound(t *testing.T) {
	t.Parallel()
	texts := []string{"", "a", "a\r\n", "a\r\n\r\nb", "a\n\nb", "a\n\r\nb", "\r\nb", "a\r\n \r\n\r\n", "a\r\r\n"}
	var got []int
	for _, text := range texts {
		got = append(got, EmptyLine([]byte(text)))
	}
	if diff := cmp.Diff([]int{0, 0, 0, 5, 3, 4, 2, 8, 0}, got); diff != "" {
		t.Errorf("ends of the first empty line in %q (-want +got):\n%s", texts, diff)
	}
}
