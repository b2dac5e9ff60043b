package render

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// The opcodes of frames (RFC 6455, 5.2).
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// maxControl is how long the payload of a control frame may be (RFC 6455, 5.5).
const maxControl = 125

// frame is the head of a frame of a WebSocket.
type frame struct {
	final  bool // of its message
	opcode byte
	length int64
	mask   [4]byte // zero if it has none, which changes nothing
}

// control reports whether the frame is a control frame, which is not part of a message.
func (f frame) control() bool { return f.opcode >= opClose }

// readFrame reads the head of a frame (RFC 6455, 5.2).
func readFrame(r *bufio.Reader) (f frame, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return f, err
	}
	if head[0]&0x70 != 0 {
		return f, errors.New("a frame has an extension that was not agreed on")
	}
	f.final, f.opcode = head[0]&0x80 != 0, head[0]&0x0f
	masked := head[1]&0x80 != 0
	switch short := head[1] & 0x7f; short {
	case 126:
		_, err = io.ReadFull(r, head[:2])
		f.length = int64(binary.BigEndian.Uint16(head[:]))
	case 127:
		_, err = io.ReadFull(r, head[:8])
		f.length = int64(binary.BigEndian.Uint64(head[:]))
	default:
		f.length = int64(short)
	}
	if err == nil && f.length < 0 {
		err = errors.New("a frame has a negative length")
	}
	if err == nil && masked {
		_, err = io.ReadFull(r, f.mask[:])
	}
	return f, err
}

// append reads the payload of the frame, and appends it to text unless it is to be skipped.
func (f frame) append(text []byte, r *bufio.Reader, skip bool) ([]byte, error) {
	if skip {
		_, err := io.CopyN(io.Discard, r, f.length)
		return text, err
	}
	begin := len(text)
	for left := f.length; left > 0; { // piece by piece, because the other side chooses the length
		n := min(left, 1<<20)
		text = append(text, make([]byte, n)...)
		if _, err := io.ReadFull(r, text[len(text)-int(n):]); err != nil {
			return text, err
		}
		left -= n
	}
	mask(text[begin:], f.mask)
	return text, nil
}

// mask masks or unmasks a payload (RFC 6455, 5.3).
func mask(payload []byte, key [4]byte) {
	if key == [4]byte{} {
		return
	}
	for i := range payload {
		payload[i] ^= key[i%4]
	}
}

// frames writes messages, a frame each. It is safe for concurrent use: pings are answered while
// messages are written.
type frames struct {
	masked bool // as a client must (RFC 6455, 5.1)

	mu sync.Mutex
	to io.Writer
}

func (w *frames) write(opcode byte, payload []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := make([]byte, 0, 14+len(payload))
	text = append(text, 0x80|opcode)
	var bit byte
	if w.masked {
		bit = 0x80
	}
	switch n := len(payload); {
	case n <= maxControl:
		text = append(text, bit|byte(n))
	case n < 1<<16:
		text = binary.BigEndian.AppendUint16(append(text, bit|126), uint16(n))
	default:
		text = binary.BigEndian.AppendUint64(append(text, bit|127), uint64(n))
	}
	var key [4]byte
	if w.masked {
		_, _ = rand.Read(key[:]) // it never fails
		text = append(text, key[:]...)
	}
	begin := len(text)
	text = append(text, payload...)
	mask(text[begin:], key)
	_, err := w.to.Write(text)
	return err
}
