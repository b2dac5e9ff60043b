// Package reference knows how documents refer to URLs: it finds references where they are
// written within a value (CSS, srcset, a refresh), and a [Resolver] turns a reference into a
// URL, using the document's <base href> and its charset.
package reference
