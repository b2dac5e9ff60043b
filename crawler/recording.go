package crawler

// Recording is a request and its answer octet for octet, as they went over a
// connection of HTTP/1.1, for an archive.
type Recording struct {
	Request []byte // the head of the request, which is all of a GET; what is secret in it is masked
	Head    []byte // of the answer: status line, header lines and the empty line; without the 1xx answers before it
	Chunked bool   // what followed Head is in the chunked transfer coding (RFC 9112, 7.1), framing and trailers with it
	Tail    *Body  // what followed Head, with all its codings; its Digest is not set. Nil: the page's Body, or nothing
	Cut     Cut    // why the answer was not taken to its end; "" when it was
}

// Cut is the reason why the octets of an answer stop before its end, in the
// words of WARC 1.1, 5.13 (WARC-Truncated).
type Cut string

// The reasons.
const (
	CutLength      Cut = "length"      // there was more than the limit
	CutTime        Cut = "time"        // it took too long
	CutDisconnect  Cut = "disconnect"  // the connection broke
	CutUnspecified Cut = "unspecified" // anything else
)

// release gives the tail's memory back.
func (r *Recording) release() {
	if r.Tail != nil {
		r.Tail.Release()
		r.Tail = nil
	}
}
