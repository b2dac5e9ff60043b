package main

import (
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// nameServer answers for the names of a web, over UDP.
type nameServer struct {
	shape   shape
	conn    net.PacketConn
	queries atomic.Int64
	serving sync.WaitGroup
}

const lifeOfNames = 3600 // seconds

func serveNames(s shape) (*nameServer, error) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	if udp, ok := conn.(*net.UDPConn); ok {
		_ = udp.SetReadBuffer(4 << 20)
	}
	n := &nameServer{shape: s, conn: conn}
	n.serving.Go(n.serve)
	return n, nil
}

func (n *nameServer) address() string { return n.conn.LocalAddr().String() }

func (n *nameServer) close() {
	n.conn.Close()
	n.serving.Wait()
}

func (n *nameServer) serve() {
	buffer := make([]byte, 4<<10)
	for {
		size, from, err := n.conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		n.queries.Add(1)
		answer, wait, ok := n.answer(buffer[:size])
		if !ok {
			continue
		}
		time.AfterFunc(wait, func() { _, _ = n.conn.WriteTo(answer, from) })
	}
}

// answer returns the answer to a query, and how long it takes.
func (n *nameServer) answer(query []byte) (answer []byte, wait time.Duration, ok bool) {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil, 0, false
	}
	q, err := p.Question()
	if err != nil {
		return nil, 0, false
	}
	name := q.Name.String()
	kind := absent
	host, known := n.shape.hostOf(name[:len(name)-1])
	if known {
		kind, wait = n.shape.naming(host)
	}
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: head.ID, Response: true, RecursionDesired: true,
		RecursionAvailable: true}, Questions: []dnsmessage.Question{q}}
	switch {
	case kind == absent:
		m.RCode = dnsmessage.RCodeNameError
	case kind == failing:
		m.RCode = dnsmessage.RCodeServerFailure
	case q.Type == dnsmessage.TypeA:
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, Type: q.Type, TTL: lifeOfNames},
			Body:   &dnsmessage.AResource{A: n.shape.address(host).As4()},
		}}
	}
	answer, err = m.Pack()
	return answer, wait, err == nil
}
