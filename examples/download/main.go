// Command download saves all files of some kinds that a site links to, under the names
// that their URLs have: download -types application/pdf,image/* https://example.org/
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net/url"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/trawlcrawler/trawl"
)

func main() {
	types := flag.String("types", "application/pdf", "media types to save, with commas between")
	out := flag.String("out", "downloads", "folder of the files")
	delay := flag.Duration("delay", time.Second, "between two requests to a host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()

	files := trawl.NewHandlers("files")
	for _, t := range strings.Split(*types, ",") {
		files.OnType(t, func(_ context.Context, p *trawl.Page) error {
			if p.Truncated() { // longer than the job's body_limit, or broken off
				return fmt.Errorf("only %d bytes of it came", p.Size())
			}
			name, err := nameOf(p.URL())
			if err != nil {
				return fmt.Errorf("%w: %w", err, trawl.SkipRetry)
			}
			if err := p.Save(filepath.Join(*out, name)); err != nil {
				return err // tried again: the disk may be full
			}
			p.Emit(map[string]any{"file": name, "bytes": p.Size()})
			return nil
		})
	}
	job := trawl.NewJob("files", flag.Args()...)
	job.Delay = *delay
	job.Resources = true // images are embedded, not linked to
	job.Format = []string{"jsonl", "items"}
	job.BodyLimit = 1 << 30
	counters, err := trawl.Crawl(ctx, job, trawl.Config{Out: filepath.Join(*out, ".crawl")}, files)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d URLs fetched; the files are in %s\n", counters.Pages(), *out)
}

// nameOf makes a path of a URL that stays within the folder: host, and what the path
// has. A URL is canonical, so that no segment of its path is "..", but one may be
// encoded, and a query is a part of the name.
func nameOf(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	name := u.Host + u.EscapedPath() // escaped: no segment is anything but a name
	if u.RawQuery != "" {
		name += "@" + url.PathEscape(u.RawQuery)
	}
	if strings.HasSuffix(name, "/") {
		name += "index"
	}
	name = filepath.FromSlash(strings.ReplaceAll(name, ":", "_"))
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s has no name that is safe", text)
	}
	return name, nil
}
