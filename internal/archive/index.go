package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/surt"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// Bounds of an index.
const (
	maxLine     = 1 << 20 // bytes of a line
	maxIndex    = 8 << 30 // bytes of all lines of an index
	maxTroubles = 20      // lines whose damage is reported
)

// errIndex says that an index has more than maxIndex bytes.
var errIndex = errors.New("the index is larger than 8 GiB")

// read adds the captures of an index. Lines that are not captures are skipped.
func (a *Archive) read(name string, lines io.Reader) error {
	left := &io.LimitedReader{R: lines, N: maxIndex}
	in := bufio.NewScanner(left)
	in.Buffer(make([]byte, 64<<10), maxLine)
	for in.Scan() {
		line := in.Bytes()
		if len(line) == 0 || line[0] == ' ' || line[0] == '!' {
			continue // the header of a CDX file
		}
		c, err := parseLine(line)
		if err != nil {
			a.trouble(name, err)
			continue
		}
		a.captures = append(a.captures, c)
	}
	err := in.Err()
	if left.N <= 0 {
		err = errIndex
	}
	if err != nil {
		a.trouble(name, err)
	}
	return nil
}

// trouble notes damage of an index.
func (a *Archive) trouble(name string, err error) {
	if len(a.damage) < maxTroubles {
		a.damage = append(a.damage, fmt.Errorf("%q: %w: %w", name, ErrDamaged, err))
	}
}

// word is a text that some programs write as a number.
type word string

// UnmarshalJSON reads a string, a number or null.
func (w *word) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(w))
	}
	if string(text) != "null" {
		*w = word(text)
	}
	return nil
}

// parseLine parses a line of a CDXJ index, of this program or another.
func parseLine(line []byte) (c Capture, err error) {
	head, fields, ok := bytes.Cut(line, []byte(" {"))
	_, stamp, dated := bytes.Cut(head, []byte(" "))
	if !ok || !dated {
		return c, fmt.Errorf("%q is not a line of a CDXJ index", line[:min(len(line), 120)])
	}
	var f struct {
		URL, MIME, Digest, Filename string
		Status, Offset, Length      word
	}
	if err := json.Unmarshal(append([]byte("{"), fields...), &f); err != nil {
		return c, fmt.Errorf("%q: %w", head, err)
	}
	at, err := ParseStamp(string(stamp))
	if err != nil {
		return c, err
	}
	c.Capture = warc.Capture{URL: f.URL, Date: at, MIME: f.MIME, Digest: f.Digest, File: path.Base(f.Filename)}
	c.Key = surt.Key(c.URL)
	c.Status, _ = strconv.Atoi(string(f.Status)) // "-" and "" for what has no status
	var errs [2]error
	c.Offset, errs[0] = strconv.ParseInt(string(f.Offset), 10, 64)
	if f.Length != "" {
		c.Length, errs[1] = strconv.ParseInt(string(f.Length), 10, 64)
	}
	switch err := errors.Join(errs[:]...); {
	case err != nil:
		return c, fmt.Errorf("%q: %w", head, err)
	case c.URL == "" || c.Offset < 0 || c.Length < 0 || !isWARC(c.File):
		return c, fmt.Errorf("%q does not name a record: it has url %q, filename %q and offset %d", head, c.URL, f.Filename,
			c.Offset)
	}
	return c, nil
}

// isWARC reports whether a name is that of a WARC file, without folders.
func isWARC(name string) bool {
	return (strings.HasSuffix(name, ".warc.gz") || strings.HasSuffix(name, ".warc")) && !strings.ContainsAny(name, `/\`)
}

// stampForm is the form of times in indexes and URLs.
const stampForm = "20060102150405"

// ParseStamp parses the digits of a time, such as 20261130120000. Of a time that is cut
// short, such as 2026, it returns the beginning of that year, month, day, hour or minute.
func ParseStamp(digits string) (time.Time, error) {
	const earliest = "00000101000000"
	if n := len(digits); n >= 4 && n < len(stampForm) && n%2 == 0 {
		digits += earliest[n:]
	}
	if len(digits) > len(stampForm) { // milliseconds
		digits = digits[:len(stampForm)]
	}
	at, err := time.Parse(stampForm, digits)
	if err != nil {
		return at, fmt.Errorf("time %q: want 4 to 14 digits, such as 20261130120000", digits)
	}
	return at, nil
}

// Stamp returns the digits of a time.
func Stamp(t time.Time) string { return t.UTC().Format(stampForm) }
