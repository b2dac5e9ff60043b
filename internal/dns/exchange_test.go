package dns

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// scripted is a name server that answers each datagram with those that reply returns.
func scripted(t *testing.T, reply func(query dnsmessage.Message) []dnsmessage.Message) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-ended })
	go func() {
		defer close(ended)
		buffer := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			var query dnsmessage.Message
			if err := query.Unpack(buffer[:n]); err != nil {
				t.Error(err)
				return
			}
			for _, m := range reply(query) {
				text, err := m.Pack()
				if err != nil {
					t.Error(err)
					return
				}
				conn.WriteTo(text, from)
			}
		}
	}()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// addressed answers an A query with an address, and any other with nothing.
func addressed(query dnsmessage.Message, a [4]byte) dnsmessage.Message {
	q := query.Questions[0]
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: query.ID, Response: true}, Questions: query.Questions}
	if q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 60},
			Body:   &dnsmessage.AResource{A: a},
		}}
	}
	return m
}

func TestAnAnswerWithAnotherIDIsIgnored(t *testing.T) {
	t.Parallel()
	at := scripted(t, func(query dnsmessage.Message) []dnsmessage.Message {
		forged := addressed(query, [4]byte{192, 0, 2, 66})
		forged.ID++
		return []dnsmessage.Message{forged, addressed(query, [4]byte{192, 0, 2, 1})}
	})
	if got := lookup(t, NewResolver([]netip.AddrPort{at}), "a.test"); got != "192.0.2.1" {
		t.Errorf("got %s, want the address of the answer with the query's ID", got)
	}
}

func TestTheCaseOfTheQuestionDoesNotMatter(t *testing.T) {
	t.Parallel()
	at := scripted(t, func(query dnsmessage.Message) []dnsmessage.Message {
		query.Questions[0].Name = dnsmessage.MustNewName(strings.ToUpper(query.Questions[0].Name.String()))
		return []dnsmessage.Message{addressed(query, [4]byte{192, 0, 2, 1})}
	})
	if got := lookup(t, NewResolver([]netip.AddrPort{at}), "a.test"); got != "192.0.2.1" {
		t.Errorf("got %s", got)
	}
}

func TestWhatANameServerDoesWrongIsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(m *dnsmessage.Message)
		want   string
	}{
		"another question": {func(m *dnsmessage.Message) {
			m.Questions[0].Name = dnsmessage.MustNewName("b.test.")
		}, "another question"},
		"no question":             {func(m *dnsmessage.Message) { m.Questions = nil }, "another question"},
		"the query itself":        {func(m *dnsmessage.Message) { m.Response = false }, "another question"},
		"a code that has no name": {func(m *dnsmessage.Message) { m.RCode = 9 }, "the name server answers code 9"},
		"an extended code": {func(m *dnsmessage.Message) { // 16 is BADVERS; its lower bits say success
			var head dnsmessage.ResourceHeader
			head.SetEDNS0(udpSize, 16, false)
			m.Additionals = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.OPTResource{}}}
		}, "the name server answers code 16"},
	} {
		at := scripted(t, func(query dnsmessage.Message) []dnsmessage.Message {
			m := addressed(query, [4]byte{192, 0, 2, 1})
			c.change(&m)
			return []dnsmessage.Message{m}
		})
		if got := lookup(t, NewResolver([]netip.AddrPort{at}), "a.test"); !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestANameThatDNSCannotHoldDoesNotExist(t *testing.T) {
	t.Parallel()
	at := scripted(t, func(query dnsmessage.Message) []dnsmessage.Message {
		t.Error("the name server was asked")
		return nil
	})
	for _, name := range []string{strings.Repeat("a.", 150) + "test", strings.Repeat("a", 64) + ".test", "a..test"} {
		if got := lookup(t, NewResolver([]netip.AddrPort{at}), name); !strings.Contains(got, "not a valid name") {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	name := dnsmessage.MustNewName("a.test.")
	for _, body := range []dnsmessage.ResourceBody{
		&dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, &dnsmessage.AAAAResource{}, &dnsmessage.CNAMEResource{CNAME: name},
		&dnsmessage.TXTResource{TXT: []string{"text"}},
	} {
		m := dnsmessage.Message{
			Header:    dnsmessage.Header{Response: true},
			Questions: []dnsmessage.Question{{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
			Answers:   []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: name, TTL: 60}, Body: body}},
		}
		text, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := begun(text)
		if err != nil {
			return
		}
		m.rcode()
		records, err := m.records()
		if err != nil {
			return
		}
		for _, a := range addressesIn(records, m.question).addresses {
			if !a.IsValid() {
				t.Errorf("an address is invalid in %+v", records)
			}
		}
	})
}
