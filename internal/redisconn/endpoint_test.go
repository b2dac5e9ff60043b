package redisconn

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

func TestTheURLOfARedisIsRead(t *testing.T) {
	t.Parallel()
	type found struct {
		Kind                           Kind
		Name                           string
		Addrs                          []string
		Master                         string
		DB                             int
		User, Password                 string
		SentinelUser, SentinelPassword string
		TLS                            bool
	}
	for url, want := range map[string]found{
		"redis://": {
			Kind: KindSingle, Name: "redis://localhost:6379/0", Addrs: []string{"localhost:6379"}},
		"redis://10.0.0.1:6380/3": {
			Kind: KindSingle, Name: "redis://10.0.0.1:6380/3", Addrs: []string{"10.0.0.1:6380"}, DB: 3},
		" redis://cache?db=2\n": {
			Kind: KindSingle, Name: "redis://cache:6379/2", Addrs: []string{"cache:6379"}, DB: 2},
		"REDIS://[2001:db8::1]/1": {
			Kind: KindSingle, Name: "redis://[2001:db8::1]:6379/1", Addrs: []string{"[2001:db8::1]:6379"}, DB: 1},
		"redis://[fe80::1%25eth0]:1": {
			Kind: KindSingle, Name: "redis://[fe80::1%eth0]:1/0", Addrs: []string{"[fe80::1%eth0]:1"}},
		"rediss://:s%2Fcret@cache": {
			Kind: KindSingle, Name: "rediss://cache:6379/0", Addrs: []string{"cache:6379"}, Password: "s/cret",
			TLS: true},
		"redis://crawler:p@ss:word@cache": {
			Kind: KindSingle, Name: "redis://crawler@cache:6379/0", Addrs: []string{"cache:6379"}, User: "crawler",
			Password: "p@ss:word"},
		"unix:///run/redis.sock": {
			Kind: KindSingle, Name: "unix:///run/redis.sock?db=0", Addrs: []string{"/run/redis.sock"}},
		"unix://crawler:secret@/run/redis%20.sock?db=4": {
			Kind: KindSingle, Name: "unix://crawler@/run/redis%20.sock?db=4", Addrs: []string{"/run/redis .sock"},
			DB: 4, User: "crawler", Password: "secret"},
		"redis+sentinel://a,b:1,[::1]:2/main": {
			Kind: KindSentinel, Name: "redis+sentinel://a:26379,b:1,[::1]:2/main/0",
			Addrs: []string{"a:26379", "b:1", "[::1]:2"}, Master: "main"},
		"rediss+sentinel://u:p@a/main/5?sentinel_username=su&sentinel_password=sp": {
			Kind: KindSentinel, Name: "rediss+sentinel://u@a:26379/main/5", Addrs: []string{"a:26379"}, Master: "main",
			DB:   5,
			User: "u", Password: "p", SentinelUser: "su", SentinelPassword: "sp", TLS: true},
		"redis+cluster://a,b:7001": {
			Kind: KindCluster, Name: "redis+cluster://a:6379,b:7001", Addrs: []string{"a:6379", "b:7001"}},
		"rediss+cluster://:secret@a/0": {
			Kind: KindCluster, Name: "rediss+cluster://a:6379", Addrs: []string{"a:6379"}, Password: "secret",
			TLS: true},
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			e := read(t, url)
			got := found{
				e.Kind(), e.String(), e.opt().Addrs, e.opt().MasterName, e.opt().DB, e.opt().Username, e.opt().Password,
				e.opt().SentinelUsername, e.opt().SentinelPassword, e.opt().TLSConfig != nil,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAClientIsMadeForEachKindOfRedis(t *testing.T) {
	t.Parallel()
	single := dialed(t, "rediss://u:p@h:1/2?read_timeout=7s").(*redis.Client).Options()
	sentinel := dialed(t, "rediss+sentinel://u:p@h:1,i:2/main/2?read_timeout=7s").(*redis.Client).Options()
	cluster := dialed(t, "rediss+cluster://u:p@h:1?read_timeout=7s").(*redis.ClusterClient).Options()
	for kind, o := range map[Kind]redis.Options{
		KindSingle: *single, KindSentinel: *sentinel,
		KindCluster: {
			DB: 2, Username: cluster.Username, Password: cluster.Password, PoolSize: cluster.PoolSize,
			TLSConfig:   cluster.TLSConfig,
			ReadTimeout: cluster.ReadTimeout, ContextTimeoutEnabled: cluster.ContextTimeoutEnabled,
		},
	} {
		if o.Username != "u" || o.Password != "p" || o.DB != 2 || o.PoolSize != 64 || o.ReadTimeout != 7*time.Second ||
			!o.ContextTimeoutEnabled {
			t.Errorf("%s: options are %+v", kind, o)
		}
		if name := map[bool]string{true: "h"}[kind == KindSingle]; o.TLSConfig == nil ||
			o.TLSConfig.ServerName != name || o.TLSConfig.MinVersion != tls.VersionTLS12 {
			t.Errorf("%s: TLS is %+v", kind, o.TLSConfig)
		}
	}
	if size := dialed(t, "redis://h?pool_size=3").(*redis.Client).Options().PoolSize; size != 3 {
		t.Errorf("pool_size=3 is %d", size)
	}
}

func TestNoOptionOfAURLIsLost(t *testing.T) {
	t.Parallel()
	const url = "rediss://u:p@127.0.0.1:1/2?protocol=2&client_name=c&max_retries=4&min_retry_backoff=5ms&max_retry_backoff=6ms&dial_timeout=7s" +
		"&read_timeout=8s&write_timeout=9s&pool_fifo=true&pool_size=10&pool_timeout=11s&min_idle_conns=1&max_idle_conns=13&max_active_conns=14" +
		"&max_concurrent_dials=5" +
		"&conn_max_idle_time=19s&conn_max_lifetime=20s&conn_max_lifetime_jitter=2s"
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	opt.ContextTimeoutEnabled = true
	plain := redis.NewClient(opt)
	defer plain.Close()
	want, got := *plain.Options(), *dialed(t, url).(*redis.Client).Options()
	for _, o := range []*redis.Options{&want, &got} { // what cannot be compared
		o.Dialer, o.MaintNotificationsConfig, o.PushNotificationProcessor = nil, nil, nil
		o.TLSConfig = &tls.Config{ServerName: o.TLSConfig.ServerName}
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("options %+v\nwant    %+v", got, want)
	}
}

func TestAPasswordIsReadFromAFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"secret": "secret", "secret\n": "secret", "secret\r\n": "secret",
		" se\ncret \n\n": " se\ncret \n"} {
		for _, url := range []string{"redis://crawler@h", "redis://h", "unix:///s", "redis+sentinel://h/m",
			"rediss+cluster://h"} {
			if e := read(t, url+"?password_file="+written(t, text)); e.opt().Password != want {
				t.Errorf("%s with a file of %q: the password is %q, want %q", url, text, e.opt().Password, want)
			}
		}
	}
}

func TestAURLThatIsNoneIsRefusedAndItsPasswordHidden(t *testing.T) {
	t.Parallel()
	empty := written(t, "\n")
	for url, want := range map[string]string{
		"":                                                 `URL of Redis "": is not a URL: write redis://HOST:PORT`,
		"localhost:6379":                                   `URL of Redis "localhost:6379": is not a URL`,
		"http://:secret@h":                                 `URL of Redis "http://…@h": begins with "http://": write redis://HOST:PORT, rediss://`,
		"redis://:sec/ret@h":                               `URL of Redis "redis://…@h": is not percent-encoded: in a user name or password, write %25 for %`,
		"redis://:sec?ret@h":                               `URL of Redis "redis://…": `,
		"redis://:secret":                                  `URL of Redis "redis://…": does not say where Redis is: write HOST:PORT`,
		"redis://:sec#ret@h":                               `URL of Redis "redis://…@h": is not percent-encoded`,
		"redis://:%zzsecret@h":                             `URL of Redis "redis://…@h": is not percent-encoded`,
		"redis://:secret@h:0":                              `URL of Redis "redis://…@h:0": does not say where`,
		"redis://:secret@h:secret/0":                       `URL of Redis "redis://…@…": does not say where`,
		"redis://:secret@a,b":                              `URL of Redis "redis://…@a,b": names several hosts: write redis+cluster://`,
		"redis://secret@h":                                 `URL of Redis "redis://…@h": has a user name without a password`,
		"redis://:secret@h?password_file=x":                `URL of Redis "redis://…@h?password_file=…": has a password and a password_file`,
		"redis://h?password_file=/no/such":                 `read the password: open /no/such: no such file`,
		"redis://h?password_file=" + empty:                 `is empty: write the password into it`,
		"redis://h/abc":                                    `URL of Redis "redis://h/abc": asks for database "abc": write its number`,
		"redis://h?secret=1":                               `unexpected option: secret`,
		"redis://h?password=secret":                        `URL of Redis "redis://h?password=…": unexpected option: password`,
		"redis://h?read_timeout=x":                         `invalid read_timeout duration`,
		"rediss://h?skip_verify=true":                      `certificates are always verified: name who signed yours, with ca=PATH`,
		"redis://h?ca=x":                                   `has ca, but speaks no TLS: write rediss`,
		"rediss://h?ca=" + empty:                           `has no certificate: name a PEM file`,
		"rediss://h?ca=/no/such":                           `read the authorities to trust: open /no/such`,
		"redis://h?sentinel_password=secret":               `but no Sentinels: write redis+sentinel://`,
		"redis+sentinel://h":                               `does not name the master: write its name behind the Sentinels`,
		"redis+sentinel:///main":                           `does not say where`,
		"redis+sentinel://h/main/x":                        `asks for database "x"`,
		"redis+sentinel://h/m?sentinel_username=u":         `sentinel_username without sentinel_password`,
		"redis+sentinel://h/m/x?sentinel_password=sec@ret": `URL of Redis "redis+sentinel://…": `,
		"redis+cluster://":                                 `does not say where`,
		"redis+cluster://h/1":                              `a Cluster has database 0 only: leave the number out`,
		"redis+cluster://h?db=1":                           `asks for database 1, but a Cluster has database 0 only`,
		"unix://":                                          `names no socket: write unix:///PATH`,
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			_, err := ParseEndpoint(url)
			if err == nil {
				t.Fatal("it was taken")
			}
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q\n lacks %q", err, want)
			}
			for _, part := range []string{":secret", "=secret", "sec/ret", "ret@"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("error %q has the password", err)
				}
			}
		})
	}
}

func TestAnEndpointThatIsPrintedKeepsItsPasswords(t *testing.T) {
	t.Parallel()
	e := read(t, "redis+sentinel://u:hush1@h/m?sentinel_password=hush2")
	type nested struct{ e Endpoint }
	for _, v := range []any{e, &e, nested{e}, &nested{e}, []Endpoint{e}, map[string]any{"e": e}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, "hush") {
				t.Errorf("%s of a %T is %s", verb, v, text)
			}
		}
		if text, err := json.Marshal(v); err != nil || strings.Contains(string(text), "hush") {
			t.Errorf("JSON of a %T is %s, %v", v, text, err)
		}
	}
}

func FuzzParseEndpoint(f *testing.F) {
	f.Add("redis://u:hush@h:1/0?pool_size=3")
	f.Add("redis+sentinel://u:hush@h:1,i/m/0?sentinel_password=hush")
	f.Add("unix://u:hush@/s?db=1")
	f.Fuzz(func(t *testing.T, url string) {
		url, _, _ = strings.Cut(url, "?") // a parameter may name a file
		e, err := ParseEndpoint(url)
		if err != nil {
			return
		}
		if e.opt().Username != "" {
			return // whose password has gone from the name
		}
		again, err := ParseEndpoint(e.String())
		if err != nil || again.String() != e.String() {
			t.Errorf("%q is named %q, which is read as %q, %v", url, e, again, err)
		}
	})
}

func read(t testing.TB, url string) Endpoint {
	t.Helper()
	e, err := ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// dialed returns a client that ends with the test.
func dialed(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	rdb := read(t, url).Client()
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// written writes a file that ends with the test.
func written(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAClientOfAClusterNoticesAFailoverSoon(t *testing.T) {
	t.Parallel()
	e, err := ParseEndpoint("redis+cluster://127.0.0.1:1?pool_size=7")
	if err != nil {
		t.Fatal(err)
	}
	c, ok := e.Client().(*redis.ClusterClient)
	if !ok {
		t.Fatalf("the client of a Cluster is a %T", e.Client())
	}
	defer c.Close()
	if o := c.Options(); o.ClusterStateReloadInterval != slotsEvery || o.PoolSize != 7 || !o.ContextTimeoutEnabled {
		t.Errorf("slots are read every %s, pool %d, deadlines respected: %t", o.ClusterStateReloadInterval, o.PoolSize,
			o.ContextTimeoutEnabled)
	}
}
