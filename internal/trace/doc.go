// Package trace tells an OpenTelemetry collector what a worker does: a span for each visit, and
// below it a span for each request.
//
// A [Tracer] starts spans for the hosts that its sampler chooses, so that of a host either
// everything is there or nothing. Spans that have ended wait in a bounded queue, and are sent in
// batches by OTLP over HTTP. If no collector receives them in time they are dropped and counted:
// a crawl never waits for its traces. A nil [Tracer] is off; it starts nil [Span] values, whose
// methods do nothing and allocate nothing.
//
// The package speaks OTLP itself, because a worker needs one kind of span and one protocol. The
// SDK of OpenTelemetry would add some forty packages and three megabytes to a program.
package trace
