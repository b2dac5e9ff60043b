package fleet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"testing"

	"github.com/trawlcrawler/trawl/internal/spool"
)

func TestDiskErrorsAreTemporaryAndDataErrorsArePermanent(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.ESTALE, syscall.EACCES, fs.ErrNotExist,
		spool.ErrFull, context.DeadlineExceeded,
		&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC},
	} {
		if !MayPass(fmt.Errorf("writing %q: %w (free some space)", "/out", err)) {
			t.Errorf("%v counts as permanent", err)
		}
	}
	for _, err := range []error{syscall.EPIPE, errors.New("the record cannot be written as JSON"), nil} {
		if err != nil && MayPass(err) {
			t.Errorf("%v counts as temporary", err)
		}
	}
}
