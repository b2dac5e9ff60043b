package output

import (
	"context"
	"fmt"
)

// Segment is a file of lines in an output, as [Location.Segments] names it.
type Segment struct {
	In   *Location
	Name string
}

// String returns the full name of the file, for messages.
func (s Segment) String() string { return Join(s.In.String(), s.Name) }

// EachLine is [Location.EachLine] for this segment. It adds the position to an error of do.
func (s Segment) EachLine(ctx context.Context, do func(offset int64, line []byte) error) error {
	return s.In.EachLine(ctx, s.Name, func(offset int64, line []byte) error {
		if err := do(offset, line); err != nil {
			return fmt.Errorf("%s, at byte %d: %w", s, offset, err)
		}
		return nil
	})
}
