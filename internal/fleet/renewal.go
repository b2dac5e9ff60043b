package fleet

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"syscall"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/crawler/spool"
)

// renewal is an output that is opened again when it can keep nothing any more: its disk
// failed for a moment, or its folder was removed. What it holds then is finished by that.
// It is safe for concurrent use.
type renewal struct {
	open func() (*Output, error)
	log  *slog.Logger

	mu     sync.RWMutex
	out    *Output // nil when it could not be opened again
	closed bool
}

// MayPass reports whether an error of an output may pass by itself, or when somebody
// mends a disk: it comes of the system, or says that the spool is full.
func MayPass(err error) bool {
	var errno syscall.Errno
	return errors.Is(err, spool.ErrFull) || errors.Is(err, sink.ErrVanished) || errors.Is(err, sink.ErrInUse) ||
		errors.Is(err, fs.ErrNotExist) || errors.As(err, &errno) && errno != syscall.EPIPE
}

// Keep keeps results, with an output that is opened again if need be.
func (r *renewal) Keep(ctx context.Context, results []*crawler.Result) error {
	_, release, err := r.KeepIn(ctx, results)
	if err == nil {
		release()
	}
	return err
}

// KeepIn keeps results likewise, and says in which segment they are: see [crawler.Outbox].
func (r *renewal) KeepIn(ctx context.Context, results []*crawler.Result) (segment string, release func(), err error) {
	err = r.with(func(o *Output) (err error) {
		segment, release, err = o.keepIn(ctx, results)
		return err
	})
	return segment, release, err
}

// Note notes requests likewise.
func (r *renewal) Note(ctx context.Context, requests []crawler.Exchange) error {
	return r.with(func(o *Output) error { return o.note(ctx, requests) })
}

// with lets something be written, and opens the output again when that fails for good:
// the next call writes to the new one.
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

// renew closes an output that keeps nothing any more and opens it again, unless another
// has done so.
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

// Bodies reports whether Keep reads the bodies of pages.
func (r *renewal) Bodies() bool { return r.out == nil || r.out.Sink.Bodies() }

// close closes the output as it is then.
func (r *renewal) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.out == nil {
		return nil
	}
	return r.out.closeParts()
}
