// Package plain makes text for people to read: it says why a connection failed, escapes what could
// mislead a terminal, counts with the right noun, and suggests the word that was meant.
package plain
