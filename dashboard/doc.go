// Package dashboard shows and controls a fleet: a page of jobs, workers, schedulers and Redis
// at /, asynq's complete web UI at /asynq/, an HTTP API under /api/v1, and metrics for
// Prometheus at /metrics. Package ui renders the pages.
//
// It stores nothing. For each request it asks [Jobs], which also carries out changes. A
// sheet is a job as it is shown: its state and its counters. The guard decides which
// requests are accepted: it checks the token, and refuses requests that another site sends
// through a visitor's browser, as well as host names that were pointed at this machine. Live
// tells clients that watch a job what happens to it.
//
// Many files: each page has a file that is named after it, and so has each part of the API.
package dashboard
