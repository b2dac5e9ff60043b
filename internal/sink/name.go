package sink

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of names, in bytes. The nameIndex may add a suffix to each segment, so maxWished
// stays below 1,000, the limit for whole names.
const (
	maxSegment = 120
	maxLevels  = 10
	maxWished  = 800
)

// wish returns the name that the body of u gets unless another URL has it already: its
// host, the segments of its path and, appended to the last segment, the query. It depends
// only on the URL and, where the path ends in a slash, on whether the content is HTML.
// Percent-encoding is removed where the character is harmless in a file name on every
// system, and added where it is not, so that different paths have different names. An
// empty segment becomes "%".
func wish(u crawler.URL, contentType string) []string {
	p, query, asked := strings.Cut(u.Path(), "?")
	segments := strings.Split(strings.TrimPrefix(p, "/"), "/")
	last := len(segments) - 1
	if segments[last] == "" {
		segments[last] = index(contentType)
	}
	for i, s := range segments {
		segments[i] = escape(unescape(s))
	}
	if asked { // a query keeps its encoding: %26 and & are not the same in it
		segments[last] += "@" + strings.ReplaceAll(escape(query), "%25", "%")
	}
	return bounded(append([]string{hostName(u.Host())}, segments...))
}

// told changes a wish so that no other URL can have the same name, or a folder of the
// same name, without knowing any other URL. It encodes the dots in folder names, and
// gives the file a suffix if its name has no extension or does not equal the URL's path.
// A path that ends in a slash counts as equal to its index.
func told(u crawler.URL, segments []string) []string {
	last := len(segments) - 1
	plain := "https://" + strings.Join(segments, "/")
	if dir, isIndex := strings.CutSuffix(plain, "/index.html"); isIndex {
		plain = dir + "/"
	}
	for i, s := range segments[1:max(1, last)] {
		segments[i+1] = strings.ReplaceAll(s, ".", "%2E")
	}
	if plain != u.String() || path.Ext(segments[last]) == "" {
		segments[last] = suffixed(segments[last], u.String())
	}
	return segments
}

// index returns the file name for a path that ends in a slash.
func index(contentType string) string {
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "text/html" || media == "application/xhtml+xml" {
		return "index.html"
	}
	return "index"
}

// hostName avoids the names of the record files, and of the Markdown and mirror folders,
// which are beside the folders of hosts.
func hostName(h crawler.Host) string {
	name := escape(string(h))
	if name == markdownFolder || name == FormatMirror {
		return encoded(name[:1]) + name[1:]
	}
	if stem, ok := strings.CutSuffix(name, ".jsonl"); ok {
		return stem + "%2Ejsonl"
	}
	return name
}

// bounded finishes the segments. Segments that are nested too deeply, or that exceed the
// total length, are joined into one with a hash.
func bounded(segments []string) []string {
	room := maxWished
	for i, s := range segments {
		name := finish(s)
		last := i == len(segments)-1
		room -= len(name) + len("/")
		if !last && (i == maxLevels-1 || room < maxSegment) {
			joined := strings.Join(segments[i:], "%2F")
			return append(segments[:i], suffixed(harmless(joined), joined))
		}
		segments[i] = name
	}
	return segments
}

// unescape removes percent-encoding (RFC 3986, 2.1) and leaves everything else as it is.
func unescape(s string) string {
	at := strings.IndexByte(s, '%')
	if at < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for ; at >= 0; at = strings.IndexByte(s, '%') {
		b = append(b, s[:at]...)
		s = s[at:]
		if c, err := hex.DecodeString(s[1:min(len(s), len("%XX"))]); err == nil && len(c) == 1 {
			b, s = append(b, c[0]), s[len("%XX"):]
		} else {
			b, s = append(b, '%'), s[1:]
		}
	}
	return string(append(b, s...))
}

// escape percent-encodes the percent sign, characters that some system forbids in file
// names, invalid UTF-8, and characters that are invisible or change the direction of
// text.
func escape(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i, width := 0, 0; i < len(s); i += width {
		var r rune
		r, width = utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && width == 1 || !unicode.IsPrint(r) || strings.ContainsRune(reserved, r) {
			b.WriteString(encoded(s[i : i+width]))
			continue
		}
		b.WriteString(s[i : i+width])
	}
	return b.String()
}

// reserved has the characters that escape encodes although they are printable.
const reserved = `%/\:*?"<>|`

// isPlain reports whether escape leaves s as it is because all of it is ASCII, as most names are.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || strings.IndexByte(reserved, c) >= 0 {
			return false
		}
	}
	return true
}

// encoded percent-encodes every byte.
func encoded(bytes string) string {
	return "%" + strings.ReplaceAll(fmt.Sprintf("% X", bytes), " ", "%")
}

// finish makes one segment of escaped text: harmless and not too long.
func finish(s string) string {
	s = harmless(s)
	if len(s) > maxSegment {
		return suffixed(s, s)
	}
	return s
}

// harmless changes escaped text so that it is not hidden, does not look like an option,
// names no device, and has no ending that some system drops.
func harmless(s string) string {
	if s == "" {
		return "%"
	}
	if strings.ContainsRune(".- ", rune(s[0])) || isDevice(s) {
		s = encoded(s[:1]) + s[1:]
	}
	if end := s[len(s)-1]; end == '.' || end == ' ' {
		s = s[:len(s)-1] + encoded(string(end))
	}
	return s
}

// isDevice reports whether Windows reserves a name for a device, whatever its extension ("Naming
// Files, Paths, and Namespaces" in Microsoft's documentation).
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.TrimRight(stem, " ")
	if len(stem) < len("con") || len(stem) > len("conout$") {
		return false
	}
	switch kind, rest := strings.ToLower(stem[:len("con")]), stem[len("con"):]; kind {
	case "prn", "aux", "nul":
		return rest == ""
	case "con":
		return rest == "" || strings.EqualFold(rest, "in$") || strings.EqualFold(rest, "out$")
	case "com", "lpt":
		return rest != "" && strings.Trim(rest, "0123456789¹²³") == "" && utf8.RuneCountInString(rest) == 1
	}
	return false
}

// suffixed appends "~" and a hash of what to a finished segment, before its extension,
// and shortens the segment to fit.
func suffixed(segment, what string) string {
	sum := sha256.Sum256([]byte(what))
	ext := path.Ext(segment)
	if len(ext) > 12 || len(ext) == len(segment) {
		ext = ""
	}
	tail := "~" + hex.EncodeToString(sum[:8]) + ext
	return cut(strings.TrimSuffix(segment, ext), maxSegment-len(tail)) + tail
}

// cut shortens escaped text to at most most bytes without splitting a rune or the
// percent-encoding of a byte.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	if i := strings.LastIndexByte(s[:most], '%'); i >= 0 && i > most-len("%XX") {
		most = i
	}
	return s[:most]
}
