package parquet

import (
	"bytes"
	"io"
	"testing"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	codec, err := tabular.Linked()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	w := codec.Pages(&file)
	if _, err := w.Write([]tabular.PageRow{{URL: "http://b/"}, {URL: "http://a/"}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	groups, err := codec.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || len(groups) != 1 || groups[0].NumRows() != 2 {
		t.Fatalf("got %v, %v; want a group of two rows", groups, err)
	}
	rows := make([]tabular.PageRow, 3)
	reader := groups[0].Open()
	defer reader.Close()
	if n, err := reader.Read(rows); n != 2 || err != io.EOF || rows[0].URL != "http://b/" || rows[1].URL != "http://a/" {
		t.Errorf("read %d rows, %v: %q and %q", n, err, rows[0].URL, rows[1].URL)
	}
}
