package dns

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

var errOtherQuestion = errors.New("the name server answers another question")

// message is the answer of a name server, not yet read beyond its header.
type message struct {
	header   dnsmessage.Header
	question dnsmessage.Question
	bytes    []byte
}

// exchange asks one server, over TCP if the answer is too long for UDP.
func exchange(ctx context.Context, q dnsmessage.Question, server netip.AddrPort) (*message, error) {
	query, id, err := packed(q)
	if err != nil {
		return nil, err
	}
	answer, err := exchangeOver(ctx, "udp", query, id, server)
	if err == nil && answer.header.Truncated {
		answer, err = exchangeOver(ctx, "tcp", query, id, server)
	}
	if err == nil && !sameQuestion(answer.question, q) {
		err = errOtherQuestion
	}
	return answer, err
}

// packed returns a query and its random ID. It announces the size of answers over UDP
// (RFC 6891, 6.2.3).
func packed(q dnsmessage.Question) (query []byte, id uint16, err error) {
	var random [2]byte
	rand.Read(random[:])
	id = binary.BigEndian.Uint16(random[:])
	var size dnsmessage.ResourceHeader
	if err := size.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
		return nil, 0, err
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions:   []dnsmessage.Question{q},
		Additionals: []dnsmessage.Resource{{Header: size, Body: &dnsmessage.OPTResource{}}},
	}
	query, err = m.Pack()
	return query, id, err
}

// exchangeOver sends a query over "udp" or "tcp" and returns the answer that has its ID.
func exchangeOver(
	ctx context.Context, network string, query []byte, id uint16, server netip.AddrPort,
) (*message, error) {
	ctx, cancel := context.WithTimeout(ctx, serverTime)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, network, server.String())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	// A context that ends, also at its deadline, ends reads and writes under way.
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	receive := receiveDatagram
	if network == "tcp" {
		receive = receiveFramed
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	for {
		text, err := receive(conn)
		if err != nil {
			return nil, err
		}
		// What has another ID was not asked for: an answer that comes too late, or a forged one.
		if m, err := begun(text); m == nil || m.header.ID == id {
			return m, err
		}
	}
}

func receiveDatagram(r io.Reader) ([]byte, error) {
	text := make([]byte, udpSize)
	n, err := r.Read(text)
	return text[:n], err
}

// receiveFramed reads one message from a stream (RFC 1035, 4.2.2).
func receiveFramed(r io.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	text := make([]byte, binary.BigEndian.Uint16(size[:]))
	_, err := io.ReadFull(r, text)
	return text, err
}

// begun reads the header and the question of an answer.
func begun(text []byte) (*message, error) {
	var p dnsmessage.Parser
	header, err := p.Start(text)
	if err != nil {
		return nil, unreadable(err)
	}
	m := &message{header: header, bytes: text}
	questions, err := p.AllQuestions()
	if err != nil {
		return m, unreadable(err)
	}
	if !header.Response || len(questions) != 1 {
		return m, errOtherQuestion
	}
	m.question = questions[0]
	return m, nil
}

func unreadable(err error) error { return fmt.Errorf("the name server's answer is malformed: %w", err) }

func sameQuestion(a, b dnsmessage.Question) bool {
	return a.Type == b.Type && a.Class == b.Class && strings.EqualFold(a.Name.String(), b.Name.String())
}

// record is an address of a name, or an alias of it.
type record struct {
	name    string
	alias   string
	address netip.Addr
	kind    dnsmessage.Type
	life    time.Duration
}

// records returns the addresses and aliases in the answer, and skips everything else.
func (m *message) records() ([]record, error) {
	var p dnsmessage.Parser
	p.Start(m.bytes)
	if err := p.SkipAllQuestions(); err != nil {
		return nil, unreadable(err)
	}
	var all []record
	for {
		head, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return all, nil
		}
		if err != nil {
			return nil, unreadable(err)
		}
		r := record{name: head.Name.String(), kind: head.Type, life: time.Duration(head.TTL) * time.Second}
		if err := r.read(&p); err != nil {
			return nil, unreadable(err)
		}
		if r.alias != "" || r.address.IsValid() {
			all = append(all, r)
		}
	}
}

// read reads what the record holds, after its header.
func (r *record) read(p *dnsmessage.Parser) error {
	switch r.kind {
	case dnsmessage.TypeCNAME:
		c, err := p.CNAMEResource()
		r.alias = c.CNAME.String()
		return err
	case dnsmessage.TypeA:
		a, err := p.AResource()
		r.address = netip.AddrFrom4(a.A)
		return err
	case dnsmessage.TypeAAAA:
		a, err := p.AAAAResource()
		r.address = netip.AddrFrom16(a.AAAA)
		return err
	}
	return p.SkipAnswer()
}

// rcode returns the response code, with the upper bits that EDNS adds (RFC 6891, 6.1.3).
func (m *message) rcode() dnsmessage.RCode {
	var p dnsmessage.Parser
	p.Start(m.bytes)
	if p.SkipAllQuestions() != nil || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return m.header.RCode
	}
	for {
		head, err := p.AdditionalHeader()
		if err != nil {
			return m.header.RCode
		}
		if head.Type == dnsmessage.TypeOPT {
			return head.ExtendedRCode(m.header.RCode)
		}
		if p.SkipAdditional() != nil {
			return m.header.RCode
		}
	}
}

// rcodeNames are the names of the response codes that a resolver is likely to send, as in the
// registry of IANA.
var rcodeNames = map[dnsmessage.RCode]string{
	dnsmessage.RCodeFormatError: "FORMERR", dnsmessage.RCodeServerFailure: "SERVFAIL",
	dnsmessage.RCodeNotImplemented: "NOTIMP", dnsmessage.RCodeRefused: "REFUSED",
}

func rcodeName(code dnsmessage.RCode) string {
	if name := rcodeNames[code]; name != "" {
		return name
	}
	return fmt.Sprintf("code %d", code)
}
