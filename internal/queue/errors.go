package queue

import "errors"

// Errors of the frontier that its callers can distinguish. Those that programs see are in
// package crawler.
var (
	// ErrNoHost says that a job has seen no URL of a host.
	ErrNoHost = errors.New("the job has seen no URL of this host")
	// ErrGarbage says that a key in Redis has the wrong type or an invalid value.
	ErrGarbage = errors.New("a key in Redis is not what it should be")
)
