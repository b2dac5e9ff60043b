package simweb

import (
	"net/http"
	"strconv"
)

// ServeHTTP answers as RoundTrip does, for those who come over a socket
// ([http.Handler]). A host that is dead breaks the connection.
func (w *Web) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	host, ok := w.hostOf(req.Host)
	if !ok {
		http.Error(rw, "no such host", http.StatusMisdirectedRequest)
		return
	}
	if w.dead(host) {
		panic(http.ErrAbortHandler)
	}
	done := w.ledger.begin(host, req.URL.Path)
	defer done()
	if wait(req, w.latency(host)) != nil {
		return
	}
	status, kind, body := w.answer(host, req.URL.Path)
	rw.Header().Set("Content-Type", kind)
	rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rw.WriteHeader(status)
	_, _ = rw.Write(body) // who has gone has gone
}
