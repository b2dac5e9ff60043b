// Package guard decides which addresses and ports may be connected to: those of the public
// internet, and what the operator opened.
//
// A [Guard] judges an address after its name was resolved, so that no name can evade it, and
// every form in which an address can hide another one. What is open because a host was named
// is an [Opening]. A refusal is an error that says how to open what was refused.
package guard
