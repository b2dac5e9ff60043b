// Package duckdb tests that what Trawl writes as Parquet is what DuckDB reads, also
// while it is written. It is a module of its own, because DuckDB is a program of
// C++ of a hundred megabytes that Trawl itself does not need.
package duckdb
