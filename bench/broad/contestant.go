package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// contestant is a crawler that takes part.
type contestant struct {
	name string
	// start starts its processes, which crawl the web until they are stopped.
	start func(ctx context.Context, s *stage) error
}

// stage is where one turn takes place.
type stage struct {
	options
	web       *web
	dir       string
	seeds     string // path of the list of seeds
	processes []*process
}

// contestants builds the contestants that are wanted.
func contestants(ctx context.Context, o options, dir string) (all []contestant, err error) {
	trawl := o.trawl
	if trawl == "" && o.wanted("trawl") {
		trawl = filepath.Join(dir, "trawl")
		if err := build(ctx, "-C", "..", "-o", trawl, "./cmd/trawl"); err != nil {
			return nil, err
		}
	}
	if o.wanted("plain") {
		path := filepath.Join(dir, "plain")
		if err := build(ctx, "-o", path, "./broad/plain"); err != nil {
			return nil, err
		}
		all = append(all, contestant{"plain", func(_ context.Context, s *stage) error {
			return s.run("plain", nil, path, s.seeds, filepath.Join(s.dir, "pages.jsonl"), s.web.names.address(),
				s.web.authority, fmt.Sprint(2*s.visits))
		}})
	}
	if o.wanted("trawl") {
		all = append(all, contestant{"trawl", func(ctx context.Context, s *stage) error { return s.fleet(ctx, trawl) }})
	}
	return all, nil
}

// build builds a command. It must be run in the folder bench.
func build(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(said)))
	}
	return nil
}

// fleet starts a Redis, a scheduler and two workers, and brings them a job.
func (s *stage) fleet(ctx context.Context, trawl string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(address)
	err = s.run("redis", nil, "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", s.dir, "--save", "",
		"--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction")
	if err == nil {
		err = reachable(ctx, address)
	}
	if err != nil {
		return err
	}
	redis := "TRAWL_REDIS=redis://" + address + "/0"
	if err := s.trawl(ctx, "scheduler", trawl, []string{redis}); err != nil {
		return err
	}
	env := []string{redis, "SSL_CERT_FILE=" + s.web.authority}
	if s.env != "" {
		env = append(env, strings.Split(s.env, ",")...)
	}
	for i := range 2 {
		name := fmt.Sprintf("worker-%d", i+1)
		args := []string{"--name", name, "--out", filepath.Join(s.dir, "out"), "--allow-cidr", "127.0.0.0/8",
			"--resolvers", s.web.names.address(), "--concurrency", fmt.Sprint(s.visits)}
		if s.profile != "" {
			args = append(args, "--profile", filepath.Join(s.profile, name))
		}
		if err := s.trawl(ctx, "worker", trawl, env, args...); err != nil {
			return err
		}
	}
	return s.order(ctx, trawl, redis)
}

// trawl starts a process of a fleet and waits until it listens.
func (s *stage) trawl(ctx context.Context, command, trawl string, env []string, args ...string) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	args = append([]string{command, "--listen", address}, args...)
	if err := s.run(command, env, trawl, args...); err != nil {
		return err
	}
	return reachable(ctx, address)
}

// order creates the job and brings it the seeds.
func (s *stage) order(ctx context.Context, trawl, redis string) error {
	file := filepath.Join(s.dir, "job.yaml")
	text := "name: broad\nscope: any\ndelay: 0s\npages_per_host: 1000\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{{"job", "create", file}, {"seed", "broad", s.seeds}} {
		cmd := exec.CommandContext(ctx, trawl, args...)
		cmd.Env = append(os.Environ(), redis)
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("trawl %s: %w: %s", strings.Join(args, " "), err, said)
		}
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// reachable waits until someone listens at an address.
func reachable(ctx context.Context, address string) error {
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// run starts a process for this turn.
func (s *stage) run(role string, env []string, path string, args ...string) error {
	p, err := start(role, env, path, args...)
	if err == nil {
		s.processes = append(s.processes, p)
	}
	return err
}

// end stops the processes, the last one first.
func (s *stage) end() error {
	var errs []error
	for _, p := range slices.Backward(s.processes) {
		errs = append(errs, p.stop())
	}
	return errors.Join(errs...)
}
