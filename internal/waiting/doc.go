// Package waiting says why a job makes no progress, in the same words for the command line,
// the dashboard and the API.
package waiting
