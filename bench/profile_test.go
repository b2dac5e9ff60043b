package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/trawlcrawler/trawl/bench/redisinfo"
)

// sampled makes a profile of stacks, the innermost function first, with a figure
// each.
func sampled(kind, unit string, figures map[string]int64) *profile.Profile {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: kind, Unit: unit}}, Period: 10}
	known := map[string]*profile.Location{}
	for stack, figure := range figures {
		s := &profile.Sample{Value: []int64{figure}}
		for name := range strings.SplitSeq(stack, " < ") {
			at := known[name]
			if at == nil {
				id := uint64(len(known) + 1)
				f := &profile.Function{ID: id, Name: strings.Replace(name, "trawl/", trawlPath+"/", 1)}
				at = &profile.Location{ID: id, Line: []profile.Line{{Function: f}}}
				known[name] = at
				p.Function, p.Location = append(p.Function, f), append(p.Location, at)
			}
			s.Location = append(s.Location, at)
		}
		p.Sample = append(p.Sample, s)
	}
	return p
}

const (
	visited = "trawl/crawler.(*visit).lane < trawl/tasks.(*Server).visit < github.com/hibiken/asynq.(*processor).exec.func1"
	written = "syscall.Syscall < net.(*conn).Write < "
)

func TestASampleCountsForItsInnermostGroup(t *testing.T) {
	t.Parallel()
	p := sampled("cpu", "nanoseconds", map[string]int64{
		"bytes.IndexByte < trawl/internal/htmltok.(*Tokenizer).next < trawl/internal/parse.(*scan).read < " +
			visited: 1,
		"trawl/crawler.URL.Host < trawl/internal/parse.(*refs).links < " +
			visited: 2,
		"crypto/internal/fips140/sha256.block < trawl/internal/fetch.(*keeper).take < " +
			visited: 4,
		written + "net/http.(*persistConn).writeLoop": 8,
		written + "github.com/redis/go-redis/v9/internal/pool.(*Conn).WithWriter < " +
			visited: 16,
		"encoding/json.Marshal < trawl/internal/sink.(*Journal).Note < " +
			visited: 32,
		"runtime.scanObject < runtime.gcDrain < runtime.gcAssistAlloc < runtime.mallocgc < " +
			visited: 64,
		"runtime.nanotime < runtime.mstart":             128,
		"runtime.mallocgc < " + visited:                 256,
		"github.com/hibiken/asynq.(*processor).exec":    512,
		"runtime.memmove < main.main < runtime.main":    1024,
		"slices.Sort[go.shape.a/b.c] < main.f < main.g": 2048,
	})
	got, total := groupTime(p, 0)
	want := []int64{1 + 2, 1, 4, 8, 16 + 512, 32, 64 + 128, 256 + 1024 + 2048}
	for i, s := range got {
		if s.value != want[i] {
			t.Errorf("%s: %d, want %d", s.name, s.value, want[i])
		}
	}
	if total != 4095 || len(got) != len(want) {
		t.Errorf("%d in all, in %d lines", total, len(got))
	}
}

func TestPackagesOfFunctions(t *testing.T) {
	t.Parallel()
	for function, want := range map[string]string{
		"main.main": "main",
		"github.com/redis/go-redis/v9.(*Client).Do": "github.com/redis/go-redis/v9",
		"slices.Sort[go.shape.github.com/a/b.C]":    "slices",
		"gcWriteBarrier":                            "gcWriteBarrier",
	} {
		if got := packageOf(function); got != want {
			t.Errorf("packageOf(%q) = %q, want %q", function, got, want)
		}
	}
}

func TestIdleWaitsDoNotCount(t *testing.T) {
	t.Parallel()
	p := sampled("delay", "nanoseconds", map[string]int64{
		"runtime.selectgo < github.com/hibiken/asynq.(*heartbeater).start.func1":                               1,
		"runtime.selectgo < net/http.(*persistConn).writeLoop < net/http.(*Transport).dialConn.gowrap3":        2,
		"runtime.selectgo < trawl/crawler.sleep < trawl/crawler.(*visit).guard":                                4,
		"runtime.chanrecv1 < net/http.(*persistConn).readLoop.func4 < net/http.(*bodyEOFSignal).Read":          8,
		"runtime.selectgo < net/http.(*persistConn).roundTrip < " + visited:                                    16,
		"sync.(*Mutex).Lock < github.com/redis/go-redis/v9/internal/pool.(*ConnPool).Get < " + visited:         32,
		"internal/sync.(*Mutex).lockSlow < sync.(*Mutex).Lock < trawl/crawler.(*visit).ruling < " + visited:    64,
		"sync.(*Mutex).Lock < trawl/crawler.(*visit).ruling < trawl/crawler.(*errand).get < " + visited:        128,
		"runtime.chanrecv1 < trawl/crawler.(*visit).beat < trawl/crawler.(*visit).beat-fm < sync.(*WaitGroup)": 256,
	})
	want := []share{
		{"crawler.(*visit).ruling", 64 + 128},
		{"redis/go-redis/v9/internal/pool.(*ConnPool).Get", 32},
		{"net/http.(*persistConn).roundTrip", 16},
		{"net/http.(*persistConn).readLoop.func4", 8},
	}
	if got := addUp(p, 0, waiter); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheMemoryOfTheProfileItselfDoesNotCount(t *testing.T) {
	t.Parallel()
	p := sampled("alloc_space", "bytes", map[string]int64{
		"bufio.NewReaderSize < net/http.(*Transport).dialConn":                     10,
		"runtime/pprof.StartCPUProfile < main.(*profiler).start":                   5,
		"compress/flate.NewWriter < runtime/pprof.newProfileBuilder < main.f":      5,
		"bufio.NewReaderSize < github.com/redis/go-redis/v9/internal/pool.NewConn": 1,
	})
	if got, want := addUp(p, 0, allocator), []share{{"bufio.NewReaderSize", 11}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProfilesAreReadFromAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, kind := range map[string]string{"cpu": "cpu", "allocs": "alloc_space", "mutex": "delay",
		"block": "delay"} {
		file, err := os.Create(filepath.Join(dir, name+".pprof"))
		if err != nil {
			t.Fatal(err)
		}
		if err := sampled(kind, "nanoseconds", map[string]int64{"trawl/crawler." + name: 100}).Write(file); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	of := profiles{}
	for range 2 { // of two crawls
		if err := of.read(dir); err != nil {
			t.Fatal(err)
		}
	}
	got, err := of.add()
	if err != nil {
		t.Fatal(err)
	}
	if got.total != 200 || got.samples != 20 {
		t.Errorf("%d ns of %d samples, want 200 of 20", got.total, got.samples)
	}
	for name, of := range map[string][]share{"allocs": got.allocated, "mutex": got.contended, "block": got.blocked} {
		if !slices.Equal(of, []share{{"crawler." + name, 200}}) {
			t.Errorf("%s: %v", name, of)
		}
	}
	if err := os.Remove(filepath.Join(dir, "mutex.pprof")); err != nil {
		t.Fatal(err)
	}
	if err := of.read(dir); err == nil {
		t.Error("a profile is missing, and nobody says so")
	}
}

func TestWhatStraceCounts(t *testing.T) {
	t.Parallel()
	got, err := parseStrace(`% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 61.55    0.105131          31      3375       294 futex
 20.53    0.035062           9      3792      1266 read
  9.90    0.016914          11      1432           write
  0.00    0.000000           0         1           gettid
------ ----------- ----------- --------- --------- ----------------
100.00    0.170799          18      9467      1560 total
`)
	if err != nil {
		t.Fatal(err)
	}
	if want := []syscalls{{"read", 3792}, {"futex", 3375}, {"write", 1432}, {"gettid", 1}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, text := range []string{"", "strace: Process 1 attached\n", "1.00 0.1 1 many read\n"} {
		if got, err := parseStrace(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

func TestAnInsightIsWrittenPerPage(t *testing.T) {
	t.Parallel()
	seen := insight{
		corpus: "small", trials: []trial{{took: time.Second, verdict: verdict{pages: 10},
			usage: usage{cpu: 2 * time.Millisecond}}},
		stacks: stacks{
			total: 1e6, samples: 1, time: []share{{"the rest", 1e6}},
			allocated: []share{{"bytes.Clone", 1000}}, blocked: []share{{"crawler.(*visit).lane", 3e6}},
		},
		commands: redisinfo.Commands{"evalsha": {Calls: 2, Took: 100 * time.Microsecond}},
		calls:    []syscalls{{"read", 32}},
	}
	text := seen.markdown()
	for _, line := range []string{
		"### small: 10 pages, 10 a second, 0.20 ms of processor time each, 0.00 of it Redis",
		"| processor time of Trawl (1 sample) | % | µs/page |", "| the rest | 100.0 | 100.0 |",
		"| `bytes.Clone` | 100 |", "| none | – |", "| `crawler.(*visit).lane` | 3 |", "| evalsha | 2 | 50.0 | 10.0 |",
		"| read | 3.20 |",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("there is no line %q in\n%s", line, text)
		}
	}
	seen.calls, seen.uncalled = nil, "there is no strace: install strace"
	if text := seen.markdown(); !strings.Contains(text, "System calls were not counted: there is no strace") {
		t.Errorf("that there is no strace is not said:\n%s", text)
	}
}

// The README that is here has a place for each report.
func TestREADMEHasAPlaceForTheProfile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"figures", "targets", "profile"} {
		if err := writeInto(file, name, "the "+name+"\n"); err != nil {
			t.Error(err)
		}
	}
}
