// Package language tells the language of a text, by its script and its most frequent
// words. A profile is what is known of a language: these words, the letters that it has
// beyond those of English, and the legacy charsets that it was written in, so that a
// charset can be guessed by which of them makes a text read like a language.
//
// The profiles are a few kilobytes, are read on first use, and need ten words of a text.
// Libraries with models of letters were weighed: they know more languages, and tell them
// from fewer words, but take megabytes and milliseconds, or are not maintained.
package language
