package trawl

import (
	"context"
	"errors"
	"fmt"

	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// ended returns why a context has ended: its error, and its cause if that is another one.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// Errors of jobs and fleets, for errors.Is.
var (
	// ErrFleetClosed says that [Fleet.Shutdown] was called, or that the fleet has lost its
	// private Redis; then the error wraps [ErrRedisLost] as well.
	ErrFleetClosed = errors.New("trawl: the fleet is closed")
	// ErrRedisLost says that the private redis-server of a fleet ended by itself. The same
	// call starts it again, with what it wrote until at most a second before.
	ErrRedisLost = localcrawl.ErrRedisLost
	// ErrUnavailable says that Redis cannot be reached, is loading, or is full, which may
	// pass. All functions that ask Redis return it.
	ErrUnavailable = queue.ErrUnavailable
	// ErrNoHandlers says that a job needs handlers that the program does not provide.
	ErrNoHandlers = localcrawl.ErrNoHandlers
	// ErrFolderInUse says that another process crawls into the same folder, or has opened a
	// fleet there.
	ErrFolderInUse = localcrawl.ErrFolderInUse
	// ErrCancelled says that a job was cancelled.
	ErrCancelled = errors.New("the job was cancelled")
	// ErrFailed says that a job could not be carried out: its seeds are not valid, or a sink
	// could not keep its pages. The second kind of job can be resumed.
	ErrFailed = errors.New("the job failed")

	ErrJobExists  = queue.ErrJobExists  // a job of that name exists
	ErrNoJob      = queue.ErrNoJob      // there is no job of that name
	ErrJobEnded   = queue.ErrJobEnded   // the job has ended
	ErrJobState   = queue.ErrJobState   // the state of the job does not allow it
	ErrJobChanged = queue.ErrJobChanged // its settings were changed in the meantime
	ErrJobRuns    = queue.ErrJobRuns    // the job has not ended
	ErrLayout     = queue.ErrLayout     // the Redis has keys of another version of Trawl
	ErrNameInUse  = fleet.ErrNameInUse  // a worker with the name of Config.Name runs
)

// typed makes the error of a call that asks Redis wrap the error of ctx and its cause if ctx has
// ended, and otherwise [ErrUnavailable] if Redis is unavailable. It is deferred.
func typed(ctx context.Context, err *error) {
	if *err != nil && ctx.Err() == nil {
		*err = redisconn.Passing(*err)
	}
	withCause(ctx, err)
}

// withCause makes an error wrap the error of ctx and its cause, if ctx has ended. It is deferred.
func withCause(ctx context.Context, err *error) {
	if *err == nil || ctx.Err() == nil {
		return
	}
	if !errors.Is(*err, ctx.Err()) {
		*err = fmt.Errorf("trawl: %w: %w", ctx.Err(), *err)
	}
	if cause := context.Cause(ctx); !errors.Is(*err, cause) {
		*err = fmt.Errorf("%w: %w", *err, cause)
	}
}

// alive returns an error if a context has ended.
func alive(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return fmt.Errorf("trawl: %w", ended(ctx))
}
