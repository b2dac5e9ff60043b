package fetch

import (
	"context"
	"errors"
	"io"
)

// errSwollen says that what is beneath a coding is longer than a body may be:
// as a bomb is, of which each layer unfolds into another.
var errSwollen = errors.New("a coding hides more than a body may have")

// layer is what one decoder reads: the body as it came, or what came out of the
// decoder of the coding over it. Decoders may read much and bring forth nothing,
// so it is here that the length and the time of a request are held to.
type layer struct {
	ctx  context.Context
	r    io.Reader
	left int64
	err  error // what ended it but its own end
}

func (l *layer) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if l.ctx.Err() != nil {
		l.err = context.Cause(l.ctx)
		return 0, l.err
	}
	if l.left <= 0 {
		l.err = errSwollen
		return 0, l.err
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
