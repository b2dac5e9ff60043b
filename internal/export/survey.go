package export

import (
	"context"
	"hash/maphash"
)

// survey knows which lines of a crawl are the last of their URL, among those that existed
// when the survey was made.
type survey struct {
	crawl   *Crawl
	last    []uint64 // a bit for each line, in the order of the segments
	records []uint64 // the same for all lines that are records
	lines   []uint64 // number of lines of each segment
	pages   int      // distinct URLs
	damaged int      // lines that are not records
}

// sight is the last record of a URL so far.
type sight struct {
	at   int64 // when it was fetched, unix milliseconds
	line uint64
}

var urlSeed = maphash.MakeSeed()

func hashOf(url string) uint64 { return maphash.String(urlSeed, url) }

// surveyOf reads all lines of a crawl. It calls damaged for lines that are not records.
// Two URLs with the same 64-bit hash count as one; by chance, that happens in one of
// 370,000 crawls of ten million pages.
func surveyOf(ctx context.Context, c *Crawl, damaged func(at string, err error)) (*survey, error) {
	s := &survey{crawl: c}
	seen := make(map[uint64]sight)
	line := uint64(0)
	for _, segment := range c.segments {
		begin := line
		err := c.each(ctx, segment, func(at place, text []byte) error {
			line++
			url, fetched, err := readHeader(text)
			if err != nil {
				s.damaged++
				damaged(at.String(), err)
				return nil
			}
			s.records = marked(s.records, line-1)
			hash, ms := hashOf(url), fetched.UnixMilli()
			if was, ok := seen[hash]; !ok || ms >= was.at {
				seen[hash] = sight{ms, line - 1}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		s.lines = append(s.lines, line-begin)
	}
	s.last, s.pages = make([]uint64, line/64+1), len(seen)
	for _, sight := range seen {
		s.last[sight.line/64] |= 1 << (sight.line % 64)
	}
	return s, nil
}

// marked sets a bit.
func marked(bits []uint64, at uint64) []uint64 {
	for uint64(len(bits)) <= at/64 {
		bits = append(bits, 0)
	}
	bits[at/64] |= 1 << (at % 64)
	return bits
}

// everything makes each call do with all records.
func (s *survey) everything() {
	s.last = s.records
}

// each calls do with the last record of each URL, in the order of the segments.
func (s *survey) each(ctx context.Context, do func(*Record) error) error {
	first := uint64(0)
	for i, segment := range s.crawl.segments {
		line, end := first, first+s.lines[i]
		err := s.crawl.each(ctx, segment, func(_ place, text []byte) error {
			n := line
			line++
			if n >= end || n/64 >= uint64(len(s.last)) || s.last[n/64]&(1<<(n%64)) == 0 {
				return nil
			}
			return do(&Record{Line: text})
		})
		if err != nil {
			return err
		}
		first = end
	}
	return nil
}
