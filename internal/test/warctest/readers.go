package warctest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Readers reads the archive and its indexes with independent readers, as far as they are installed:
// warccheck, in the folder tools next to the checkout, Python's standard library, and warcio, if
// Python has it.
func Readers(t testing.TB, root string, a *Archive) {
	t.Helper()
	Checked(t, root, a)
	python(t, a)
}

// Checked reads an archive of any records as Readers does, but without Python's standard library,
// which is asked for responses.
func Checked(t testing.TB, root string, a *Archive) {
	t.Helper()
	var warcs []string
	for _, name := range a.Files {
		warcs = append(warcs, filepath.Join(a.Dir, name))
	}
	indexes, _ := filepath.Glob(filepath.Join(a.Dir, "*.cdxj"))
	check := filepath.Join(root, "..", "shared", "tools", "warccheck")
	if _, err := os.Stat(check); err != nil {
		t.Logf("warccheck was not found: %v", err)
	} else {
		said, err := exec.Command(check, append(append(append([]string{}, warcs...), "--cdxj"),
			indexes...)...).CombinedOutput()
		t.Logf("warccheck: %s", tail(said))
		if err != nil {
			t.Errorf("warccheck: %v\n%s", err, said)
		}
	}
	warcio(t, warcs, len(a.Records))
}

// readsInPython reads archives with Python's standard library only: each indexed record by itself,
// from its offset, with its digests; the body of a response is what Python's HTTP client makes of
// the block. It prints how many records it read, and fails at the first one that does not match.
const readsInPython = `
import base64, email.parser, gzip, hashlib, http.client, io, json, os, sys

def sha1(b): return "sha1:" + base64.b32encode(hashlib.sha1(b).digest()).decode()

class Block(io.BytesIO):
    def makefile(self, *args): return self
    def close(self): pass

n = 0
for index in sys.argv[1:]:
    lines = open(index, encoding="utf-8").read().splitlines()
    assert lines == sorted(lines, key=lambda l: l.encode()), "not sorted"
    for line in lines:
        where = json.loads(line[line.index(" {"):])
        with open(os.path.join(os.path.dirname(index), where["filename"]), "rb") as f:
            f.seek(int(where["offset"]))
            record = gzip.decompress(f.read(int(where["length"])))
        head, _, rest = record.partition(b"\r\n\r\n")
        version, _, fields = head.partition(b"\r\n")
        assert version == b"WARC/1.1", version
        fields = email.parser.Parser().parsestr(fields.decode("utf-8"))
        length = int(fields["Content-Length"])
        block, end = rest[:length], rest[length:]
        assert len(block) == length and end == b"\r\n\r\n", "length"
        assert fields["WARC-Target-URI"] == where["url"], where
        assert sha1(block) == fields["WARC-Block-Digest"], "block digest of " + where["url"]
        assert fields["WARC-Payload-Digest"] == where["digest"], "digest of " + where["url"]
        if fields["WARC-Type"] == "response":
            answer = http.client.HTTPResponse(Block(block))
            answer.begin()
            assert str(answer.status) == where["status"], where
            try:
                body = answer.read()
            except http.client.IncompleteRead as e:
                assert fields["WARC-Truncated"], "not whole: " + where["url"]
                body = e.partial
            if fields["WARC-Truncated"] is None:
                assert sha1(body) == where["digest"], "payload digest of " + where["url"]
        else:
            assert fields["WARC-Type"] == "revisit" and fields["WARC-Profile"] and fields["WARC-Refers-To"], fields
        n += 1
print(n)
`

func python(t testing.TB, a *Archive) {
	t.Helper()
	indexes, _ := filepath.Glob(filepath.Join(a.Dir, "*.cdxj"))
	path, err := exec.LookPath("python3")
	if err != nil {
		t.Logf("Python was not found: %v", err)
		return
	}
	said, err := exec.Command(path, append([]string{"-c", readsInPython}, indexes...)...).CombinedOutput()
	if err != nil {
		t.Errorf("Python: %v\n%s", err, said)
		return
	}
	if got, want := strings.TrimSpace(string(said)), strconv.Itoa(len(a.Captures())); got != want {
		t.Errorf("Python reads %s answers, want %s", got, want)
	}
	t.Logf("Python: %s answers", strings.TrimSpace(string(said)))
}

// asksWarcio prints "type status uri length" for each record. It does not let warcio compare
// payload digests, because warcio computes them over the chunked body.
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
		t.Logf("warcio was not found: %v", err)
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
