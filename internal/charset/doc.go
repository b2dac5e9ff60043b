// Package charset determines what a body is and how to read it as UTF-8: its [MediaType], as
// declared or as sniffed, and its charset, by the rules of WHATWG MIME Sniffing, HTML and
// Encoding. A [Source] is a body with its charset.
package charset
