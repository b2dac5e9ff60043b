// Package testserver runs web servers that are widely used, for tests.
package testserver

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is a kind of web server. It serves a folder over http on a loopback address.
type Server struct {
	Name string
	// conf is the configuration. In it %[1]s is the folder of the server's own files, %[2]s its
	// port, and %[3]s the folder that it serves.
	conf string
	args []string // before the name of the configuration
}

// All are the servers that tests run. They serve HTML compressed, with entity tags and dates.
var All = []Server{
	{"nginx", `daemon off; master_process off; pid %[1]s/pid; error_log stderr;
events {}
http {
	access_log off; client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c;
	uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
	types { text/html html; }
	gzip on; gzip_min_length 1; etag on;
	server { listen 127.0.0.1:%[2]s; root %[3]s; index index.html; }
}
`, []string{"-p", ".", "-c"}},
	{"apache2", `ServerName 127.0.0.1
Listen 127.0.0.1:%[2]s
PidFile %[1]s/pid
ErrorLog /dev/stderr
DefaultRuntimeDir %[1]s
Mutex posixsem
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
TypesConfig /dev/null
AddType text/html .html
AddOutputFilterByType DEFLATE text/html
DirectoryIndex index.html
FileETag MTime Size
DocumentRoot %[3]s
`, []string{"-X", "-f"}},
}

// Serve starts the server for a folder, and returns its URL without a path. It skips the test if
// the server is not installed, or does not start here.
func (s Server) Serve(t testing.TB, folder string) string {
	t.Helper()
	path, err := exec.LookPath(s.Name)
	if err != nil {
		path = filepath.Join("/usr/sbin", s.Name)
		if info, err := os.Stat(path); err != nil || info.Mode()&0o111 == 0 {
			t.Skipf("no %s on PATH or in /usr/sbin: install nginx and apache2-bin", s.Name)
		}
	}
	dir, port := t.TempDir(), freePort(t)
	for _, folder := range []string{dir, folder} { // as root, Apache reads pages as another user
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(dir, "conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, s.conf, dir, port, folder), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, append(append([]string{}, s.args...), conf)...)
	cmd.Dir = dir
	var trouble strings.Builder
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		t.Skipf("%s does not start: %v", s.Name, err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	for {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
			return "http://127.0.0.1:" + port
		}
		select {
		case <-ended:
			t.Skipf("%s does not start: %s", s.Name, trouble.String())
		case <-time.After(10 * time.Millisecond): // nothing tells that it listens
		}
	}
}

// freePort returns a port on which nothing listens.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
