package fleet

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"syscall"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/spool"
)

// renewal is an output that is reopened when it can keep nothing more, because its disk
// failed for a moment or its folder was removed. Reopening also finishes the files that
// were open. It is safe for concurrent use.
type renewal struct {
	open  func() (*Output, error)
	needs fetched.Needs // of the first output, and so of all
	log   *slog.Logger

	mu     sync.RWMutex
	out    *Output // nil if it could not be reopened
	closed bool
}

// MayPass reports whether an error of an output may pass, by itself or when someone fixes a disk.
// It may if it comes from the system, or says that the spool is full, or that a busy machine did
// not keep the results in time.
func MayPass(err error) bool {
	var errno syscall.Errno
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, spool.ErrFull) ||
		errors.Is(err, sink.ErrVanished) || errors.Is(err, sink.ErrInUse) ||
		errors.Is(err, fs.ErrNotExist) || errors.As(err, &errno) && errno != syscall.EPIPE
}

// Keep keeps results, and reopens the output if necessary.
func (r *renewal) Keep(ctx context.Context, results []*fetched.Result) error {
	_, release, err := r.KeepIn(ctx, results)
	if err == nil {
		release()
	}
	return err
}

// KeepIn is Keep, and returns the segment of the results; see [visit.SegmentSink].
func (r *renewal) KeepIn(ctx context.Context, results []*fetched.Result) (segment string, release func(), err error) {
	err = r.with(func(o *Output) (err error) {
		segment, release, err = o.keepIn(ctx, results)
		return err
	})
	return segment, release, err
}

// Note notes requests, and reopens the output if necessary.
func (r *renewal) Note(ctx context.Context, requests []fetched.Exchange) error {
	return r.with(func(o *Output) error { return o.note(ctx, requests) })
}

// with calls write. If that fails for good, it reopens the output, so that this call or the
// next writes to the new one.
func (r *renewal) with(write func(*Output) error) error {
	r.mu.RLock()
	out := r.out
	err := errNotOpen
	if out != nil {
		err = write(out)
	}
	r.mu.RUnlock()
	if err == nil || out != nil && !out.broken(err) {
		return err
	}
	fresh, failed := r.renew(out)
	if failed != nil {
		return errors.Join(failed, err)
	}
	if fresh != out {
		r.mu.RLock()
		defer r.mu.RUnlock()
		if r.out != nil {
			return write(r.out)
		}
	}
	return err
}

var errNotOpen = errors.New("the output is not open")

// renew closes an output that can keep nothing more and reopens it, unless another
// goroutine has done so.
func (r *renewal) renew(broken *Output) (*Output, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.out != broken {
		return r.out, nil
	}
	if broken != nil {
		if err := broken.closeParts(); err != nil {
			r.log.Info("an output is closed, to be opened again", "reason", err)
		}
		r.out = nil
	}
	fresh, err := r.open()
	if err == nil {
		r.out = fresh
	}
	return r.out, err
}

// Needs returns what the output requires of pages, also while it is not open.
func (r *renewal) Needs() fetched.Needs { return r.needs }

// close closes the current output.
func (r *renewal) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.out == nil {
		return nil
	}
	return r.out.closeParts()
}
