package frontier

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	random "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// ping pings the Redis at a URL and returns the error.
func ping(t testing.TB, url string) error {
	t.Helper()
	return endpoint(t, url).Ping(t.Context(), connect(t, url))
}

func TestThePingErrorExplainsTheFailureInOneLine(t *testing.T) {
	t.Parallel()
	plain := redistest.Own(t).TCP
	guarded := withPassword(t)
	cert, key := certificate(t)
	secure, socket := withTLS(t, cert, key)
	web, secureWeb, silent, closed := website(t), secureWebsite(t), silentServer(t), unusedAddr(t)
	for _, c := range []struct{ name, url, want string }{
		{"no listener", "redis://" + closed, "no Redis answers at " + closed + " (dial tcp " + closed +
			": connect: connection refused): start it, or correct the address"},
		{"a missing socket", "unix:///no/such/socket",
			"no Redis answers at /no/such/socket (dial unix /no/such/socket: connect: no such file or directory): start it"},
		{"a server that never answers", "redis://" + silent, "no Redis answers at " + silent},
		{"a web server", "redis://" + web,
			"what answers at " + web + " is no Redis: correct the host or the port"},
		{"a web server with TLS", "rediss://" + secureWeb + "?ca=" + webRoots(t),
			"what answers at " + secureWeb + " is no Redis"},
		{"TLS to a port without TLS", "rediss://" + plain,
			"Redis at " + plain + " speaks no TLS on that port: write redis instead of rediss"},
		{"no TLS to a port with TLS", "redis://" + secure,
			"what is at " + secure + " speaks TLS: write rediss instead of redis"},
		{"an untrusted certificate", "rediss://" + secure,
			"Redis at " + secure + " has a certificate that is not trusted (x509: certificate signed by unknown authority): name who signed it, with ?ca=PATH"},
		{"a trusted certificate", "rediss://" + secure + "?ca=" + cert, ""},
		{"a socket", "unix://" + socket, ""},
		{"a missing password", "redis://" + guarded,
			"Redis at " + guarded + " asks for a password: write :PASSWORD@ or USER:PASSWORD@ before the host"},
		{"a correct password", "redis://:secret@" + guarded, ""},
		{"a wrong password", "redis://:hush@" + guarded,
			"Redis at " + guarded + " refuses the password: correct it"},
		{"a user with a correct password", "redis://crawler:secret@" + guarded, ""},
		{"an unknown user", "redis://bob:hush@" + guarded, `refuses the password of user "bob": correct it`},
		{"a user without rights", "redis://guest:secret@" + guarded,
			"give them, with ACL SETUSER guest " + redisconn.Rights},
		{"a missing database", "redis://" + plain + "/99",
			"Redis at " + plain + " has no database 99: choose a smaller number"},
		{"a server, with a URL of a Cluster", "redis+cluster://" + plain, "is no Cluster: write redis:// instead"},
		{"no listener, a Cluster", "redis+cluster://" + closed, "no Redis answers at " + closed},
		{"a Cluster", clusterURL(t), ""},
		{"a server, with a URL of Sentinels", "redis+sentinel://" + plain + "/m",
			"no Sentinel at " + plain + ", but a Redis: write redis:// for it"},
		{"no listener, Sentinels", "redis+sentinel://" + closed + "/m", "no Sentinel answers at " + closed},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := ping(t, c.url)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error %q", err)
			case c.want == "":
			case err == nil:
				t.Error("no error")
			case !strings.Contains(err.Error(), c.want), strings.Contains(err.Error(), "\n"),
				strings.Contains(err.Error(), "hush"):
				t.Errorf("error %q\nwant  %q", err, c.want)
			}
		})
	}
}

func TestPingWaitsWhileRedisLoads(t *testing.T) {
	t.Parallel()
	redistest.New(t) // skips the test without a Redis
	dir := t.TempDir()
	fillAndSave(t, dir, 5000)
	// Connections of other processes take ports of 127.0.0.1, but none of this address.
	host := fmt.Sprintf("127.%d.%d.%d", 64+random.N(64), random.N(256), 1+random.N(250))
	free, err := net.Listen("tcp", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(addr)
	slow := redisd.Config{Dir: dir, Args: []string{"--port", port, "--bind", host, "--key-load-delay", "500",
		"--loading-process-events-interval-bytes", "1024"}}
	started := make(chan error, 1)
	go func() {
		server, err := redisd.Start(context.Background(), slow)
		if err == nil {
			t.Cleanup(server.Kill)
		}
		started <- err
	}()
	rdb := connect(t, "redis://"+addr)
	var refused atomic.Int64
	rdb.AddHook(watcher(func(err error) {
		if err != nil && strings.Contains(err.Error(), "LOADING Redis") {
			refused.Add(1)
		}
	}))
	e := endpoint(t, "redis://"+addr)
	err = e.Ping(t.Context(), rdb)
	for err != nil && strings.Contains(err.Error(), "no Redis answers") && len(started) == 0 {
		err = e.Ping(t.Context(), rdb) // Redis does not listen yet
	}
	if startErr := <-started; startErr != nil { // another process may have taken the port
		t.Fatalf("start: %v; ping: %v", startErr, err)
	}
	if err != nil && strings.Contains(err.Error(), "no Redis answers") {
		err = e.Ping(t.Context(), rdb)
	}
	if err != nil {
		t.Fatalf("ping: %v", err)
	}
	if refused.Load() == 0 {
		t.Skip("Redis had loaded before the first ping")
	}
}

func TestPingFailsIfRedisLoadsTooLong(t *testing.T) {
	t.Parallel()
	addr := cannedServer(t, "-LOADING Redis is loading the dataset in memory\r\n")
	url := "redis://" + addr + "?max_retries=-1"
	rdb := connect(t, url)
	ctx, cancel := context.WithCancelCause(t.Context())
	rdb.AddHook(watcher(func(err error) {
		if err != nil && strings.Contains(err.Error(), "LOADING Redis") {
			cancel(errors.New("enough"))
		}
	}))
	want := "Redis at " + addr + " still loads its data: start again when it has: enough"
	if err := endpoint(t, url).Ping(ctx, rdb); err == nil || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestProtectedModeIsRecognised(t *testing.T) {
	t.Parallel()
	addr := cannedServer(t, "-DENIED Redis is running in protected mode because protected mode is enabled and ...\r\n")
	if err := ping(t, "redis://"+addr); err == nil ||
		!strings.Contains(err.Error(), "Redis at "+addr+" runs in protected mode") {
		t.Errorf("error %v", err)
	}
}

// A user with the rights that the error message names can run a crawl.
func TestTheRightsInTheErrorMessageSuffice(t *testing.T) {
	t.Parallel()
	node := redistest.Own(t)
	admin := connect(t, node.URL())
	setUser(t, admin, "crawler on >secret "+redisconn.Rights)
	b := newTestJob(t, "redis://crawler:secret@"+node.TCP, 2)
	if warnings, err := b.store.Trust(t.Context()); err != nil || len(warnings) != 1 {
		t.Errorf("trust: %q, %v; want one warning, about nothing on disk", warnings, err)
	}
	if err := b.store.CheckSchema(t.Context()); err != nil {
		t.Error(err)
	}
	settledAndCounted(t, b)
	if err := b.store.Remove(t.Context(), b.job.Name); err != nil {
		t.Error(err)
	}
}

// watcher is a hook that is called with the error of each command.
type watcher func(err error)

func (w watcher) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w watcher) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		w(err)
		return err
	}
}

func (w watcher) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// setUser creates a user with these arguments of ACL SETUSER.
func setUser(t testing.TB, rdb redis.UniversalClient, words string) {
	t.Helper()
	command := []any{"ACL", "SETUSER"}
	for word := range strings.FieldsSeq(words) {
		command = append(command, word)
	}
	if err := rdb.Do(t.Context(), command...).Err(); err != nil {
		t.Fatal(err)
	}
}

// withPassword starts a Redis with the password "secret". The users crawler and guest have the same
// password, and guest has no rights.
func withPassword(t testing.TB) (addr string) {
	t.Helper()
	node := redistest.Own(t)
	rdb := connect(t, node.URL())
	setUser(t, rdb, "crawler on >secret "+redisconn.Rights)
	setUser(t, rdb, "guest on >secret")
	if err := rdb.ConfigSet(t.Context(), "requirepass", "secret").Err(); err != nil {
		t.Fatal(err)
	}
	return node.TCP
}

// withTLS starts a Redis with TLS at an address, and without TLS at a socket.
func withTLS(t testing.TB, cert, key string) (addr, socket string) {
	t.Helper()
	node := redistest.Own(t, "--port", "0", "--tls-port", redistest.Port, "--tls-cert-file", cert, "--tls-key-file",
		key,
		"--tls-ca-cert-file", cert, "--tls-auth-clients", "no")
	_, socket = node.Addr()
	return node.TCP, socket
}

// certificate writes a self-signed certificate of this machine, and its key.
func certificate(t testing.TB) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Redis"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:   time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, encodePEM("CERTIFICATE", cert)), file(t, encodePEM("PRIVATE KEY", private))
}

func encodePEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// website starts a web server.
func website(t testing.TB) (addr string) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// secureWebsite starts a web server with TLS.
func secureWebsite(t testing.TB) (addr string) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// webRoots writes the certificate authority of secureWebsite to a file.
func webRoots(t testing.TB) string {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return file(t, encodePEM("CERTIFICATE", server.Certificate().Raw))
}

// silentServer starts a server that accepts connections and never answers.
func silentServer(t testing.TB) (addr string) { return cannedServer(t, "") }

// cannedServer starts a server that answers each command with the same line.
func cannedServer(t testing.TB, line string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn, line)
		}
	}()
	return l.Addr().String()
}

func answer(conn net.Conn, line string) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		commands := strings.Count(string(buf[:n]), "*") // each command is an array
		if _, err := io.WriteString(conn, strings.Repeat(line, commands)); err != nil {
			return
		}
	}
}

// unusedAddr returns an address without a listener. It is the local end of a connection, so that no
// other test gets it.
func unusedAddr(t testing.TB) (addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", silentServer(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.LocalAddr().String()
}

// fillAndSave saves this number of keys in the folder of a Redis.
func fillAndSave(t testing.TB, dir string, keys int) {
	t.Helper()
	server, err := redisd.Start(t.Context(), redisd.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	rdb := connect(t, server.URL())
	_, err = rdb.Pipelined(t.Context(), func(p redis.Pipeliner) error {
		for i := range keys {
			p.Set(t.Context(), fmt.Sprint("key ", i), strings.Repeat("value ", 10), 0)
		}
		return p.Save(t.Context()).Err()
	})
	if err := errors.Join(err, server.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
}
