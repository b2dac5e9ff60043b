package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// SetAside moves what a crawl wrote into a folder, earlier-TIME, within that folder,
// where export finds it as a run of its own. What begins with a dot, locks, and what was
// set aside before stay. It returns the path of the new folder; "" when there was
// nothing to move.
func SetAside(dir string, now time.Time) (string, error) {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("set earlier results aside: %w", err)
	}
	aside := filepath.Join(dir, "earlier-"+now.UTC().Format("20060102T150405.000Z"))
	moved := ""
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "earlier-") || strings.HasSuffix(e.Name(), ".lock") {
			continue
		}
		if err := os.MkdirAll(aside, 0o755); err != nil {
			return "", fmt.Errorf("set earlier results aside: %w", err)
		}
		if err := os.Rename(filepath.Join(dir, e.Name()), filepath.Join(aside, e.Name())); err != nil {
			return "", fmt.Errorf("set earlier results aside: %w", err)
		}
		moved = aside
	}
	return moved, nil
}
