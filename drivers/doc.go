// Package drivers is the module of the drivers whose libraries are too large to be linked
// into every program that imports Trawl: gcs for gs://bucket/prefix, azure for
// azblob://container/prefix, and sqlite for exports to SQLite. Importing one is enough.
//
// The command with all of them is made by make build-full. A package main cannot be
// imported, so that build adds a file to cmd/trawl instead, full/drivers.go, with the flag
// -overlay of the go command.
package drivers
