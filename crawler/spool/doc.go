// Package spool brings what a worker keeps to a bucket, and holds it on a disk
// until it is there.
//
// Sinks write into a tray: a folder of one writer, in which a result is durable
// before its URL is settled, whatever the bucket does meanwhile. The [Spool]
// carries each file that is finished to the [Depot] under its final name, and
// removes it when it has arrived. While the depot is away, trays fill up, to a
// limit, beyond which nothing more is taken in. A tray that a killed process left
// is adopted by the next one of the same machine: mended, carried away, and
// removed. A tray's name is part of the names of its files, so that those of
// different writers, or of one that was started again, are never the same.
package spool
