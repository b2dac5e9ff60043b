package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/trawlcrawler/trawl/bench/simweb"
)

// simsite is a simulated web that this process serves, each of its hosts at an
// address of the loopback interface.
type simsite struct {
	*simweb.Web
	server *http.Server
	done   chan error
}

// serveWeb serves a web in which nothing fails, unless change says otherwise.
func serveWeb(change func(*simweb.Config)) (*simsite, error) {
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	cfg := simweb.Default()
	cfg.Naming = simweb.Addresses{Port: l.Addr().(*net.TCPAddr).Port}
	cfg.Skew, cfg.Dead, cfg.Gone, cfg.Failing = 0, 0, 0, 0
	change(&cfg)
	web, err := simweb.New(cfg)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s := &simsite{Web: web, server: &http.Server{Handler: web, ReadHeaderTimeout: time.Minute},
		done: make(chan error, 1)}
	go func() { s.done <- s.server.Serve(l) }()
	return s, nil
}

// seeds are the first pages of all hosts.
func (s *simsite) seeds() []string {
	all := make([]string, s.Hosts())
	for i := range all {
		all[i] = s.URL(simweb.Ref{Host: i})
	}
	return all
}

func (s *simsite) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := s.server.Shutdown(ctx)
	if ended := <-s.done; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// whole says what a crawl of everything did wrong; nil if nothing.
func (s *simsite) whole() error {
	if a := s.Ledger().Close(); a.Missed > 0 || a.Twice > 0 || a.Forbidden > 0 || a.Early > 0 || a.Unknown > 0 {
		return fmt.Errorf("of %d pages %d were missed, %d asked for again, %d are forbidden, %d were asked for before robots.txt, %d nobody links to",
			s.Pages(), a.Missed, a.Twice, a.Forbidden, a.Early, a.Unknown)
	}
	return nil
}
