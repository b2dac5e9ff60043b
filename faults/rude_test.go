package faults_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/internal/testfleet"
	"github.com/trawlcrawler/trawl/internal/testsite"
)

const (
	rudeHosts  = 64
	rudeMemory = 512 << 20
)

// rudeness is what a rude server does with a request.
type rudeness struct {
	name string
	do   func(w http.ResponseWriter, r *http.Request)
}

// body writes the same bytes under a coding, and then ever more of plain.
func body(coding string, bytes []byte, more string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if coding != "" {
			w.Header().Set("Content-Encoding", coding)
		}
		w.Write(bytes)
		for block := []byte(strings.Repeat(more, 1+(64<<10)/max(1, len(more)))); more != ""; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}
}

// loris sends a byte now and then, until it is left alone.
func loris(begin string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for _, err = io.WriteString(conn, begin); err == nil; _, err = io.WriteString(conn, "x") {
			<-tick.C
		}
	}
}

// zeros is n bytes of nothing under a coding.
func zeros(t *testing.T, coding string, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "br":
		w = brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: 1, LGWin: 24})
	case "zstd":
		w, _ = zstd.NewWriter(&out, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
	}
	block := make([]byte, 1<<20)
	for range n >> 20 {
		w.Write(block)
	}
	w.Close()
	return out.Bytes()
}

func rudenesses(t *testing.T) []rudeness {
	const size = 256 << 20
	tags := strings.Repeat("<a href=/ok>x</a><div class=a>", 1<<10)
	var headers strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&headers, "%x:\r\n", i)
	}
	return []rudeness{
		{"endless", body("", nil, "<p>and so on ")},
		{"elements", body("", nil, tags)},
		{"attributes", body("", []byte("<a "), "a b c d e f ")},
		{"gzip", body("gzip", zeros(t, "gzip", size), "")},
		{"br", body("br", zeros(t, "br", size), "")},
		{"zstd", body("zstd", zeros(t, "zstd", size), "")},
		{"layers", body("zstd, br", zeros(t, "br", 0), "no coding at all")},
		{"lie", body("br", nil, "<p>this is no br ")},
		{"header", loris("HTTP/1.1 200 OK\r\nA: ")},
		{"headers", loris("HTTP/1.1 200 OK\r\n" + headers.String())},
		{"body", loris("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000000\r\n\r\n<p>")},
		{"coded", loris("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: br\r\n\r\n" + string(zeros(t, "br", 64<<20)[:16]))},
	}
}

// A worker's memory has a bound that does not depend on what servers send.
func TestRudeServersDoNotFillTheMemoryOfAWorker(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it moves gigabytes")
	}
	all := rudenesses(t)
	index := "<!DOCTYPE html>"
	rude := http.NewServeMux()
	for _, r := range all {
		index += "<a href=/" + r.name + ">" + r.name + "</a>"
		rude.HandleFunc("/"+r.name, r.do)
	}
	rude.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, index)
	})
	hosts := make([]http.Handler, rudeHosts)
	for i := range hosts {
		hosts[i] = rude
	}
	site := testsite.Serve(t, hosts...)
	f := testfleet.New(t)
	job := crawler.DefaultJob()
	job.Name, job.Delay, job.Retries, job.PerHost, job.HostTries = redistest.Name(t), 0, 0, 4, 1000
	job.BodyLimit, job.Timeout, job.MinRate = 4<<20, crawler.Duration(5*time.Second), 100
	job.Select = []string{"divs[]=div", "text=body"}
	for i := range hosts {
		job.Seeds = append(job.Seeds, site.URL(i, "/"))
	}
	f.Scheduler()
	worker := f.Worker("--concurrency", fmt.Sprint(rudeHosts))
	began := time.Now()
	f.Create(job)
	numbers := f.Done(job.Name)
	peak, ok := worker.PeakMemory()
	if !ok {
		t.Skip("this system does not tell how much memory a process has")
	}
	t.Logf("%d pages, %d bytes in %s; the worker held %d MB at most", numbers.Pages(), numbers.Bytes, time.Since(began), peak>>20)
	if peak > rudeMemory {
		t.Errorf("the worker held %d MB, want at most %d", peak>>20, rudeMemory>>20)
	}
	if settled, want := numbers.Settled(), int64(rudeHosts*(1+len(all)+1)); settled != want { // with /ok, which is not there
		t.Errorf("%d URLs are settled, want %d", settled, want)
	}
}
