package warctest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Readers lets readers that others wrote read the archive and its indexes, as far as
// they are installed: warccheck, in the folder tools of what lies beside the
// checkout's root, and warcio, if Python has it.
func Readers(t testing.TB, root string, a *Archive) {
	t.Helper()
	warcs, _ := filepath.Glob(filepath.Join(a.Dir, "*.warc.gz"))
	indexes, _ := filepath.Glob(filepath.Join(a.Dir, "*.cdxj"))
	check := filepath.Join(root, "..", "shared", "tools", "warccheck")
	if _, err := os.Stat(check); err != nil {
		t.Logf("warccheck is not here: %v", err)
	} else {
		said, err := exec.Command(check, append(append(append([]string{}, warcs...), "--cdxj"), indexes...)...).CombinedOutput()
		t.Logf("warccheck: %s", tail(said))
		if err != nil {
			t.Errorf("warccheck: %v\n%s", err, said)
		}
	}
	warcio(t, warcs, len(a.Records))
}

// asksWarcio prints "type status uri length" for each record. It does not let
// warcio compare payload digests: it takes them over chunks and all.
const asksWarcio = `
import sys
from warcio.archiveiterator import ArchiveIterator
for path in sys.argv[1:]:
    with open(path, "rb") as f:
        for r in ArchiveIterator(f):
            status = r.http_headers.get_statuscode() if r.http_headers and r.rec_type in ("response", "revisit") else "-"
            print(r.rec_type, status, r.rec_headers.get_header("WARC-Target-URI"), len(r.content_stream().read()))
`

func warcio(t testing.TB, warcs []string, want int) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err == nil {
		err = exec.Command(python, "-c", "import warcio").Run()
	}
	if err != nil {
		t.Logf("warcio is not here: %v", err)
		return
	}
	said, err := exec.Command(python, append([]string{"-c", asksWarcio}, warcs...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("warcio: %v\n%s", err, exit.Stderr)
	}
	if got := strings.Count(string(said), "\n"); got != want {
		t.Errorf("warcio finds %d records, want %d:\n%s", got, want, said)
	}
	t.Logf("warcio: %d records", want)
}

func tail(said []byte) string {
	lines := strings.Split(strings.TrimSpace(string(said)), "\n")
	return lines[len(lines)-1]
}
