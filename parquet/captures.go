package parquet

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

// captureRows is how many rows of an index of captures are sorted in memory, at about a
// kilobyte each.
const captureRows = 1 << 15

// captures sorts the rows of an index of captures. Rows that do not fit into memory wait in a
// temporary file, in runs that are sorted, and are merged at the end.
type captures struct {
	file[tabular.CaptureRow]
	temp string // folder
	rows []tabular.CaptureRow
	runs *os.File // nil before the first run
	ends []int64  // of each run in the file
}

func newCaptures(w io.Writer, temp string) tabular.File[tabular.CaptureRow] {
	sorted := newWriter(w, reflect.TypeFor[tabular.CaptureRow](), "url_surtkey", "fetch_time")
	return &captures{file: file[tabular.CaptureRow]{sorted}, temp: temp}
}

func inOrder(a, b tabular.CaptureRow) int {
	return cmp.Or(cmp.Compare(a.SURTKey, b.SURTKey), a.FetchTime.Compare(b.FetchTime))
}

// Write adds rows. An error is final.
func (c *captures) Write(rows []tabular.CaptureRow) (int, error) {
	for i, row := range rows {
		if c.rows = append(c.rows, row); len(c.rows) < captureRows {
			continue
		}
		if err := c.spill(); err != nil {
			return i, fmt.Errorf("sort the rows in %q: %w", c.temp, err)
		}
	}
	return len(rows), nil
}

// Flush does nothing: the row groups are those of the sorted rows.
func (c *captures) Flush() error { return nil }

// spill moves the rows in memory to the temporary file, as a run.
func (c *captures) spill() (err error) {
	if c.runs == nil {
		if c.runs, err = os.CreateTemp(c.temp, ".rows-*"); err != nil {
			return err
		}
	}
	slices.SortStableFunc(c.rows, inOrder)
	out := bufio.NewWriter(c.runs)
	lines := json.NewEncoder(out)
	for _, row := range c.rows {
		if err := lines.Encode(row); err != nil {
			return err
		}
	}
	c.rows = c.rows[:0]
	if err := out.Flush(); err != nil {
		return err
	}
	end, err := c.runs.Seek(0, io.SeekCurrent)
	c.ends = append(c.ends, end)
	return err
}

// Close writes the sorted rows and ends the file.
func (c *captures) Close() error {
	slices.SortStableFunc(c.rows, inOrder)
	err := c.merge()
	if c.runs != nil {
		err = errors.Join(err, c.runs.Close(), os.Remove(c.runs.Name()))
	}
	if err != nil {
		return fmt.Errorf("sort the rows in %q: %w", c.temp, err)
	}
	return c.file.Close()
}

// merge writes the rows of all runs, the last of which is in memory, in their order.
func (c *captures) merge() error {
	var runs merging
	begin := int64(0)
	for _, end := range c.ends {
		part := io.NewSectionReader(c.runs, begin, end-begin)
		runs, begin = append(runs, &run{lines: json.NewDecoder(bufio.NewReader(part))}), end
	}
	runs = append(runs, &run{rows: c.rows})
	for i := len(runs) - 1; i >= 0; i-- {
		if more, err := runs[i].next(); err != nil {
			return err
		} else if !more {
			runs = slices.Delete(runs, i, i+1)
		}
	}
	heap.Init(&runs)
	for len(runs) > 0 {
		if _, err := c.file.Write([]tabular.CaptureRow{runs[0].row}); err != nil {
			return err
		}
		switch more, err := runs[0].next(); {
		case err != nil:
			return err
		case more:
			heap.Fix(&runs, 0)
		default:
			heap.Pop(&runs)
		}
	}
	return nil
}

// run is a sorted part of the rows, in a file or in memory.
type run struct {
	row   tabular.CaptureRow // the current one
	lines *json.Decoder      // nil if the rows are in memory
	rows  []tabular.CaptureRow
}

// next goes to the next row, and reports whether there is one.
func (r *run) next() (bool, error) {
	if r.lines == nil {
		if len(r.rows) == 0 {
			return false, nil
		}
		r.row, r.rows = r.rows[0], r.rows[1:]
		return true, nil
	}
	r.row = tabular.CaptureRow{}
	err := r.lines.Decode(&r.row)
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	return err == nil, err
}

// merging is a heap of runs, the one with the first row on top.
type merging []*run

func (m merging) Len() int           { return len(m) }
func (m merging) Less(i, j int) bool { return inOrder(m[i].row, m[j].row) < 0 }
func (m merging) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *merging) Push(x any)        { *m = append(*m, x.(*run)) }

func (m *merging) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
