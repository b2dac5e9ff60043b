// Package repair fixes answers of HTTP/1 that are not quite right, so that net/http can read
// them, as other clients do.
//
// A [Repairer] is a connection. It reads the head of each answer, and the framing of its body,
// and passes on a head that net/http accepts; bodies stay as they are. What it changed is told
// as [fetched.Repairs].
package repair
