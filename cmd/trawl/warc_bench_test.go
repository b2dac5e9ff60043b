package main_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// BenchmarkCrawlOfTheJavaManual measures the CPU time of the crawler's process per page, without
// and with WARC. The time of Redis does not count. Use -count to compare the two: they alternate.
func BenchmarkCrawlOfTheJavaManual(b *testing.B) {
	if javaManual.dir == "" {
		b.Skipf("there is no %s: install %s", javaManual.glob, javaManual.pkg)
	}
	const pages = 2000
	for _, format := range []string{"jsonl", "jsonl,warc"} {
		b.Run(format, func(b *testing.B) {
			site := testsite.Serve(b, testsite.Static(os.DirFS(javaManual.dir)))
			var cpu time.Duration
			for i := 0; b.Loop(); i++ {
				s := newShell(b)
				p := s.start("crawl", site.URL(0, "/"), "--delay", "0", "--per-host", "16", "--out", "site",
					"--format", format, "--pages", fmt.Sprint(pages), "--redis", redistest.New(b), "--job",
					fmt.Sprintf("%s-%d", redistest.Name(b), i))
				p.wait().exits(done)
				cpu += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
			}
			b.ReportMetric(float64(cpu.Microseconds())/float64(b.N*pages), "cpu-µs/page")
			b.ReportMetric(0, "ns/op")
		})
	}
}
