// Package rewrite rewrites the references of a page, so that a copy of it can be read from
// another place than it was found at.
package rewrite
