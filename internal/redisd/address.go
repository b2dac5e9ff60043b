package redisd

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
)

// address is what redis.addr, in the server's folder, says about the server
// that was started last.
type address struct {
	PID    int    `json:"pid"` // for people to read; 0 until the process has started
	Socket string `json:"socket"`
}

func (h *home) addressFile() string { return filepath.Join(h.dir, "redis.addr") }

// remember writes down how to reach the server.
func (h *home) remember(a address) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(h.addressFile(), append(text, '\n'), 0o600)
}

// recall returns what remember wrote. What can not be read is no address: that
// the folder is free is told by locks, not by this file.
func (h *home) recall() (a address) {
	text, err := os.ReadFile(h.addressFile())
	if err != nil || json.Unmarshal(text, &a) != nil {
		return address{}
	}
	return a
}

// forget removes the address and the socket of a server that has ended. A
// socket that is listened at stays: the folder may be a copy, and the address
// that of a server in the folder it was copied from.
func (h *home) forget() {
	a := h.recall()
	if conn, err := net.Dial("unix", a.Socket); err == nil {
		conn.Close()
	} else if a.Socket != "" {
		os.Remove(a.Socket)
		os.Remove(filepath.Dir(a.Socket)) // only if it is empty now
	}
	os.Remove(h.addressFile())
}
