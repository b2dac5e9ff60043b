// Command site renders the documents of Trawl as a static site: README.md, the pages in
// docs, and the documents beside them. It needs no network, and the pages need no scripts.
//
//	go run . -root .. -to ../dist/site
//
// It is a module of its own, so that the renderer of Markdown is no dependency of Trawl.
package main
