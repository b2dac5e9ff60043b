package main

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

func TestDoctorFindsNoProblemOnThisMachine(t *testing.T) {
	t.Parallel()
	s := defaultSettings()
	s.Redis, s.Out = redistest.New(t), t.TempDir()
	found := make(map[string]finding)
	for _, f := range s.diagnose(t.Context(), nil) {
		found[f.Check] = f
	}
	for _, check := range []string{"redis", "redis version", "redis memory", "clock", "open files", "name localhost"} {
		if f, ok := found[check]; !ok || f.State == stateWrong {
			t.Errorf("%s: %+v", check, f)
		}
	}
	if _, ok := found["redis persistence"]; !ok {
		t.Error("whether Redis keeps its data was not checked")
	}
}

func TestDoctorSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := defaultSettings()
	s.Listen, s.Out, s.Redis = taken.Addr().String(), "/proc/none", "redis://127.0.0.1:1/0"
	var out bytes.Buffer
	if err := report(&out, "doctor", s.diagnose(t.Context(), nil), false); err == nil ||
		!strings.Contains(err.Error(), "wrong") {
		t.Errorf("the error is %v", err)
	}
	for _, part := range []string{"wrong    redis:", "Start it, or correct --redis", "wrong    listen:",
		"Choose another address", "wrong    output:", "Name another folder"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the report lacks %q:\n%s", part, out.String())
		}
	}
}

func TestDoctorChecksRedisSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		got  finding
		want state
	}{
		"an old server":     {versionFinding(map[string]string{"redis_version": "6.0.16"}), stateWrong},
		"the oldest server": {versionFinding(map[string]string{"redis_version": "6.2.1"}), stateGood},
		"a server of today": {versionFinding(map[string]string{"redis_version": "8.0.2"}), stateGood},
		"keys are evicted":  {memoryFinding(map[string]string{"maxmemory_policy": "allkeys-lru"}), stateWrong},
		"memory is limited": {
			memoryFinding(map[string]string{"maxmemory_policy": "noeviction", "maxmemory": "100"}), stateGood,
		},
		"an append-only file": {
			persistenceFinding(map[string]string{"aof_enabled": "1", "aof_last_write_status": "ok"}), stateGood,
		},
		"a full disk": {
			persistenceFinding(map[string]string{"aof_enabled": "1", "aof_last_write_status": "err"}), stateWrong,
		},
		"snapshots alone": {persistenceFinding(map[string]string{"aof_enabled": "0"}), stateWarn},
	} {
		if c.got.State != c.want || c.want != stateGood && c.got.Do == "" {
			t.Errorf("%s: %+v, want %s", name, c.got, c.want)
		}
	}
}
