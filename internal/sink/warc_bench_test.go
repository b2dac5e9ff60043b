package sink

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// BenchmarkKeepOfTheJavaManual measures what a page of the JDK's manual costs each sink.
func BenchmarkKeepOfTheJavaManual(b *testing.B) {
	const n = 64 // as in a batch of a visit
	files, _ := filepath.Glob("/usr/share/doc/openjdk-17-doc/api/java.base/java/util/*.html")
	if len(files) < n {
		b.Skip("there are no pages of /usr/share/doc/openjdk-17-doc: install openjdk-17-doc")
	}
	bodies, size := make([]string, n), 0
	for i := range bodies {
		text, err := os.ReadFile(files[i])
		if err != nil {
			b.Fatal(err)
		}
		bodies[i] = string(text)
		size += len(text)
	}
	for _, format := range []string{"jsonl", "warc"} {
		b.Run(format, func(b *testing.B) {
			s, err := Open([]string{format}, b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			results := make([]*fetched.Result, n)
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				b.StopTimer()
				for j, body := range bodies {
					body = strings.Replace(body, "<", fmt.Sprintf("<!--%d-->", i), 1) // else it is a revisit
					results[j] = page(b, fmt.Sprintf("http://example.com/%d/%d", i, j), body)
				}
				b.StartTimer()
				keep(b, s, results...)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/page")
		})
	}
}
