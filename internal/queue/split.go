package queue

import (
	"encoding/binary"
	"strings"
)

// Split divides a packed entry into the path of its URL and everything else, its attributes. The
// referrer in them does not share a prefix with the path, so that entries that were found on the
// same page have the same attributes. ok is false if [Entry.Pack] did not write the entry, or if a
// visit that held it was lost.
func Split(packed string) (path, attributes string, ok bool) {
	r := reader{rest: packed}
	flags := r.head()
	head := packed[:len(packed)-len(r.rest)]
	path = r.take(r.uvarint())
	if flags&flagViaSuffix != 0 {
		shared := r.uvarint()
		r.broken = r.broken || shared > len(path)
		if !r.broken {
			r.rest = path[:shared] + r.rest
		}
	}
	if r.broken || packed[0]&^lostPage != 0 {
		return "", "", false
	}
	attributes = head + r.rest
	return path, attributes, Join(path, attributes) == packed
}

// Join returns the packed entry that was divided into a path and attributes. If [Split] did not
// write the attributes, it returns "".
func Join(path, attributes string) string {
	r := reader{rest: attributes}
	flags := r.head()
	if r.broken {
		return ""
	}
	head, via := attributes[:len(attributes)-len(r.rest)], r.rest
	var b strings.Builder
	b.Grow(len(attributes) + len(path) + 6)
	b.WriteString(head)
	b.Write(binary.AppendUvarint(nil, uint64(len(path))))
	b.WriteString(path)
	if flags&flagViaSuffix != 0 {
		shared := commonPrefix(path, via)
		b.Write(binary.AppendUvarint(nil, uint64(shared)))
		via = via[shared:]
	}
	b.WriteString(via)
	return b.String()
}

// head skips what precedes the path of a packed entry, and returns the flags.
func (r *reader) head() (flags byte) {
	if r.byte()&lostPage != 0 {
		r.take(trackedSize)
	}
	flags = r.byte()
	for range 3 { // depth, hops, tries
		r.uvarint()
	}
	if flags&flagSpared != 0 {
		r.uvarint()
	}
	if flags&flagEmbeds != 0 {
		r.uvarint()
	}
	if flags&flagChain != 0 {
		r.chain()
	}
	return flags
}
