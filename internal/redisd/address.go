package redisd

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
)

// address is the content of redis.addr, in the server's folder, about the server that was
// started last.
type address struct {
	PID    int    `json:"pid"` // for people; 0 until the process has started
	Socket string `json:"socket"`
}

func (h *home) addressFile() string { return filepath.Join(h.dir, "redis.addr") }

// remember stores how to reach the server.
func (h *home) remember(a address) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(h.addressFile(), append(text, '\n'), 0o600)
}

// recall returns what remember stored. It returns no address if it cannot be read: locks,
// not this file, decide whether the folder is free.
func (h *home) recall() (a address) {
	text, err := os.ReadFile(h.addressFile())
	if err != nil || json.Unmarshal(text, &a) != nil {
		return address{}
	}
	return a
}

// forget removes the address and the socket of a server that has ended. It leaves a socket
// with a listener alone: the folder may be a copy, and the address that of a server in the
// original.
func (h *home) forget() {
	a := h.recall()
	if conn, err := net.Dial("unix", a.Socket); err == nil {
		conn.Close()
	} else if a.Socket != "" {
		os.Remove(a.Socket)
		os.Remove(filepath.Dir(a.Socket)) // only succeeds if it is empty
	}
	os.Remove(h.addressFile())
}
