// Package dashboard shows a fleet and lets it be driven: asynq's web UI mounted
// whole at /asynq/, a page of all jobs at /, an HTTP API beneath /api/v1, and
// metrics for Prometheus at /metrics.
//
// It keeps nothing. What it shows it asks of [Jobs] at each request, which also
// carries out what it is told. A sheet is a job as it is shown: its state and its
// counters. The doorman decides who comes in: he knows the token, turns away
// what other sites send through a visitor's browser, and names that were bent to
// this machine.
package dashboard
