// Package announce finds what a site announces as changed: pages whose date in a sitemap or a feed is
// another one than the last time.
//
// [Dates] remembers the dates of one list. They are compared with one another and not with any clock,
// so that a server whose clock is wrong by years announces as well as any other.
package announce
