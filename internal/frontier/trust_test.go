package frontier

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestTheDurabilityOfARedisIsChecked(t *testing.T) {
	t.Parallel()
	const onDisk, save = "--appendonly", "--save"
	for _, c := range []struct {
		name     string
		args     []string
		warnings []string // a part of each warning
		err      string
	}{
		{"an append-only file", []string{onDisk, "yes"}, nil, ""},
		{"periodic snapshots", []string{save, "3600 1"}, nil, ""},
		{"nothing is written to disk", nil,
			[]string{"writes nothing to disk: when it ends, the crawl is lost; run CONFIG SET appendonly yes there"},
			""},
		{"a memory limit without eviction", []string{onDisk, "yes", "--maxmemory", "100mb"}, nil, ""},
		{"an eviction policy without a memory limit", []string{onDisk, "yes", "--maxmemory-policy", "allkeys-lru"},
			nil, ""},
		{"eviction of any key", []string{"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"},
			nil,
			"has maxmemory-policy allkeys-lru: when its 104857600 bytes are full, it throws away URLs that wait and those seen, without a trace; run CONFIG SET maxmemory-policy noeviction there"},
		{"eviction of keys that expire",
			[]string{"--maxmemory", "100mb", "--maxmemory-policy", "volatile-ttl"}, nil,
			"it throws away the signs of life of workers, and robots.txt files; run CONFIG SET maxmemory-policy noeviction there"},
		{"only small intsets", []string{onDisk, "yes", "--set-max-intset-entries", "128"},
			[]string{"has set-max-intset-entries 128: a seen URL takes some 65 bytes instead of 9; run CONFIG SET set-max-intset-entries 512 there"}, ""},
		{"a replica", []string{"--replicaof", "127.0.0.1", "1"}, nil,
			"is a replica, and nothing may be written there: name its master, 127.0.0.1:1, or the Sentinels that know it"},
		{"a node of a Cluster", []string{"--cluster-enabled", "yes"}, nil,
			"is a node of a Redis Cluster: write redis+cluster:// instead of redis://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			node := redistest.Own(t, c.args...)
			warnings, err := New(connect(t, "redis://"+node.TCP)).Trust(t.Context())
			expect(t, "Redis at "+node.TCP+" ", warnings, err, c.warnings, c.err)
		})
	}
}

// expect checks warnings and an error against wanted parts of their texts.
func expect(t *testing.T, where string, warnings []redisconn.Warning, err error, wantWarnings []string,
	wantErr string) {
	t.Helper()
	switch {
	case wantErr == "" && err != nil:
		t.Errorf("error %q", err)
	case wantErr != "" && (err == nil || !strings.HasPrefix(err.Error(), where) ||
		!strings.Contains(err.Error(), wantErr)):
		t.Errorf("error %v\nwant  %q", err, wantErr)
	}
	if len(warnings) != len(wantWarnings) {
		t.Fatalf("warnings %q\nwant     %q", warnings, wantWarnings)
	}
	for i, w := range warnings {
		if text := string(w); !strings.HasPrefix(text, where) || !strings.Contains(text, wantWarnings[i]) ||
			strings.Contains(text, "\n") {
			t.Errorf("warning %q\nwant    %q", w, wantWarnings[i])
		}
	}
}

func TestSettingsThatRedisDoesNotRevealAreLeftToTheOperator(t *testing.T) {
	t.Parallel()
	node := redistest.Own(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru")
	admin := connect(t, node.URL())
	setUser(t, admin, "managed on >secret ~* &* +@all -config")
	setUser(t, admin, "curious on >secret ~* &* +@all -info")
	setUser(t, admin, "modest on >secret ~* &* +@all -info -config")
	const evicts = "has maxmemory-policy allkeys-lru"
	where := "Redis at " + node.TCP + " "
	trust := func(user string) ([]redisconn.Warning, error) {
		return New(connect(t, "redis://"+user+":secret@"+node.TCP)).Trust(t.Context())
	}
	for _, user := range []string{"managed", "curious"} {
		warnings, err := trust(user)
		expect(t, where, warnings, err, nil, evicts)
	}
	if err := admin.ConfigSet(t.Context(), "maxmemory-policy", "noeviction").Err(); err != nil {
		t.Fatal(err)
	}
	for user, doubts := range map[string]string{
		"managed": "so see for yourself whether it writes its data to disk (appendonly yes), whether its set-max-intset-entries is at least 512",
		"modest":  "so see for yourself whether its version is at least 6.2, whether it is a master, whether its maxmemory-policy is noeviction, whether it writes",
	} {
		warnings, err := trust(user)
		expect(t, where, warnings, err, []string{doubts}, "")
	}
}

func TestTheBuiltinRedisIsTrusted(t *testing.T) {
	t.Parallel()
	if _, err := New(connect(t, redistest.Builtin(t))).Trust(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEachMasterOfAClusterIsChecked(t *testing.T) {
	t.Parallel()
	warnings, err := New(connect(t, clusterURL(t))).Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addrs := make(map[string]bool)
	for _, addr := range redistest.Cluster(t) {
		addrs["Redis at "+addr+" writes nothing to disk"] = true
	}
	got := make(map[string]bool)
	for _, w := range warnings {
		text, _, _ := strings.Cut(string(w), ":  ")
		text, _, _ = strings.Cut(text, ": when")
		got[text] = true
	}
	if diff := cmp.Diff(addrs, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestALostRedisIsAnError(t *testing.T) {
	t.Parallel()
	url := "redis://" + unusedAddr(t) + "?max_retries=-1"
	if warnings, err := New(connect(t, url)).Trust(t.Context()); err == nil {
		t.Errorf("no error, warnings %q", warnings)
	}
	ring := redis.NewRing(&redis.RingOptions{})
	defer ring.Close()
	if _, err := New(ring).Trust(t.Context()); err == nil {
		t.Error("no error for a ring of servers, which may not support the scripts")
	}
}
