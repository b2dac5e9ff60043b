package warc

import (
	"bytes"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// derivedFile is a file with two derived records, and their captures.
func derivedFile(t *testing.T) (file []byte, captures []Capture) {
	t.Helper()
	began := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	d, err := NewDerived(&out, "x.warc.wet.gz", strings.NewReader(""), "texts", began)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ url, text string }{
		{"http://example.com/b", "short\n"}, {"http://example.com/a", strings.Repeat("a long text\n", 1000)},
	} {
		if err := d.Add(Derivation{
			Kind: "conversion", From: Capture{URL: c.url, Date: began, Status: 200}, Refers: "<urn:uuid:1>", Date: began,
			ContentType: "text/plain", More: []Field{{"WARC-Identified-Content-Language", "eng"}},
		}, []byte(c.text)); err != nil {
			t.Fatal(err)
		}
	}
	for line := range bytes.Lines(d.Index()) {
		c, err := ParseCapture(line)
		if err != nil {
			t.Fatal(err)
		}
		captures = append(captures, c)
	}
	if len(captures) != 2 || captures[0].URL != "http://example.com/a" {
		t.Fatalf("the index has %+v", captures)
	}
	return out.Bytes(), captures
}

func TestADerivedRecordIsReadBack(t *testing.T) {
	t.Parallel()
	file, captures := derivedFile(t)
	long := strings.Repeat("a long text\n", 1000)
	s, err := Read(bytes.NewReader(file), captures[0], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if s.Version != "WARC/1.1" || string(s.Block) != long || !s.Whole() || s.Digest.String() != captures[0].Digest ||
		s.Get("warc-block-digest") != captures[0].Digest {
		t.Errorf("the record is %+v", s)
	}
	var names []string
	for _, f := range s.Fields {
		names = append(names, f.Name)
	}
	want := []string{"WARC-Type", "WARC-Record-ID", "WARC-Date", "WARC-Target-URI", "WARC-Refers-To",
		"WARC-Identified-Content-Language", "WARC-Block-Digest", "Content-Type", "Content-Length"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	whole := int(s.HeadLength) + len(long) + len("\r\n\r\n")
	if s.Member.Length != captures[0].Length || int(s.Member.Inflated) != whole || s.Member.HeadLength != 10 {
		t.Errorf("the member is %+v, and its record has %d bytes", s.Member, whole)
	}

	part, err := Read(bytes.NewReader(file), captures[0], 5)
	if err != nil || string(part.Block) != "a lon" || part.Whole() || part.Digest != s.Digest || part.Length != s.Length {
		t.Errorf("the beginning of the record is %+v (%v)", part, err)
	}
	if short, err := Read(bytes.NewReader(file), captures[1], 1<<20); err != nil || string(short.Block) != "short\n" ||
		short.Member.CRC == 0 || short.Member.CRC == crc32.ChecksumIEEE(short.Block) {
		t.Errorf("the short record is %+v (%v)", short, err)
	}
}

func TestADamagedRecordIsNotRead(t *testing.T) {
	t.Parallel()
	file, captures := derivedFile(t)
	c := captures[0]
	for what, change := range map[string]func(file []byte) Capture{
		"a changed byte": func(file []byte) Capture { file[c.Offset+c.Length/2] ^= 0x55; return c },
		"a wrong offset": func([]byte) Capture { c := c; c.Offset++; return c },
		"a long length":  func([]byte) Capture { c := captures[1]; c.Length++; return c },
		"a short length": func([]byte) Capture { c := c; c.Length--; return c },
		"the end of file": func([]byte) Capture {
			c := c
			c.Offset = int64(len(file)) + 5
			return c
		},
	} {
		damaged := bytes.Clone(file)
		if s, err := Read(bytes.NewReader(damaged), change(damaged), 1<<20); !errors.Is(err, ErrNotWhole) {
			t.Errorf("%s: got %v and %v", what, s, err)
		}
	}
}
