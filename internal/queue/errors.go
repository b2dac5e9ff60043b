package queue

import "errors"

// Errors of the frontier that its callers can distinguish.
var (
	// ErrNoHost says that a job has seen no URL of a host.
	ErrNoHost = errors.New("the job has seen no URL of this host")
	// ErrGarbage says that a key in Redis has the wrong type or an invalid value.
	ErrGarbage = errors.New("a key in Redis is not what it should be")
	// ErrCursor says that a cursor in the records of a job cannot be used.
	ErrCursor = errors.New("the cursor cannot be used")
	// ErrOutput says that the records of a job cannot be read from this process.
	ErrOutput = errors.New("the records cannot be read here")
)

// Errors of jobs that callers can distinguish. Package trawl has them for programs.
var (
	// ErrJobExists says that a job with that name already exists.
	ErrJobExists = errors.New("a job of this name exists")
	// ErrNoJob says that no job has that name.
	ErrNoJob = errors.New("there is no job of this name")
	// ErrJobEnded says that a job has ended: it takes no seeds, and cannot be paused. A job
	// that is done can be resumed.
	ErrJobEnded = errors.New("the job has ended")
	// ErrJobState says that the state of a job does not allow an operation: for example, to
	// pause a job that has not started, or one that another client changes at the same
	// moment.
	ErrJobState = errors.New("the state of the job does not allow it")
	// ErrLayout says that the keys in Redis were written by another version of trawl, so
	// that this version must not touch them.
	ErrLayout = errors.New("the jobs in this Redis belong to another version of trawl")
	// ErrJobChanged says that another client changed the settings of a job since they were
	// read.
	ErrJobChanged = errors.New("its settings were changed in the meantime")
	// ErrJobRuns says that a job has not ended, and must be cancelled before it is removed.
	ErrJobRuns = errors.New("the job has not ended: cancel it first")
	// ErrNotComparable says that a job cannot be compared with its output at the moment. The
	// error that wraps it says what to do.
	ErrNotComparable = errors.New("its output cannot be compared")
)
