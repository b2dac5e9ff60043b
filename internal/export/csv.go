package export

import (
	"errors"
	"io"

	"github.com/trawlcrawler/trawl/internal/condition"
)

// csvWriter writes a [condition.Table].
type csvWriter struct {
	*condition.Table
	out io.WriteCloser
}

func newCSV(out *draft, o Order) (Writer, error) {
	file, err := pressed(out)
	if err != nil {
		return nil, err
	}
	if o.Mark {
		if _, err := io.WriteString(file, "\ufeff"); err != nil {
			return nil, err
		}
	}
	table, err := condition.NewTable(file, o.Fields, o.Plain)
	return &csvWriter{table, file}, err
}

func (w *csvWriter) Close() error { return errors.Join(w.Flush(), w.out.Close()) }
