package warctest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// entry is a line of a CDXJ index.
type entry struct {
	URL, Mime, Status, Digest, Length, Offset, Filename string
}

// Index checks the indexes of an archive: each capture has one line, in order, with which it can be
// read by itself.
func Index(t testing.TB, a *Archive) {
	t.Helper()
	captures := make(map[string]*Record)
	for _, r := range a.Captures() {
		captures[r.File+" "+strconv.FormatInt(r.Offset, 10)] = r
	}
	for _, name := range a.Files {
		text, err := os.ReadFile(filepath.Join(a.Dir, strings.TrimSuffix(name, ".warc.gz")+".cdxj"))
		if err != nil {
			t.Error(err)
			continue
		}
		lines := slices.Collect(strings.Lines(string(text)))
		if !slices.IsSorted(lines) {
			t.Errorf("the index of %s is not sorted", name)
		}
		for _, line := range lines {
			key := checkLine(t, captures, line)
			delete(captures, key)
		}
	}
	for _, r := range captures {
		t.Errorf("%s: it is not in the index", r)
	}
}

// checkLine compares a line with its record, and returns the record's key.
func checkLine(t testing.TB, captures map[string]*Record, line string) string {
	t.Helper()
	parts := strings.SplitN(line, " ", 3)
	var e entry
	if len(parts) != 3 || !strings.HasSuffix(line, "}\n") {
		t.Errorf("not a line of an index: %q", line)
	} else if err := json.Unmarshal([]byte(parts[2]), &e); err != nil {
		t.Errorf("not a line of an index: %v: %q", err, line)
	}
	key := e.Filename + " " + e.Offset
	r := captures[key]
	if r == nil {
		t.Errorf("not a capture, or one that already has a line: %q", line)
		return key
	}
	stamp := strings.NewReplacer("-", "", "T", "", ":", "").Replace(r.Get("WARC-Date")[:19])
	want := entry{
		URL: r.Get("WARC-Target-URI"), Mime: e.Mime, Status: strings.Split(r.HTTP.First+" ", " ")[1],
		Digest: r.Get("WARC-Payload-Digest"),
		Length: strconv.FormatInt(r.Length, 10), Offset: strconv.FormatInt(r.Offset, 10), Filename: r.File,
	}
	if e != want || parts[1] != stamp || (e.Mime == "warc/revisit") != (r.Type() == "revisit") {
		t.Errorf("%s: the index has\n%s, want %s %+v", r, line, stamp, want)
	}
	return key
}
