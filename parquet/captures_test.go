package parquet

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

func TestAnIndexOfCapturesIsSortedOnDisk(t *testing.T) {
	t.Parallel()
	const count = 2*captureRows + 1000 // more than are sorted in memory
	temp := t.TempDir()
	var out bytes.Buffer
	codec, err := tabular.Linked()
	if err != nil {
		t.Fatal(err)
	}
	w := codec.Captures(&out, temp)
	began := time.UnixMilli(1_800_000_000_000).UTC()
	for i := range count {
		place := i * 7919 % count // each number once
		row := tabular.CaptureRow{SURTKey: fmt.Sprintf("com,example)/%07d", place/2), Offset: int32(place),
			FetchTime: began.Add(time.Duration(place) * time.Second), RecordID: make([]byte, 16)}
		if _, err := w.Write([]tabular.CaptureRow{row}); err != nil {
			t.Fatal(err)
		}
	}
	if waiting, err := os.ReadDir(temp); err != nil || len(waiting) != 1 {
		t.Errorf("%v (%v) wait on disk, want one file", waiting, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%v (%v) are left", left, err)
	}
	rows, err := parquet.Read[tabular.CaptureRow](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil || len(rows) != count {
		t.Fatalf("%d rows are read (%v), want %d", len(rows), err, count)
	}
	for i, row := range rows {
		if int(row.Offset) != i { // sorted by key, and by time within a key
			t.Fatalf("row %d is %s of %v", i, row.SURTKey, row.FetchTime)
		}
	}
}
