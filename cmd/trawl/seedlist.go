package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/internal/seedfile"
)

// seedList yields the URLs that arguments name: URLs, files, and - for standard input. The
// lines are numbered consecutively, as tasks.Client counts them, and find returns where
// each one was. It is safe for concurrent use.
type seedList struct {
	args  []string
	stdin io.Reader

	mu    sync.Mutex
	count int64       // lines so far
	lists []seedStart // in the order in which they were read
}

// seedStart is the position of a list of URLs among all lines.
type seedStart struct {
	name   string // "" for an argument that is a URL
	before int64  // number of lines before its first
}

// newSeedList returns an error if a file does not exist, before any is read.
func newSeedList(args []string, stdin io.Reader) (*seedList, error) {
	for _, arg := range args {
		if arg == "-" || strings.Contains(arg, "://") {
			continue
		}
		if info, err := os.Stat(arg); err != nil || info.IsDir() {
			return nil, usage("%q is neither a URL (with http:// or https://) nor a file of URLs", arg)
		}
	}
	return &seedList{args: args, stdin: stdin}, nil
}

// find returns the list that a line was in, and its number there. It returns "" and 0 for
// an argument, and for line 0.
func (l *seedList) find(line int64) (list string, number int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.lists {
		if s.before < line {
			list, number = s.name, line-s.before
		}
	}
	if list == "" {
		return "", 0
	}
	return list, number
}

// begin records that a list begins; line records that it has another line.
func (l *seedList) begin(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lists = append(l.lists, seedStart{name, l.count})
}

func (l *seedList) line() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count++
}

// urls yields the lines, until ctx ends. Lines without a URL (empty ones, and comments that
// start with #) are empty strings.
func (l *seedList) urls(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, arg := range l.args {
			if !l.yieldArgument(ctx, arg, yield) {
				return
			}
		}
	}
}

func (l *seedList) yieldArgument(ctx context.Context, arg string, yield func(string, error) bool) bool {
	switch {
	case arg == "-":
		return l.yieldList(ctx, "standard input", l.stdin, yield)
	case strings.Contains(arg, "://"):
		l.begin("")
		l.line()
		return yield(arg, nil)
	}
	file, err := os.Open(arg)
	if err != nil {
		return yield("", err)
	}
	defer file.Close()
	return l.yieldList(ctx, arg, file, yield)
}

// yieldList yields the lines of a list, which may be compressed.
func (l *seedList) yieldList(ctx context.Context, name string, r io.Reader, yield func(string, error) bool) bool {
	l.begin(name)
	from := stoppable(ctx, r)
	defer from.Close()
	plain, err := decompress(from)
	if err != nil {
		return yield("", fmt.Errorf("%s: %w", name, err))
	}
	defer plain.Close()
	for text, err := range seedfile.SeedLines(plain, longestLine) {
		if _, bad := seedfile.AsLineError(err); err != nil && !bad {
			return yield("", fmt.Errorf("read %s: %w", name, err))
		}
		l.line()
		if !yield(text, err) {
			return false
		}
	}
	return true
}

// decompress recognizes gzip and zstd by their first bytes.
func decompress(r io.Reader) (io.ReadCloser, error) {
	peek := bufio.NewReaderSize(r, 64<<10)
	head, _ := peek.Peek(4)
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		return gzip.NewReader(peek)
	case len(head) == 4 && string(head) == "\x28\xb5\x2f\xfd":
		decoder, err := zstd.NewReader(peek)
		if err != nil {
			return nil, err
		}
		return decoder.IOReadCloser(), nil
	}
	return io.NopCloser(peek), nil
}

// stoppable reads from r until ctx ends. If r neither returns data nor ends, as a pipe may,
// a goroutine stays until it does.
func stoppable(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		defer stop()
		_, err := io.CopyBuffer(struct{ io.Writer }{in}, struct{ io.Reader }{r}, make([]byte, 64<<10))
		in.CloseWithError(err)
	}()
	return out
}
