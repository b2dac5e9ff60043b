package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// site is an nginx that serves a folder on the loopback interface, with
// connections kept alive for as long as clients want.
type site struct {
	url  string // ends with a slash
	log  string // where the requests are logged; whole when the site is closed
	cmd  *exec.Cmd
	done chan error
}

// siteConfig is nginx's, with the paths and numbers left out.
const siteConfig = `daemon off;
worker_processes %d;
pid %s/nginx.pid;
error_log %s/error.log warn;
events { worker_connections 1024; }
http {
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	charset utf-8;
	sendfile on;
	tcp_nopush on;
	keepalive_timeout 300s;
	keepalive_requests 100000000;
	open_file_cache max=20000 inactive=600s;
	log_format bench "$request_method $status $request_uri";
	access_log %s/access.log bench buffer=256k;
	client_body_temp_path %s/body;
	proxy_temp_path %s/proxy;
	fastcgi_temp_path %s/fastcgi;
	uwsgi_temp_path %s/uwsgi;
	scgi_temp_path %s/scgi;
	server {
		listen 127.0.0.1:%d backlog=1024;
		root "%s";
		index index.html;
	}
}
`

// serve starts nginx on a free port, with its files in temp, and waits until it
// answers.
func serve(ctx context.Context, root, temp string, workers int) (*site, error) {
	path, err := exec.LookPath("nginx")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			return nil, errors.New("there is no nginx: install nginx-light")
		}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	config := filepath.Join(temp, "nginx.conf")
	text := fmt.Sprintf(siteConfig, workers, temp, temp, temp, temp, temp, temp, temp, temp, port, root)
	if os.Geteuid() == 0 { // its workers may read what we may
		text = "user root;\n" + text
	}
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	s := &site{url: fmt.Sprintf("http://127.0.0.1:%d/", port), log: filepath.Join(temp, "access.log"),
		done: make(chan error, 1)}
	s.cmd = exec.Command(path, "-p", temp, "-e", filepath.Join(temp, "error.log"), "-c", config)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.done <- s.cmd.Wait() }()
	if err := reachable(ctx, "127.0.0.1:"+strconv.Itoa(port)); err != nil {
		_ = s.close()
		text, _ := os.ReadFile(filepath.Join(temp, "error.log"))
		return nil, fmt.Errorf("nginx does not answer: %w\n%s", err, strings.TrimSpace(string(text)))
	}
	return s, nil
}

// close stops nginx. What it had in memory of its log is written then.
func (s *site) close() error {
	const patience = 10 * time.Second
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case err := <-s.done:
		return err
	case <-time.After(patience):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.done
		return errors.New("nginx did not end, and was killed")
	}
}

// reachable waits until somebody accepts connections at an address.
func reachable(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// freePort returns a port of the loopback interface that nobody uses.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
