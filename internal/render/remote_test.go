package render

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// bridge serves a browser of this machine as a remote one: it passes messages between a WebSocket
// and a pipe. It refuses what Chromium refuses: pages, and names that are not local.
type bridge struct {
	t       *testing.T
	process *process
	talks   atomic.Int64
}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Host != "localhost" || r.Header.Get("Origin") != "":
		http.Error(w, "Rejected", http.StatusForbidden)
	case r.URL.Path == "/json/version":
		_ = json.NewEncoder(w).Encode(map[string]string{"webSocketDebuggerUrl": "ws://localhost/devtools/browser/1"})
	case r.URL.Path == "/devtools/browser/1":
		b.talk(w, r)
	default:
		http.NotFound(w, r)
	}
}

// talk passes messages on, in both directions, until one side ends.
func (b *bridge) talk(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		b.t.Error(err)
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "+accept(r.Header.Get("Sec-WebSocket-Key"))+"\r\n\r\n")
	b.talks.Add(1)
	s := newSocket(conn, false)
	s.from = buffered.Reader
	go func() {
		defer conn.Close()
		for {
			text, err := b.process.wire.read()
			if err != nil || s.frames.write(opPing, []byte("?")) != nil || s.write(text) != nil {
				return
			}
		}
	}()
	for {
		text, err := s.read()
		if err != nil || b.process.wire.write(bytes.Clone(text)) != nil {
			return
		}
	}
}

func TestARemoteBrowserRendersPages(t *testing.T) {
	t.Parallel()
	path, err := Find("")
	if err != nil {
		t.Skip(err)
	}
	local, err := launch(t.Context(), path, t.TempDir(), isolation{}, pageBytes)
	if err != nil {
		t.Fatal(err)
	}
	defer local.kill()
	b := &bridge{t: t, process: local}
	server := httptest.NewServer(b)
	defer server.Close()
	pool, err := Open(t.Context(), Config{Browser: strings.Replace(server.URL, "http", "ws", 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	res, err := pool.Render(t.Context(), Request{
		URL: "http://www.site.test/",
		First: Answer{Status: 200, Body: []byte(
			`<p>said <script>document.write("by script " + "x".repeat(200000))</script>`)},
		Limits: Limits{Time: 10 * time.Minute},
		Block:  Default(false),
		Transport: func(context.Context, Subrequest) (Answer, error) {
			return Answer{}, errors.New("none is made")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if html := string(res.HTML); !strings.Contains(html, "said <script>") || !strings.Contains(html, "by script xxx") ||
		b.talks.Load() != 1 {
		t.Errorf("%d connections; the document is %.300s", b.talks.Load(), res.HTML)
	}
}

func TestWhatIsNoBrowserIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, path := range []string{"", "/devtools/browser/1"} {
		address := strings.Replace(server.URL, "http", "ws", 1) + path
		_, err := Open(t.Context(), Config{Browser: address})
		if !errors.Is(err, ErrBrowserLost) || !strings.Contains(err.Error(), address+`"`) ||
			!strings.Contains(err.Error(), "404") {
			t.Errorf("the error is %v", err)
		}
	}
}

// halves returns both ends of a connection.
func halves(t *testing.T) (client, server *socket) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() {
		a.Close()
		b.Close()
	})
	return newSocket(a, true), newSocket(b, false)
}

func TestMessagesOfASocketArriveWhole(t *testing.T) {
	t.Parallel()
	client, server := halves(t)
	for _, size := range []int{0, 1, 125, 126, 65535, 65536, 3 << 20} {
		want := strings.Repeat("ü", size/2) + strings.Repeat("x", size%2)
		for from, to := range map[*socket]*socket{client: server, server: client} {
			go from.write([]byte(want))
			got, err := to.read()
			if err != nil || string(got) != want {
				t.Errorf("of %d bytes arrived %d: %v", size, len(got), err)
			}
		}
	}
}

func TestFragmentsAndPingsOfASocket(t *testing.T) {
	t.Parallel()
	client, server := halves(t)
	go func() {
		_, _ = server.conn.Write([]byte("\x01\x03one" + "\x89\x02hi" + "\x80\x04 two"))
	}()
	pong := make(chan []byte, 1)
	go func() {
		f, _ := readFrame(server.from)
		said, _ := f.append(nil, server.from, false)
		pong <- append([]byte{f.opcode}, said...)
	}()
	got, err := client.read()
	if err != nil || string(got) != "one two" {
		t.Errorf("the message is %q: %v", got, err)
	}
	if answer := <-pong; string(answer) != "\x0ahi" {
		t.Errorf("the ping was answered by %q", answer)
	}
	go func() { _, _ = server.conn.Write([]byte("\x88\x00")) }()
	if _, err := client.read(); !errors.Is(err, io.EOF) {
		t.Errorf("after the end of the other side, the error is %v", err)
	}
}

func FuzzReadFrames(f *testing.F) {
	f.Add([]byte("\x81\x03one"))
	f.Add([]byte("\x01\x7e\x00\x03one\x80\x81\x01\x02\x03\x04x"))
	f.Add([]byte("\x81\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newSocket(struct {
			io.Reader
			io.WriteCloser
		}{bytes.NewReader(text), discard{}}, true)
		for {
			message, err := s.read()
			if err != nil {
				return
			}
			if len(message) > len(text) {
				t.Fatalf("%d bytes became %d", len(text), len(message))
			}
		}
	})
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Close() error                { return nil }

// endless is a browser's pipe with one message that is too large between two others.
type endless struct{ left int }

func (e *endless) Read(b []byte) (int, error) {
	n := min(len(b), e.left)
	for i := range b[:n] {
		b[i] = 'x'
	}
	if e.left -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestAMessageThatIsTooLargeIsSkipped(t *testing.T) {
	t.Parallel()
	p := &pipe{from: bufio.NewReaderSize(io.MultiReader(strings.NewReader("{}\x00{\"id\":17,\"x\":\""),
		&endless{maxMessage}, strings.NewReader("\"}\x00[]\x00")), 1<<16)}
	if got, err := p.read(); string(got) != "{}" || err != nil {
		t.Errorf("the first message is %q: %v", got, err)
	}
	beginning, err := p.read()
	if !errors.Is(err, errTooLarge) || idOf(beginning) != 17 {
		t.Errorf("the second begins with %q: %v", beginning, err)
	}
	if got, err := p.read(); string(got) != "[]" || err != nil {
		t.Errorf("the third message is %q: %v", got, err)
	}
}
