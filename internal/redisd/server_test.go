package redisd

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// needServer returns the path of a real server. It skips the test if there is no server, or fails
// it if the environment requires one.
func needServer(t *testing.T) string {
	t.Helper()
	path, ok := Find()
	if ok {
		return path
	}
	if os.Getenv("TRAWL_TEST_REDIS") == "required" {
		t.Fatal("no redis-server or valkey-server on PATH, and TRAWL_TEST_REDIS=required")
	}
	t.Skip("no redis-server or valkey-server on PATH: install redis-server")
	return ""
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	needServer(t)
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func connect(t *testing.T, url string) *redis.Client {
	t.Helper()
	opts, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(opts)
	t.Cleanup(func() { c.Close() })
	return c
}

func set(t *testing.T, s *Server, key, value string) {
	t.Helper()
	if err := connect(t, s.URL()).Set(t.Context(), key, value, 0).Err(); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, s *Server, key string) string {
	t.Helper()
	value, err := connect(t, s.URL()).Get(t.Context(), key).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	return value
}

func TestAServerThatPersistsHasItsDataAfterAStop(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: filepath.Join(t.TempDir(), "redis"), Persist: true}
	s := start(t, cfg)
	set(t, s, "bream", "caught")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, start(t, cfg), "bream"); got != "caught" {
		t.Errorf("after a restart the key is %q, want %q", got, "caught")
	}
}

func TestAServerThatPersistsHasItsDataAfterItWasKilled(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: t.TempDir(), Persist: true}
	s := start(t, cfg)
	set(t, s, "bream", "caught")
	s.Kill()
	if got := get(t, start(t, cfg), "bream"); got != "caught" {
		t.Errorf("after a crash the key is %q, want %q", got, "caught")
	}
}

func TestAServerThatDoesNotPersistForgets(t *testing.T) {
	t.Parallel()
	cfg := Config{Dir: t.TempDir()}
	s := start(t, cfg)
	set(t, s, "bream", "caught")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, start(t, cfg), "bream"); got != "" {
		t.Errorf("after a restart the key is %q, want none", got)
	}
}

func TestAServerIsReachedByItsSocketOnly(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Dir: t.TempDir()})
	network, socket := s.Addr()
	if network != "unix" || s.URL() != "unix://"+socket+"?"+patient {
		t.Errorf("address is %s %q and URL %q, want a socket", network, socket, s.URL())
	}
	config, err := connect(t, s.URL()).ConfigGet(t.Context(), "port").Result()
	if err != nil || config["port"] != "0" {
		t.Errorf("port is %q (%v), want 0", config["port"], err)
	}
	folder, err := os.Stat(filepath.Dir(socket))
	if err != nil {
		t.Fatal(err)
	}
	if mode := folder.Mode().Perm(); mode != 0o700 {
		t.Errorf("the socket's folder has mode %o, want 700", mode)
	}
}

func TestStopLeavesNeitherSocketNorAddress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Config{Dir: dir})
	_, socket := s.Addr()
	for range 2 { // the second call has nothing to do
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{filepath.Dir(socket), filepath.Join(dir, "redis.addr")} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there (%v)", path, err)
		}
	}
}

func TestDoneReportsAServerThatDies(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Dir: t.TempDir()})
	process, err := os.FindProcess(s.Pid())
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
}

func TestArgumentsOfTheCallerOverrideTheDefaults(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Dir: t.TempDir(), Args: []string{"--maxmemory", "123mb"}})
	config, err := connect(t, s.URL()).ConfigGet(t.Context(), "maxmemory").Result()
	if want := "128974848"; err != nil || config["maxmemory"] != want {
		t.Errorf("maxmemory is %q (%v), want %q", config["maxmemory"], err, want)
	}
}

func TestAFolderHasOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, Config{Dir: dir})
	set(t, s, "bream", "caught")
	if _, err := Start(t.Context(), Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second server: %v, want ErrInUse", err)
	}
	if got := get(t, s, "bream"); got != "caught" {
		t.Errorf("the first server has %q, want %q", got, "caught")
	}
}

func TestAnExecutableThatIsNotAServerIsReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path string
		args []string
		want []string
	}{
		"the file does not exist": {
			path: "/no/such/redis-server", want: []string{`"/no/such/redis-server"`, "no such file"},
		},
		"it ends at once": {
			path: mustLookPath(t, "true"), want: []string{"ended instead of answering (exit status 0)"},
		},
		"it fails":              {path: mustLookPath(t, "false"), want: []string{"exit status 1"}},
		"it fails and says why": {path: mustLookPath(t, "cat"), want: []string{"exit status 1", "--port"}},
		"it does not know its options": {
			path: needServer(t), args: []string{"--bream", "1"}, want: []string{"Bad directive", "bream"},
		},
		"it asks for a password": {
			path: needServer(t), args: []string{"--requirepass", "x"},
			want: []string{"-NOAUTH", "leave authentication out"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			_, err := Start(t.Context(), Config{Path: c.path, Dir: dir, Args: c.args})
			if err == nil {
				t.Fatal("the server started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want it to contain %q", err, want)
				}
			}
			start(t, Config{Dir: dir}) // the folder is available again
		})
	}
}

func TestStartGivesUpOnAnUnresponsiveServerWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	mute := filepath.Join(t.TempDir(), "mute")
	if err := os.WriteFile(mute, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := Start(ctx, Config{Path: mute, Dir: t.TempDir()})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v, want that of the context", err)
	}
}

func TestStartNamesTheSettingThatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := Start(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "Dir is empty") {
		t.Errorf("error is %v, want it to name Dir", err)
	}
}

func mustLookPath(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("this system has no %s: %v", name, err)
	}
	return path
}
