// Package dns resolves the names of hosts, by asking the system or name servers of the
// operator, and remembers what it learned.
//
// A [Resolver] is shared by all that connect. It merges lookups of one name, and keeps an
// answer for its time to live.
package dns
