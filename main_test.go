package trawl_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// marksDirEnv names the environment variable that makes the test binary a worker of a fleet. Its
// handlers create marker files in the folder that it names.
const marksDirEnv = "TRAWL_TEST_MARKS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(marksDirEnv); dir != "" {
		if err := runWorker(dir, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv(crawlRequestEnv); text != "" {
		os.Exit(runCrawl(text))
	}
	os.Exit(testfleet.Main(m))
}

// runWorker is a program that runs a worker: it takes the flags of trawl worker.
func runWorker(marks string, args []string) error {
	var cfg trawl.Config
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.StringVar(&cfg.Redis, "redis", "", "")
	flags.StringVar(&cfg.Out, "out", "", "")
	flags.StringVar(&cfg.Name, "name", "", "")
	flags.StringVar(&cfg.Listen, "listen", "", "")
	flags.Func("allow-cidr", "", func(s string) error {
		network, err := netip.ParsePrefix(s)
		cfg.AllowCIDR = append(cfg.AllowCIDR, network)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg.HandlerTime = time.Second
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return trawl.Work(ctx, cfg, flakyHandlers(marks))
}

// Title is the item that the handlers emit.
type Title struct {
	Title string `json:"title"`
}

// flakyHandlers returns handlers that emit an item and enqueue a task for each page. They fail on
// some pages: always on /page/5, the first time on /page/6 and /page/7.
func flakyHandlers(marks string) *trawl.Handlers {
	h := trawl.NewHandlers("moody")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error {
		p.Emit(Title{p.Find("title").Text()})
		return p.Enqueue(asynq.NewTask("page:seen", []byte(p.URL()), asynq.Queue("seen")), asynq.Retention(time.Hour))
	})
	h.OnPage("/page/5$", func(context.Context, *trawl.Page) error { panic("too much") })
	h.OnPage("/page/6$", func(_ context.Context, p *trawl.Page) error {
		if firstTime(marks, p) {
			return errors.New("the database is away")
		}
		return nil
	})
	h.OnPage("/page/7$", func(ctx context.Context, p *trawl.Page) error {
		if firstTime(marks, p) {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	})
	return h
}

// firstTime reports whether this is the first call for the page in any process.
func firstTime(marks string, p *trawl.Page) bool {
	file, err := os.OpenFile(filepath.Join(marks, url.QueryEscape(p.URL())), os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false
	}
	return file.Close() == nil
}

// alwaysFails reports whether the handlers fail on a page each time.
func alwaysFails(url string) bool { return strings.HasSuffix(url, "/page/5") }

// discardLogger returns a logger that discards everything.
func discardLogger() *slog.Logger { return slog.New(slog.DiscardHandler) }

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
