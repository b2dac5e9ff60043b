package rules

import (
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// shape limits the form of link URLs, because traps make them longer and longer. 0 is no
// limit.
type shape struct {
	length  int // bytes
	repeats int // of a segment in the path, adjacent or not
	params  int // in the query
}

// refuses says why a URL exceeds the limits; "" if it does not.
func (s shape) refuses(u crawler.URL) string { return s.refusal(u).Reason }

func (s shape) refusal(u crawler.URL) queue.SkipReason {
	if s.length > 0 && len(u.String()) > s.length {
		return queue.SkipReason{Rule: queue.RuleURLLength,
			Reason: fmt.Sprintf("longer than max_url_length, %d bytes", s.length)}
	}
	path, query, asks := strings.Cut(u.Path(), "?")
	if s.params > 0 && asks && strings.Count(query, "&") >= s.params {
		return queue.SkipReason{Rule: queue.RuleParams,
			Reason: fmt.Sprintf("more than max_params, %d parameters", s.params)}
	}
	if s.repeats > 0 && strings.Count(path, "/") > s.repeats {
		if segment := repeated(path, s.repeats); segment != "" {
			return queue.SkipReason{Rule: queue.RuleRepeats,
				Reason: fmt.Sprintf("the segment %q occurs more than max_repeats, %d times, in the path",
					urltext.Clip(segment), s.repeats)}
		}
	}
	return queue.SkipReason{}
}

// repeated returns a segment that occurs more than most times in a path; "" if none does.
func repeated(path string, most int) string {
	for rest := path; rest != ""; {
		segment, behind, _ := strings.Cut(rest[1:], "/")
		if strings.Count(behind, "/")+1 < most { // too few segments are left
			return ""
		}
		if segment != "" && occurrences(rest, segment) > most {
			return segment
		}
		rest = rest[1+len(segment):]
	}
	return ""
}

// occurrences counts the segments of a path that equal segment.
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
