// Package verify verifies signatures of Web Bot Auth as a site would: those of requests, and those
// of the directory of an agent. It implements the other side of package internal/identity, from
// the standards alone and without its code, so that each shows that the other is right.
//
// A [Verifier] reads the headers as structured fields (RFC 9651), builds the signature base that
// they describe (RFC 9421, 2.5), and checks it with the [Keys] of a directory.
package verify
