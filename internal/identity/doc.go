// Package identity proves to sites which crawler makes a request, as Web Bot Auth describes: the
// crawler signs its requests with a private key (RFC 9421), and a site verifies them with the
// public key that the crawler's operator publishes.
//
// An identity is a [Key] and its agent, the web site of the operator that publishes the public
// key. A [Signer] signs requests. The agent publishes a [Directory], which lists public keys, and
// may publish a [Card], which says who operates the crawler and how it behaves.
//
// Everything that the package exports can be printed and logged: a private key is only in what
// [Identity.PEM] returns. Package internal/verify verifies signatures and shares no code with this
// package.
package identity
