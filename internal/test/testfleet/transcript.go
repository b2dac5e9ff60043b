package testfleet

import (
	"bytes"
	"sync"
)

// Transcript collects what a process writes. It is safe for concurrent use.
type Transcript struct {
	mu      sync.Mutex
	written bytes.Buffer
	changed chan struct{}
}

// NewTranscript returns an empty transcript.
func NewTranscript() *Transcript { return &Transcript{changed: make(chan struct{})} }

// Write adds to the transcript.
func (s *Transcript) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
	return s.written.Write(p)
}

// Text returns everything written so far.
func (s *Transcript) Text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written.String()
}

// Changes returns a channel that is closed at the next write.
func (s *Transcript) Changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}
