package commoncrawl

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/warc"
)

func TestAnHTTPMessageIsReadAsItWasRecorded(t *testing.T) {
	t.Parallel()
	block := "HTTP/1.1 200 Very OK\r\nX-a:  1\r\nx-A: 2\r\nFolded: a\r\n  b\r\nnot a header\r\n\r\nbody\r\n\r\n"
	m := readMessage([]byte(block))
	want := []warc.Field{{Name: "X-a", Value: "1"}, {Name: "x-A", Value: "2"}, {Name: "Folded", Value: "a b"}}
	if diff := cmp.Diff(want, m.lines); diff != "" {
		t.Error(diff)
	}
	if m.version != "HTTP/1.1" || m.status != "200" || m.reason != "Very OK" || string(m.entity) != "body\r\n\r\n" ||
		int(m.headLength) != len(block)-len("body\r\n\r\n") || len(m.header["X-A"]) != 2 {
		t.Errorf("the message is %+v", m)
	}
}

func TestAPayloadHasNoChunks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ block, want string }{
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "abcde"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde", "abcde"},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunks", "no chunks"},
		{"HTTP/1.0 200 OK\nContent-Length: 2\n\nok", "ok"},
		{"HTTP/1.1 204 No Content\r\n", ""},
	} {
		m := readMessage([]byte(c.block))
		if got := string(m.payload()); got != c.want {
			t.Errorf("%q has the payload %q, want %q", c.block, got, c.want)
		}
	}
}
