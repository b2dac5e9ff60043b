package output

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
)

// Folders lists the names of the locations directly beneath this one, in byte order,
// without hidden ones. If the location itself does not exist, there are none.
func (l *Location) Folders(ctx context.Context) ([]string, error) {
	names, err := l.place.folders(ctx)
	if errors.Is(err, ErrMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, l.trouble("list", "", err)
	}
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, ".") }), nil
}

func (f folder) folders(context.Context) ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, causeOf(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (b bucket) folders(ctx context.Context) ([]string, error) { return b.list(ctx, true) }
