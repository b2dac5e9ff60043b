package plain

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"syscall"
)

// OutOfTurn is part of net/http's error for a server that sent something, or closed its
// connection, before it received a request.
const OutOfTurn = "readLoopPeekFailLocked"

// packageNames are prefixes of errors in the standard library.
var packageNames = regexp.MustCompile(`^((net/http|http|http2|tls|x509|HTTP/1\.x transport connection broken): )+`)

// Cause returns the text of an error of a connection for users: short, and without Go's package
// names and other details.
func Cause(err error) string {
	const most = 300
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected end"
	case strings.Contains(err.Error(), OutOfTurn):
		return "the server spoke before it was asked"
	}
	text := packageNames.ReplaceAllString(err.Error(), "")
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
