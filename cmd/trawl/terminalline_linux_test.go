package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// pseudoTerminal opens a terminal with a number of columns. The returned file reads its output.
func pseudoTerminal(t *testing.T, columns uint16) (*terminal, *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { file.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return &terminal{file: file}, screen
}

var control = regexp.MustCompile("\r|\x1b\\[[0-9;]*[mK]")

func TestARewrittenLineNeverWraps(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	for _, c := range []struct {
		columns uint16
		text    string
		want    string
	}{
		{20, "12 pages  3 waiting", "12 pages  3 waiting"},
		{20, "12 pages  34 waiting  none", "12 pages  34 waiti…"},
		{10, "日本語日本語日本語", "日本語日…"},
		{2, "12 pages", "…"},
		{0, strings.Repeat("x", 200), strings.Repeat("x", 78) + "…"}, // the terminal does not report its width
	} {
		w, screen := pseudoTerminal(t, c.columns)
		if !w.live() || !w.coloured() {
			t.Fatal("a terminal is not recognized")
		}
		w.rewrite(span{c.text, styleWarn})
		fmt.Fprintln(w)
		line, err := bufio.NewReader(screen).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(line, "\x1b[33m") {
			t.Errorf("%d columns: %q has no colour", c.columns, line)
		}
		if got := strings.TrimSpace(control.ReplaceAllString(line, "")); got != c.want {
			t.Errorf("%d columns: got %q, want %q", c.columns, got, c.want)
		}
	}
}

func TestColorsRespectTheTerminalAndNO_COLOR(t *testing.T) {
	for _, c := range []struct{ name, term, noColor, want string }{
		{"a terminal", "xterm", "", "\x1b[31mwrong\x1b[m it\r\n"},
		{"NO_COLOR", "xterm", "1", "wrong it\r\n"},
		{"a terminal without a cursor", "dumb", "", "wrong it\r\n"},
	} {
		t.Setenv("TERM", c.term)
		t.Setenv("NO_COLOR", c.noColor)
		w, screen := pseudoTerminal(t, 80)
		if err := paint(w, span{"wrong", styleWrong}); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(w, " it")
		if got, err := bufio.NewReader(screen).ReadString('\n'); err != nil || got != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.name, got, err, c.want)
		}
	}
}
