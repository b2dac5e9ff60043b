package main_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// screen is a pseudo-terminal with its content. It understands as much as the command uses.
type screen struct {
	t    testing.TB
	host *os.File // what is typed and shown
	end  *os.File // the terminal of a command

	mu       sync.Mutex
	columns  int
	cells    [][]rune
	row, col int
	full     bool // the alternate screen
	colours  bool // a colour was shown
	log      strings.Builder
	changed  chan struct{}
}

func newScreen(t testing.TB, columns, rows int) *screen {
	t.Helper()
	host, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	s := &screen{t: t, host: host, changed: make(chan struct{})}
	var number int
	s.control(func(fd int) (err error) {
		if err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(fd, unix.TIOCGPTN)
		}
		return err
	})
	if s.end, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	s.resize(columns, rows)
	var reading sync.WaitGroup
	reading.Go(s.read)
	t.Cleanup(func() {
		s.end.Close()
		s.host.Close()
		reading.Wait()
		if t.Failed() {
			t.Logf("the terminal shows\n%s", s.text())
		}
	})
	return s
}

func (s *screen) control(do func(fd int) error) {
	s.t.Helper()
	conn, err := s.host.SyscallConn()
	if err != nil {
		s.t.Fatal(err)
	}
	if failed := conn.Control(func(fd uintptr) { err = do(int(fd)) }); failed != nil || err != nil {
		s.t.Fatal(failed, err)
	}
}

// resize changes the size of the terminal, and clears it.
func (s *screen) resize(columns, rows int) {
	s.t.Helper()
	s.mu.Lock()
	s.columns, s.cells, s.row, s.col = columns, make([][]rune, rows), 0, 0
	s.mu.Unlock()
	s.control(func(fd int) error {
		return unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(columns)})
	})
}

// start starts trawl with the terminal as its input, output and controlling terminal.
func (s *screen) start(sh *shell, args ...string) *process {
	s.t.Helper()
	sh.stdin, sh.stdout = s.end, s.end
	sh.attributes = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0}
	return sh.start(args...)
}

// types types keys.
func (s *screen) types(keys string) {
	s.t.Helper()
	if _, err := s.host.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// read shows what the command writes.
func (s *screen) read() {
	var rest string
	buffer := make([]byte, 4096)
	for {
		n, err := s.host.Read(buffer)
		s.mu.Lock()
		s.log.Write(buffer[:n])
		rest = s.show(rest + string(buffer[:n]))
		close(s.changed)
		s.changed = make(chan struct{})
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// show shows a text, and returns its end if that is not whole.
func (s *screen) show(text string) string {
	for text != "" {
		if strings.HasPrefix(text, "\x1b") {
			end := strings.IndexFunc(text[1:], func(r rune) bool { return r != '[' && r >= '@' && r <= '~' })
			if end < 0 {
				return text
			}
			s.obey(text[1 : end+2])
			text = text[end+2:]
			continue
		}
		r, size := utf8.DecodeRuneInString(text)
		if r == utf8.RuneError && !utf8.FullRuneInString(text) {
			return text
		}
		text = text[size:]
		switch r {
		case '\r':
			s.col = 0
		case '\n':
			if s.row++; s.row >= len(s.cells) {
				s.cells, s.row = append(s.cells[1:], nil), len(s.cells)-1
			}
		default:
			s.put(r)
		}
	}
	return ""
}

func (s *screen) put(r rune) {
	if s.col >= s.columns {
		s.t.Errorf("row %d is longer than %d columns", s.row, s.columns)
		return
	}
	line := s.cells[s.row]
	for len(line) <= s.col {
		line = append(line, ' ')
	}
	line[s.col] = r
	s.cells[s.row] = line
	s.col++
}

// obey carries out a control sequence, without its escape.
func (s *screen) obey(sequence string) {
	switch sequence {
	case "[H":
		s.row, s.col = 0, 0
	case "[K":
		s.cells[s.row] = s.cells[s.row][:min(s.col, len(s.cells[s.row]))]
	case "[J":
		s.obey("[K")
		clear(s.cells[s.row+1:])
	case "[?1049h":
		s.full = true
		clear(s.cells)
	case "[?1049l":
		s.full = false
		clear(s.cells)
	case "[?25h", "[?25l", "[m":
	default:
		parameters, isStyle := strings.CutSuffix(strings.TrimPrefix(sequence, "["), "m")
		if !isStyle {
			s.t.Errorf("the terminal does not know the sequence %q", sequence)
		}
		for parameter := range strings.SplitSeq(parameters, ";") {
			n, _ := strconv.Atoi(parameter)
			s.colours = s.colours || n >= 30
		}
	}
}

// text returns what the terminal shows.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, line := range s.cells {
		lines = append(lines, strings.TrimRight(string(line), " "))
	}
	return strings.Join(lines, "\n")
}

// waitFor waits until the terminal shows some texts.
func (s *screen) waitFor(texts ...string) {
	s.t.Helper()
	s.waitUntil(fmt.Sprintf("the terminal shows %q", texts), func() bool {
		shown := s.text()
		return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(shown, text) })
	})
}

// waitUntil waits until what the terminal shows meets a condition.
func (s *screen) waitUntil(what string, condition func() bool) {
	s.t.Helper()
	soon := testfleet.Soon(s.t)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-soon.Done():
			s.t.Fatalf("timed out waiting until %s", what)
		}
	}
}

// isFull reports whether a command shows a page, and hasColours whether it has shown a colour.
func (s *screen) isFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.full
}

func (s *screen) hasColours() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.colours
}
