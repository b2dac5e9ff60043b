package render

import (
	"bufio"
	"errors"
	"os"
)

// pipe is the wire of a browser that was started with --remote-debugging-pipe: messages end with
// a zero byte.
type pipe struct {
	in   *os.File
	from *bufio.Reader
	out  *os.File
	text []byte
}

func newPipe(in, out *os.File) *pipe {
	return &pipe{in: in, from: bufio.NewReaderSize(in, 64<<10), out: out}
}

// read returns the next message. If the message is larger than maxMessage, it returns the beginning
// and errTooLarge.
func (p *pipe) read() ([]byte, error) {
	p.text = p.text[:0]
	if cap(p.text) > 4<<20 {
		p.text = nil // so that one large message does not take memory forever
	}
	large := false
	for {
		part, err := p.from.ReadSlice(0)
		if len(p.text)+len(part) > maxMessage {
			large = true
		}
		if !large {
			p.text = append(p.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		case large:
			return p.text[:min(len(p.text), 64)], errTooLarge
		}
		return p.text[:len(p.text)-1], nil
	}
}

func (p *pipe) write(text []byte) error {
	_, err := p.out.Write(append(text, 0))
	return err
}

func (p *pipe) close() error { return errors.Join(p.in.Close(), p.out.Close()) }
