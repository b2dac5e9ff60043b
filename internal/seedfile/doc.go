// Package seedfile reads lists of seeds: a URL or a JSON object on each line, in UTF-8 or
// UTF-16, however long the list is.
package seedfile
