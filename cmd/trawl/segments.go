package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// filesOf returns the segments of lines in an output folder whose names begin
// with kind, by name. Earlier results that were set aside are not among them.
func filesOf(dir, kind string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%q is not there: name the folder that a crawl wrote to", dir)
	}
	if err != nil {
		return nil, failed("read %q: %v", dir, err)
	}
	var files []string
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, kind) && strings.HasSuffix(name, ".jsonl") {
			files = append(files, filepath.Join(dir, name))
		}
	}
	return files, nil
}

// eachLine calls do with each whole line of a file, without its end. A last line
// without an end is still being written. An error of do is told with the place.
func eachLine(ctx context.Context, path string, do func(offset int64, line []byte) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewReaderSize(file, 1<<20)
	for offset := int64(0); ; {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := do(offset, line[:len(line)-1]); err != nil {
			return fmt.Errorf("%s, at byte %d: %w", path, offset, err)
		}
		offset += int64(len(line))
	}
}
