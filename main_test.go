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
	"github.com/trawlcrawler/trawl/internal/testfleet"
)

// marksDir in the environment makes the test binary a worker of a fleet, whose
// handlers leave marks in the folder that it names.
const marksDir = "TRAWL_TEST_MARKS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(marksDir); dir != "" {
		if err := beWorker(dir, os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if text := os.Getenv(crawlOrder); text != "" {
		os.Exit(beCrawl(text))
	}
	os.Exit(testfleet.Main(m))
}

// beWorker is a program that is a worker: it takes the flags of trawl worker.
func beWorker(marks string, args []string) error {
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
	return trawl.Work(ctx, cfg, moody(marks))
}

// Title is the item of the test's pages.
type Title struct {
	Title string `json:"title"`
}

// moody are handlers that make an item and a task of each page, and are troubled by
// some: always by /page/5, the first time by /page/6 and /page/7.
func moody(marks string) *trawl.Handlers {
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

// firstTime reports, once for each page over all processes, that it is the first time.
func firstTime(marks string, p *trawl.Page) bool {
	file, err := os.OpenFile(filepath.Join(marks, url.QueryEscape(p.URL())), os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false
	}
	return file.Close() == nil
}

// troubled says that the handlers can not do a page.
func troubled(url string) bool { return strings.HasSuffix(url, "/page/5") }

// slogToNowhere logs nothing.
func slogToNowhere() *slog.Logger { return slog.New(slog.DiscardHandler) }

func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
