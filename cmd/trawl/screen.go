package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// More styles, for full pages.
const (
	styleStrong style = "1" // bold
	styleFaint  style = "2"
	styleChosen style = "7" // in reverse colours
)

// Control sequences (ECMA-48, and the private modes of xterm).
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // the alternate screen, without a cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeCursor  = "\x1b[H"
	clearRight  = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// screen is a terminal that shows one page at a time and reads keys. What the terminal showed
// before returns when the screen is closed.
type screen struct {
	out  *terminal
	tty  *os.File
	was  *term.State
	keys chan key
	done chan struct{} // closed by close

	reading sync.WaitGroup
}

// fullScreen reports whether pages can be shown: a person sees what is printed, and can press
// keys.
func fullScreen() bool { return stdout.live() && term.IsTerminal(int(os.Stdin.Fd())) }

// openScreen takes over the terminal of this process, which shows out. The caller closes it.
func openScreen(out *terminal) (*screen, error) {
	// A file of its own can be read without blocking, and so be closed while it is read.
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	s := &screen{out: out, tty: tty, keys: make(chan key), done: make(chan struct{})}
	err = s.control(func(fd int) (err error) {
		s.was, err = term.MakeRaw(fd)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read keys of the terminal: %w", err), tty.Close())
	}
	s.send(enterScreen)
	s.reading.Go(s.read)
	return s, nil
}

// control calls do with the descriptor of the terminal, which stays non-blocking.
func (s *screen) control(do func(fd int) error) (err error) {
	conn, failed := s.tty.SyscallConn()
	if failed == nil {
		failed = conn.Control(func(fd uintptr) { err = do(int(fd)) })
	}
	return errors.Join(failed, err)
}

// close restores the terminal.
func (s *screen) close() error {
	close(s.done)
	// Where a terminal cannot be read without blocking, its reader ends with the process.
	if s.tty.SetReadDeadline(time.Now()) == nil {
		s.reading.Wait()
	}
	err := s.control(func(fd int) error { return term.Restore(fd, s.was) })
	s.send(leaveScreen)
	return errors.Join(err, s.tty.Close())
}

// send writes a text that the terminal obeys.
func (s *screen) send(text string) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	_, _ = io.WriteString(s.out.file, text) // fails only when the terminal is gone
}

// read passes on the keys that are pressed.
func (s *screen) read() {
	var typed [64]byte
	for {
		n, err := s.tty.Read(typed[:])
		for _, k := range typedKeys(string(typed[:n])) {
			select {
			case s.keys <- k:
			case <-s.done:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// size returns how many columns and rows the terminal has now.
func (s *screen) size() (columns, rows int) {
	const usualHeight = 24
	columns, rows, err := term.GetSize(int(s.out.file.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return usualWidth, usualHeight
	}
	return columns, rows
}

// draw shows a page: the first lines that fit, each cut to the width of the terminal.
func (s *screen) draw(page [][]span) {
	columns, rows := s.size()
	colours := s.out.coloured()
	var b strings.Builder
	b.WriteString(homeCursor)
	for i := range rows {
		if i > 0 {
			b.WriteString("\r\n")
		}
		if i < len(page) {
			for _, part := range cut(page[i], columns-1) { // in the last column, some terminals wrap
				b.WriteString(part.drawn(colours))
			}
		}
		b.WriteString(clearRight)
	}
	b.WriteString(clearBelow)
	s.send(b.String())
}

// drawn is shown, except that the chosen line is marked even without colours.
func (s span) drawn(colours bool) string {
	if !colours && (s.style == styleChosen || s.style == styleStrong) {
		colours = true // NO_COLOR is about colours only
	}
	return s.shown(colours)
}

// key is a key that was pressed: the character that it types, or one of the keys below.
type key rune

// Keys that type no character.
const (
	keyUp key = -1 - iota
	keyDown
	keyPageUp
	keyPageDown
	keyHome
	keyEnd
	keyEnter
	keyEscape
	keyInterrupt
)

// sequences are the texts that terminals send for keys.
var sequences = []struct {
	text string
	key  key
}{
	{"\x1b[A", keyUp}, {"\x1bOA", keyUp}, {"\x1b[B", keyDown}, {"\x1bOB", keyDown},
	{"\x1b[5~", keyPageUp}, {"\x1b[6~", keyPageDown}, {"\x1b[H", keyHome}, {"\x1bOH", keyHome}, {"\x1b[1~", keyHome},
	{"\x1b[F", keyEnd}, {"\x1bOF", keyEnd}, {"\x1b[4~", keyEnd},
	{"\r", keyEnter}, {"\n", keyEnter}, {"\x03", keyInterrupt},
}

// typedKeys returns the keys that a terminal sent.
func typedKeys(typed string) (keys []key) {
next:
	for typed != "" {
		for _, s := range sequences {
			if rest, ok := strings.CutPrefix(typed, s.text); ok {
				keys, typed = append(keys, s.key), rest
				continue next
			}
		}
		if rest, ok := strings.CutPrefix(typed, "\x1b["); ok { // a key that has no meaning here
			typed = rest[min(len(rest), 1+strings.IndexFunc(rest, func(r rune) bool { return r >= '@' && r <= '~' })):]
			continue
		}
		r, size := utf8.DecodeRuneInString(typed)
		typed = typed[size:]
		if r == '\x1b' {
			r = rune(keyEscape)
		}
		keys = append(keys, key(r))
	}
	return keys
}
