// Package surt makes the keys by which web archives sort URLs: the labels of the host in
// reverse order, a parenthesis, the path and the query ("Sort-friendly URI Reordering
// Transform"). URLs of one host lie next to each other in that order, and so do those of a
// domain.
//
// A [Form] is a set of rules for keys. Programs agree on most URLs and differ on some, so
// an index is searched with the form that wrote it.
package surt
