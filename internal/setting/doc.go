// Package setting has the one table of Trawl's settings. Flags, environment variables, keys
// of YAML files, changes of a running job, help and docs/settings.md are all made from it.
//
// A setting belongs to a job (stored with it in Redis), to a process (a worker, a crawl on
// this machine), or to a connection to Redis. [Values] holds the values of all of them,
// [Table] lists them, and a [Setting] reads and writes its own value.
package setting
