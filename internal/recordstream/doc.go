// Package recordstream reads the records of a job while its workers write them, from a cursor
// on, each record once.
//
// A [Stream] finds the output where the workers say that they keep it, or where the operator
// says. A cursor says which records were read. It is a short text that a client keeps, so that
// no process needs to remember its readers. It stays valid while files grow, are finished and
// are followed by others, and as long as the job exists.
package recordstream
