package crawler

import (
	"fmt"
	"strings"
)

// shape bounds what URLs of links look like, since traps make them ever longer.
// 0 is no bound.
type shape struct {
	length  int // bytes
	repeats int // of one segment in the path, next to each other or not
	params  int // in the query
}

// refuses says why a URL is out of bounds, or "".
func (s shape) refuses(u URL) string {
	if s.length > 0 && len(u.href) > s.length {
		return fmt.Sprintf("longer than max_url_length, %d bytes", s.length)
	}
	path, query, asks := strings.Cut(u.Path(), "?")
	if s.params > 0 && asks && strings.Count(query, "&") >= s.params {
		return fmt.Sprintf("more than max_params, %d parameters", s.params)
	}
	if s.repeats > 0 && strings.Count(path, "/") > s.repeats {
		if segment := repeated(path, s.repeats); segment != "" {
			return fmt.Sprintf("the segment %q stands more than max_repeats, %d times, in the path", clip(segment), s.repeats)
		}
	}
	return ""
}

// repeated returns a segment that stands more than most times in a path.
func repeated(path string, most int) string {
	for rest := path; rest != ""; {
		segment, behind, _ := strings.Cut(rest[1:], "/")
		if strings.Count(behind, "/")+1 < most { // so few are left
			return ""
		}
		if segment != "" && occurrences(rest, segment) > most {
			return segment
		}
		rest = rest[1+len(segment):]
	}
	return ""
}

// occurrences counts the segments of a path that are as given.
func occurrences(path, segment string) int {
	n := 0
	for rest := path; ; {
		i := strings.Index(rest, segment)
		if i < 0 {
			return n
		}
		end := i + len(segment)
		if i > 0 && rest[i-1] == '/' && (end == len(rest) || rest[end] == '/') {
			n++
		}
		if end == len(rest) {
			return n
		}
		rest = rest[end:]
	}
}
