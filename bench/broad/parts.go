package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// part is a part of the work, with its share of the processor time.
type part struct {
	name  string
	share float64
}

// marks tell parts by the functions on a stack: the first part with a function there counts.
var marks = []struct {
	part      string
	functions []string
}{
	{"TLS", []string{"crypto/tls.", "crypto/x509."}},
	{"DNS", []string{"internal/dns."}},
	{"robots.txt, without its request", []string{"internal/robots."}},
	{"Redis client and asynq", []string{"go-redis", "hibiken/asynq", "internal/frontier."}},
	{"connecting", []string{"net.(*sysDialer)", "net.(*Dialer)"}},
	{"parsing", []string{"internal/parse.", "internal/htmltok.", "internal/charset."}},
	{"HTTP", []string{"net/http.", "net/http/internal/http2.", "internal/fetch.", "internal/repair."}},
	{"records", []string{"internal/sink."}},
	{"visits", []string{"internal/visit.", "internal/fleet.", "internal/wire."}},
	{"garbage collection and scheduler", []string{"runtime."}},
}

// partsOf reads the profiles of the workers.
func partsOf(dir string) ([]part, error) {
	files, err := filepath.Glob(filepath.Join(dir, "worker-*", "cpu.pprof"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no profiles in %s: %w", dir, err)
	}
	text, err := exec.Command("go", append([]string{"tool", "pprof", "-traces"}, files...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go tool pprof: %w", err)
	}
	sums, total := make(map[string]time.Duration), time.Duration(0)
	for trace := range strings.SplitSeq(string(text), "-----------+-------") {
		took, stack := readTrace(trace)
		sums[partOf(stack)] += took
		total += took
	}
	var all []part
	for name, took := range sums {
		all = append(all, part{name, float64(took) / float64(max(1, total))})
	}
	slices.SortFunc(all, func(a, b part) int { return cmp.Compare(b.share, a.share) })
	return all, nil
}

// readTrace reads one stack of go tool pprof -traces: its time, followed by the innermost function,
// and then one function a line.
func readTrace(text string) (took time.Duration, stack []byte) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && took == 0 {
			if d, err := time.ParseDuration(fields[0]); err == nil {
				took, fields = d, fields[1:]
			}
		}
		if took > 0 && len(fields) > 0 {
			stack = append(append(stack, fields[0]...), '\n')
		}
	}
	return took, stack
}

func partOf(stack []byte) string {
	for _, m := range marks {
		for _, function := range m.functions {
			if bytes.Contains(stack, []byte(function)) {
				return m.part
			}
		}
	}
	return "others"
}
