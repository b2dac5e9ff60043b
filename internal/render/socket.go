package render

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// remote reports whether a browser is named by its address rather than by a path.
func remote(browser string) bool {
	scheme, _, ok := strings.Cut(browser, "://")
	return ok && (scheme == "ws" || scheme == "wss" || scheme == "http" || scheme == "https")
}

// dial connects to a remote browser. Its address is that of a WebSocket, ws or wss. Without a
// path, the browser is asked for the path at /json/version.
func dial(ctx context.Context, address string) (wire, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("browser %q: %w", address, err)
	}
	u.Scheme = strings.Replace(u.Scheme, "ws", "http", 1)
	if u.Path == "" || u.Path == "/" {
		if u.Path, err = discover(ctx, *u); err != nil {
			return nil, fmt.Errorf("browser %q: %w", address, err)
		}
	}
	s, err := upgrade(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("browser %q: %w", address, err)
	}
	return s, nil
}

// localName is the Host in requests to remote browsers. Chromium refuses other names, so that no
// page can reach its debugging port by DNS rebinding.
const localName = "localhost"

// discover asks a browser for the path of its WebSocket.
func discover(ctx context.Context, at url.URL) (string, error) {
	at.Path = "/json/version"
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return "", err
	}
	req.Host = localName
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GET %q: status %d: this is not the debugging port of a browser", at.String(), res.StatusCode)
	}
	var version struct {
		URL string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&version); err != nil {
		return "", fmt.Errorf("GET %q: %w", at.String(), err)
	}
	found, err := url.Parse(version.URL)
	if err != nil || found.Path == "" {
		return "", fmt.Errorf("GET %q: webSocketDebuggerUrl is %q", at.String(), version.URL)
	}
	return found.Path, nil
}

// upgrade makes the handshake of RFC 6455, section 4.1. It sends no Origin, because Chromium
// refuses requests with an Origin as those of pages.
func upgrade(ctx context.Context, u *url.URL) (*socket, error) {
	// The context of a request that was upgraded ends the connection, so it must outlive ctx.
	dialed, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	s, err := handshake(dialed, u)
	if err != nil || !stop() {
		cancel()
		return nil, errors.Join(err, ctx.Err())
	}
	s.cancel = cancel
	return s, nil
}

func handshake(ctx context.Context, u *url.URL) (*socket, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // it never fails
	key := base64.StdEncoding.EncodeToString(nonce)
	req.Host = localName
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key,
	} {
		req.Header.Set(name, value)
	}
	// HTTP/2 does not have this upgrade.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: false}
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	both, ok := res.Body.(io.ReadWriteCloser)
	if res.StatusCode != http.StatusSwitchingProtocols || !ok || res.Header.Get("Sec-WebSocket-Accept") != accept(key) {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		res.Body.Close()
		return nil, fmt.Errorf("GET %q: status %d is no WebSocket: %q", u.String(), res.StatusCode, text)
	}
	return newSocket(both, true), nil
}

// accept returns the answer to the key of a handshake (RFC 6455, 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// startTime bounds how long a remote browser may take to accept a connection, and how long any may
// take to answer by default.
const startTime = time.Minute

// socket is a WebSocket after its handshake. It is the wire of a remote browser.
type socket struct {
	conn   io.ReadWriteCloser
	from   *bufio.Reader
	frames frames
	cancel context.CancelFunc // nil at a server
	text   []byte
}

// newSocket returns one end of a connection, that of the client or that of the server.
func newSocket(conn io.ReadWriteCloser, client bool) *socket {
	return &socket{conn: conn, from: bufio.NewReaderSize(conn, 64<<10), frames: frames{to: conn, masked: client}}
}

// read returns the next message. If the message is larger than maxMessage, it returns the beginning
// and errTooLarge.
func (s *socket) read() ([]byte, error) {
	if s.text = s.text[:0]; cap(s.text) > 4<<20 {
		s.text = nil // so that one large message does not take memory forever
	}
	for large := false; ; {
		f, err := readFrame(s.from)
		if err != nil {
			return nil, err
		}
		if f.control() {
			if err := s.obey(f); err != nil {
				return nil, err
			}
			continue
		}
		large = large || f.length > maxMessage-int64(len(s.text))
		if s.text, err = f.append(s.text, s.from, large); err != nil {
			return nil, err
		}
		switch {
		case f.final && large:
			return s.text[:min(len(s.text), 64)], errTooLarge
		case f.final:
			return s.text, nil
		}
	}
}

// obey does what a control frame says (RFC 6455, 5.5).
func (s *socket) obey(f frame) error {
	if f.length > maxControl {
		return errors.New("a control frame is too long")
	}
	said, err := f.append(nil, s.from, false)
	switch {
	case err != nil:
		return err
	case f.opcode == opClose:
		return io.EOF
	case f.opcode == opPing:
		return s.frames.write(opPong, said)
	}
	return nil
}

func (s *socket) write(text []byte) error { return s.frames.write(opText, text) }

func (s *socket) close() error {
	err := s.conn.Close()
	if s.cancel != nil {
		s.cancel()
	}
	return err
}
