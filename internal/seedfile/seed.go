package seedfile

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Seed is a URL to add to a job. A list of seeds has one per line, as String formats and
// [ParseSeed] parses it.
type Seed struct {
	URL string `json:"url"`
	// Priority is the priority of the URL. The default "" is that of the first of the job's
	// priorities that it matches, or high if it matches none. It has no effect for a URL
	// that the job has already seen.
	Priority crawler.Priority `json:"priority,omitempty"`
	// Changed says that the page may have changed since a continuous job fetched it: it is
	// fetched again as soon as the job's settings allow. Default false.
	Changed bool `json:"changed,omitempty"`
}

// seedForm is how to write a seed in JSON.
const seedForm = `{"url": "…"}, perhaps with "priority": "…" and "changed": true`

// ParseSeed parses a line of a list: a URL, or a JSON object with a url and optionally a
// priority and changed. In a line with several columns, the URL ends at the first tab. Bytes that are
// not UTF-8 are percent-encoded, see [urltext.EncodeBytes]. Unknown fields of an object are an
// error, and so is an unknown priority. Whether the URL is valid is not checked.
func ParseSeed(line string) (Seed, error) {
	if !strings.HasPrefix(line, "{") {
		url, _, _ := strings.Cut(line, "\t")
		return Seed{URL: urltext.EncodeBytes(strings.TrimSpace(url))}, nil
	}
	return ParseSeedJSON([]byte(line))
}

// ParseSeedJSON parses a seed in JSON.
func ParseSeedJSON(line []byte) (Seed, error) {
	var s Seed
	// The decoder would replace such bytes with U+FFFD.
	decoder := json.NewDecoder(strings.NewReader(urltext.EncodeBytes(string(line))))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&s)
	if err == nil {
		if _, end := decoder.Token(); end != io.EOF {
			err = errors.New("the line has more than one object")
		}
	}
	if name, ok := unknownField(err); ok {
		return Seed{}, fmt.Errorf("unknown field %q%s: want %s", name,
			plain.Suggest(name, []string{"url", "priority", "changed"}), seedForm)
	}
	if err != nil {
		return Seed{}, fmt.Errorf("want %s: %w", seedForm, err)
	}
	if s.URL == "" {
		return Seed{}, errors.New("want " + seedForm + ": it has no url")
	}
	if err := s.Priority.Validate(); err != nil {
		return Seed{}, fmt.Errorf("priority: %w", err)
	}
	return s, nil
}

// unknownField returns the field that an error of encoding/json is about.
func unknownField(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	name, broken := strconv.Unquote(quoted)
	return name, ok && broken == nil
}

// String formats the seed as a line of a list: only the URL if it has no priority.
func (s Seed) String() string {
	if s.Priority == "" && !s.Changed {
		return s.URL
	}
	line, _ := json.Marshal(s) // encoding strings cannot fail
	return string(line)
}

// Changed yields the lines of a list of seeds as those of pages that may have changed.
func Changed(lines iter.Seq2[string, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for line, err := range lines {
			if err == nil && line != "" {
				if s, bad := ParseSeed(line); bad == nil {
					s.Changed = true
					line = s.String()
				}
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

// Prioritized yields the lines of a list of seeds with a priority, except those that have
// one of their own and those that cannot be parsed.
func Prioritized(lines iter.Seq2[string, error], p crawler.Priority) iter.Seq2[string, error] {
	if p == "" {
		return lines
	}
	return func(yield func(string, error) bool) {
		for line, err := range lines {
			if err == nil && line != "" {
				line = prioritized(line, p)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func prioritized(line string, p crawler.Priority) string {
	s, err := ParseSeed(line)
	if err != nil || s.Priority != "" {
		return line
	}
	s.Priority = p
	return s.String()
}

// LineError is an error in one line of a list of seeds. The lines after it can still be
// read.
type LineError struct {
	Text string // how the line starts
	Err  error
}

// Error describes the error.
func (e *LineError) Error() string { return e.Err.Error() }

// Unwrap returns the underlying error.
func (e *LineError) Unwrap() error { return e.Err }

// AsLineError returns the LineError in an error; false for any other error, and for nil.
func AsLineError(err error) (*LineError, bool) {
	if err == nil { // the common case
		return nil, false
	}
	var bad *LineError
	ok := errors.As(err, &bad)
	return bad, ok
}

// shownOfLine is how much of an invalid line is shown, in bytes.
const shownOfLine = 200

// SeedLines yields the lines of a list of seeds, one for each line of the list, in the form
// that [ParseSeed] parses: "" for a line that is empty or starts with #. A line of more
// than longest bytes, which must be more than 0, yields a [LineError], and the list
// continues. Any other error is the last value. A list in UTF-16 is read as well if it has
// a byte order mark. SeedLines holds one line in memory at a time, and can be ranged over
// once.
func SeedLines(r io.Reader, longest int) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		lines := lineReader{r: bufio.NewReaderSize(decoded(r), 64<<10), longest: longest}
		for {
			line, err := lines.next()
			if err == io.EOF || !yield(line, err) {
				return
			}
			if _, ok := AsLineError(err); err != nil && !ok {
				return
			}
		}
	}
}

// decoded returns the text of a list that may be in UTF-16, as some Windows tools write it.
func decoded(r io.Reader) io.Reader {
	peek := bufio.NewReaderSize(r, 64<<10)
	switch mark, _ := peek.Peek(2); string(mark) {
	case "\xff\xfe":
		return &utf16Reader{r: peek, order: binary.LittleEndian}
	case "\xfe\xff":
		return &utf16Reader{r: peek, order: binary.BigEndian}
	}
	return peek
}

// utf16Reader converts UTF-16 to UTF-8. It drops an incomplete character at the end.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	out   []byte // converted and not yet read
	high  rune   // the first half of a surrogate pair; 0 for none
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	var unit [2]byte
	for len(u.out) == 0 {
		if _, err := io.ReadFull(u.r, unit[:]); err != nil {
			if err == io.ErrUnexpectedEOF {
				err = io.EOF
			}
			return 0, err
		}
		c := rune(u.order.Uint16(unit[:]))
		switch {
		case u.high != 0:
			u.out, u.high = utf8.AppendRune(u.out[:0], utf16.DecodeRune(u.high, c)), 0
		case utf16.IsSurrogate(c):
			u.high = c
		default:
			u.out = utf8.AppendRune(u.out[:0], c)
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

// lineReader reads lines of a limited length.
type lineReader struct {
	r       *bufio.Reader
	longest int
	line    []byte
}

// next returns the next line without surrounding white space, or io.EOF after the last.
func (l *lineReader) next() (string, error) {
	l.line = l.line[:0]
	for {
		part, err := l.r.ReadSlice('\n')
		room := l.longest + len("\r\n") + 1 - len(l.line)
		l.line = append(l.line, part[:min(len(part), max(0, room))]...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(l.line) == 0:
			return "", io.EOF
		case err != nil && err != io.EOF:
			return "", err
		}
		return l.text()
	}
}

func (l *lineReader) text() (string, error) {
	text := strings.TrimRight(string(l.line), "\r\n")
	if len(text) > l.longest {
		shown := urltext.HideLogin(text[:min(len(text), shownOfLine)]) + "…"
		return "", &LineError{shown, fmt.Errorf("the line is too long: at most %d bytes are allowed", l.longest)}
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if strings.HasPrefix(text, "#") {
		return "", nil
	}
	return text, nil
}
