package crawler

import "errors"

// Errors of jobs, which whoever asks for one may tell apart.
var (
	// ErrJobExists says that there is a job of that name already.
	ErrJobExists = errors.New("a job of this name exists")
	// ErrNoJob says that there is no job of that name.
	ErrNoJob = errors.New("there is no job of this name")
	// ErrNoHost says that a job has met no URL of a host.
	ErrNoHost = errors.New("the job has met no URL of this host")
	// ErrJobEnded says that a job has ended: it takes no seeds, and can not be
	// paused. One that is done can be resumed.
	ErrJobEnded = errors.New("the job has ended")
	// ErrLayout says that the keys in Redis are of another version of trawl, so that
	// this one must not touch them.
	ErrLayout = errors.New("the jobs in this Redis are of another version of trawl")
	// ErrGarbage says that a key in Redis is of the wrong type or has a value that
	// cannot be read.
	ErrGarbage = errors.New("a key in Redis is not what it should be")
	// ErrJobChanged says that the settings of a job were changed by another since they were read.
	ErrJobChanged = errors.New("its settings were changed meanwhile")
	// ErrJobRuns says that a job has not ended, and must be cancelled before it is
	// removed.
	ErrJobRuns = errors.New("the job has not ended: cancel it first")
)
