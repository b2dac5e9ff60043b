package render

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// wire carries messages of the Chrome DevTools Protocol, each one JSON value.
type wire interface {
	// read returns the next message, which is valid until the next call.
	read() ([]byte, error)
	// write is called by one goroutine.
	write([]byte) error
	close() error
}

// maxMessage is the most bytes of a message that is read. Screenshots are the largest.
const maxMessage = 128 << 20

// errTooLarge is the answer to a call whose result exceeds maxMessage.
var errTooLarge = errors.New("the browser's answer is too large")

// protocolError is a browser's answer to a call that it refuses.
type protocolError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *protocolError) Error() string { return fmt.Sprintf("%s (%d)", e.Message, e.Code) }

// event is a message of a browser that is not an answer.
type event struct {
	Session string          `json:"sessionId"` // "" is the browser's own
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// incoming is a message of a browser: an answer if it has an ID, or else an event.
type incoming struct {
	ID int64 `json:"id"`
	event
	Result json.RawMessage `json:"result"`
	Error  *protocolError  `json:"error"`
}

type outgoing struct {
	ID      int64  `json:"id"`
	Session string `json:"sessionId,omitempty"`
	Method  string `json:"method"`
	Params  any    `json:"params,omitempty"`
}

type answered struct {
	result json.RawMessage
	err    error
}

// connection speaks CDP with one browser, in "flat" sessions. It is safe for concurrent use.
type connection struct {
	wire  wire
	hear  func(event)   // called by the reader, in order; it must not wait for the browser
	lost  chan struct{} // closed when the connection has ended
	ended sync.WaitGroup

	mu      sync.Mutex
	why     error // why it has ended; nil while it has not
	last    int64
	pending map[int64]chan answered
	queue   [][]byte
	queued  *sync.Cond
}

// connect begins to read and write. The caller ends it with close.
func connect(w wire, hear func(event)) *connection {
	c := &connection{wire: w, hear: hear, lost: make(chan struct{}), pending: map[int64]chan answered{}}
	c.queued = sync.NewCond(&c.mu)
	c.ended.Go(c.readAll)
	c.ended.Go(c.writeAll)
	return c
}

// close ends the connection, and waits for its goroutines.
func (c *connection) close() {
	c.end(errors.New("closed"))
	c.ended.Wait()
}

// end ends the connection. Calls that wait for an answer fail with ErrBrowserLost.
func (c *connection) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return
	}
	c.why = fmt.Errorf("%w: %w", ErrBrowserLost, why)
	for _, waiting := range c.pending {
		waiting <- answered{err: c.why}
	}
	c.pending, c.queue = nil, nil
	close(c.lost)
	c.queued.Broadcast()
	_ = c.wire.close() // it ends the reader and the writer
}

func (c *connection) readAll() {
	for {
		text, err := c.wire.read()
		if errors.Is(err, errTooLarge) {
			c.answer(idOf(text), answered{err: errTooLarge})
			continue
		}
		if err != nil {
			c.end(fmt.Errorf("read: %w", err))
			return
		}
		var m incoming
		if err := json.Unmarshal(text, &m); err != nil {
			c.end(fmt.Errorf("read a message: %w", err))
			return
		}
		switch {
		case m.ID == 0:
			c.hear(m.event)
		case m.Error != nil:
			c.answer(m.ID, answered{err: m.Error})
		default:
			c.answer(m.ID, answered{result: m.Result})
		}
	}
}

// idOf reads the ID of a message from its beginning alone. Browsers write it first.
func idOf(beginning []byte) int64 {
	var id int64
	_, _ = fmt.Fscanf(bytes.NewReader(beginning), `{"id":%d`, &id)
	return id
}

func (c *connection) answer(id int64, a answered) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if waiting, ok := c.pending[id]; ok { // otherwise no call waits for it
		delete(c.pending, id)
		waiting <- a
	}
}

func (c *connection) writeAll() {
	for {
		text, ok := c.next()
		if !ok {
			return
		}
		if err := c.wire.write(text); err != nil {
			c.end(fmt.Errorf("write: %w", err))
			return
		}
	}
}

// next waits for a message to write.
func (c *connection) next() ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.queue) == 0 && c.why == nil {
		c.queued.Wait()
	}
	if c.why != nil {
		return nil, false
	}
	text := c.queue[0]
	c.queue = c.queue[1:]
	return text, true
}

// post sends a command whose answer is not needed. It does not wait. Commands reach the browser in
// the order in which they are sent.
func (c *connection) post(session, method string, params any) {
	_, _ = c.send(session, method, params, nil)
}

// send queues a command. Its answer goes to the channel, if there is one.
func (c *connection) send(session, method string, params any, to chan answered) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.why != nil {
		return 0, c.why
	}
	c.last++
	text, err := json.Marshal(outgoing{ID: c.last, Session: session, Method: method, Params: params})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", method, err)
	}
	if to != nil {
		c.pending[c.last] = to
	}
	c.queue = append(c.queue, text)
	c.queued.Signal()
	return c.last, nil
}

// call sends a command and waits for its result, which it decodes into result unless that is nil.
func (c *connection) call(ctx context.Context, session, method string, params, result any) error {
	to := make(chan answered, 1)
	id, err := c.send(session, method, params, to)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.pending, id)
		c.mu.Unlock()
		return fmt.Errorf("%s: %w", method, ctx.Err())
	case a := <-to:
		if a.err != nil {
			return fmt.Errorf("%s: %w", method, a.err)
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(a.result, result); err != nil {
			return fmt.Errorf("%s: read the result: %w", method, err)
		}
		return nil
	}
}
