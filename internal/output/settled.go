package output

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// settledName is the file that says how many records the output of a job should have. It
// is hidden, so that it is not taken for a part of the results.
const settledName = ".settled.json"

// Settled is what the workers of a fleet note in the output of a job that has ended.
type Settled struct {
	Job     string       `json:"job"`
	Records int64        `json:"records"` // how many the output should have, in all its places
	Ended   time.Time    `json:"ended"`   // when the job ended
	Places  []queue.Kept `json:"places,omitempty"`
}

// NoteSettled writes the note. Several workers may do so at once, because they write the
// same.
func (l *Location) NoteSettled(ctx context.Context, s Settled) error {
	return l.writeNote(ctx, settledName, s)
}

// Settled reads the note, or returns nil if there isn't one. It ignores a note about an
// earlier job that arrived when the output already contained the results of a later one.
func (l *Location) Settled(ctx context.Context) (*Settled, error) {
	s, err := readNote[Settled](ctx, l, settledName)
	if err != nil || s == nil {
		return nil, err
	}
	owner, err := l.Owner(ctx)
	if err != nil || owner != nil && owner.Created.After(s.Ended) {
		return nil, err
	}
	return s, nil
}

// ChangesName is the file in the output of a run that says which pages have changed since the run
// before: lines of JSON. It is written when the run is done, as a whole.
const ChangesName = "changes-00001.jsonl"

// ownerName is the file that says which job the output belongs to.
const ownerName = ".job.json"

// Owner is the job whose results an output contains. A job that was removed and created
// again under the same name is a different one.
type Owner struct {
	Job     string    `json:"job"`
	Created time.Time `json:"created"`
}

// SetOwner notes whose results the output contains.
func (l *Location) SetOwner(ctx context.Context, o Owner) error {
	return l.writeNote(ctx, ownerName, o)
}

// Owner returns whose results the output contains, or nil if that was not noted.
func (l *Location) Owner(ctx context.Context) (*Owner, error) {
	return readNote[Owner](ctx, l, ownerName)
}

// OfAnother returns the earlier job with this name whose results the output contains. It
// returns nil if, as far as the notes tell, there are none of an earlier job.
func (l *Location) OfAnother(ctx context.Context, job string, created time.Time) (*Owner, error) {
	owner, err := l.Owner(ctx)
	switch {
	case err != nil:
		return nil, err
	case owner != nil && !owner.Created.Equal(created):
		return owner, nil
	case owner != nil:
		return nil, nil
	}
	s, err := readNote[Settled](ctx, l, settledName) // written by a version that noted no owner
	if err != nil || s == nil || !s.Ended.Before(created) {
		return nil, err
	}
	return &Owner{Job: s.Job}, nil
}

// IsNote reports whether a file in an output is a note about its results, which is moved
// along with them.
func IsNote(name string) bool { return name == settledName || name == ownerName }

func (l *Location) writeNote(ctx context.Context, name string, note any) error {
	text, err := json.Marshal(note)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return l.Put(ctx, name, bytes.NewReader(text), int64(len(text)))
}

// readNote reads a note, or returns nil if there isn't one.
func readNote[T any](ctx context.Context, l *Location, name string) (*T, error) {
	file, err := l.Open(ctx, name)
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
	var note T
	if err := json.Unmarshal(text, &note); err != nil {
		return nil, fmt.Errorf("%q is damaged: %w: remove it", Join(l.where, name), err)
	}
	return &note, nil
}
