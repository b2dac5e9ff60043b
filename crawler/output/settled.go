package output

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// settledName is the file in which the output of a job says how many records it should
// have. It is hidden, so that nobody takes it for a part of the results.
const settledName = ".settled.json"

// Settled is what the workers of a fleet note in the output of a job that has ended.
type Settled struct {
	Job     string         `json:"job"`
	Records int64          `json:"records"` // that the output should have, in all its places
	Ended   time.Time      `json:"ended"`   // when the job ended
	Places  []crawler.Kept `json:"places,omitempty"`
}

// NoteSettled writes the note. Several may write it at once: they write the same.
func (l *Location) NoteSettled(ctx context.Context, s Settled) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return l.Put(ctx, settledName, bytes.NewReader(text), int64(len(text)))
}

// Settled reads the note; nil when there is none.
func (l *Location) Settled(ctx context.Context) (*Settled, error) {
	file, err := l.Open(ctx, settledName)
	if errors.Is(err, ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<20))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	var s Settled
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("%q is damaged: %w: remove it", Join(l.where, settledName), err)
	}
	return &s, nil
}
