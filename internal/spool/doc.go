// Package spool uploads the output of a worker to a bucket, and keeps it on disk until it
// has arrived.
//
// Sinks write to a staging folder. Each writer has its own. A result in it is durable
// before its URL is settled, even while the bucket is unavailable. The [Spool] uploads
// each finished file to the [BlobStore] under its final name, and removes it once it has
// arrived. While the blob store is unavailable, staging folders fill up to a limit;
// beyond it, the spool accepts no more results. If a process is killed, the next one on
// the same machine adopts its staging folders: it repairs them, uploads their files and
// removes them. The name of a staging folder is part of the names of its files, so the
// files of different writers, or of different starts of one writer, never have the same
// name.
package spool
