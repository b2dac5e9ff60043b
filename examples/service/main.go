// Command service crawls for others: POST /crawls/NAME?url=URL starts a crawl, GET
// /crawls/NAME/events streams what happens, GET /crawls/NAME returns what is on record, DELETE
// cancels. All crawls share one Redis, one scheduler and one worker. On SIGTERM, pages under way
// are finished, and the crawls continue at the next start.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/trawlcrawler/trawl"
)

// service is the HTTP side of a fleet.
type service struct {
	fleet *trawl.Fleet
	delay time.Duration
}

// start starts a crawl.
func (s *service) start(w http.ResponseWriter, r *http.Request) {
	job := trawl.NewJob(r.PathValue("name"), r.URL.Query()["url"]...)
	job.Delay = s.delay
	_, err := s.fleet.Start(r.Context(), job)
	switch {
	case errors.Is(err, trawl.ErrJobExists):
		http.Error(w, err.Error(), http.StatusConflict)
	case errors.As(err, new(*trawl.SettingError)):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.WriteHeader(http.StatusCreated)
	}
}

// with calls a function with the crawl that a request names.
func (s *service) with(do func(w http.ResponseWriter, r *http.Request, run *trawl.Run)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		run, err := s.fleet.Job(r.Context(), r.PathValue("name"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		do(w, r, run)
	}
}

// events streams the events of a crawl, one a line, until it has ended.
func events(w http.ResponseWriter, r *http.Request, run *trawl.Run) {
	lines := json.NewEncoder(w)
	for event := range run.Events(r.Context()) {
		if lines.Encode(event) != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
	}
}

// records returns what is on record, one URL a line.
func records(w http.ResponseWriter, r *http.Request, run *trawl.Run) {
	for record, err := range run.Records(r.Context()) {
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Fprintln(w, record.URL, record.Outcome, record.Title)
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8081", "address")
	out := flag.String("out", "crawls", "folder of the results")
	delay := flag.Duration("delay", time.Second, "between two requests to a host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	fleet, err := trawl.Open(ctx, trawl.Config{Out: *out})
	if err != nil {
		log.Fatal(err)
	}
	s := &service{fleet, *delay}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /crawls/{name}", s.start)
	mux.HandleFunc("GET /crawls/{name}/events", s.with(events))
	mux.HandleFunc("GET /crawls/{name}", s.with(records))
	mux.HandleFunc("DELETE /crawls/{name}", s.with(func(w http.ResponseWriter, r *http.Request, run *trawl.Run) {
		if err := run.Cancel(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
		}
	}))
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("listening on %s", listener.Addr())
	server := &http.Server{Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx }}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Print(err)
	}
	ending, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := fleet.Shutdown(ending); err != nil {
		log.Fatal(err)
	}
}
