package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// contestant is a crawler, set up to be as fast as it can be.
type contestant struct {
	name string
	// ready says why it cannot take part; nil when it can.
	ready func(*tools) error
	// prepare starts what is to be there before the crawl. Its time does not
	// count, what it takes from the machine does. Nil for nothing.
	prepare func(context.Context, *stage) error
	// crawl returns when the crawl is over.
	crawl func(context.Context, *stage) error
	// inspect looks at what the crawl left, before the stage is cleared. Its time
	// does not count. Nil for nothing.
	inspect func(context.Context, *stage) error
	// records is where its JSON lines are, in the folder of the stage; "" if it
	// writes none.
	records string
}

// tools are the programs that contestants are made of.
type tools struct {
	floor, colly  string
	trawl, before string // before is another build of Trawl, or ""
	python        string
	scripts       string // the folder of those in Python
}

// stage is where one trial takes place.
type stage struct {
	*family
	tools *tools
	url   string // of the site
	dir   string // empty at first, removed afterwards
	redis string // URL of a redis-server of its own, when prepared
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// contestants are all that there are, in the order of the table.
var contestants = []contestant{
	{
		name: "floor", ready: built, records: "pages.jsonl",
		crawl: func(ctx context.Context, s *stage) error {
			return s.run(ctx, nil, s.tools.floor, s.url, s.path("pages.jsonl"))
		},
	},
	{
		name: "colly", ready: built, records: "pages.jsonl",
		crawl: func(ctx context.Context, s *stage) error {
			return s.run(ctx, nil, s.tools.colly, s.url, s.path("pages.jsonl"))
		},
	},
	{name: "wget", ready: func(*tools) error { return installed("wget", "wget") }, crawl: wget},
	{
		name: "scrapy", ready: python("scrapy", "python3-scrapy"), records: "pages.jsonl",
		crawl: func(ctx context.Context, s *stage) error {
			return s.run(ctx, pythonEnv, s.tools.python, "-m", "scrapy", "runspider",
				filepath.Join(s.tools.scripts, "scrapy_spider.py"),
				"-a", "url="+s.url, "-a", "out="+s.path("pages.jsonl"))
		},
	},
	{
		name: "aiohttp", ready: python("aiohttp, lxml.html", "python3-aiohttp python3-lxml"), records: "pages.jsonl",
		crawl: func(ctx context.Context, s *stage) error {
			return s.run(ctx, pythonEnv, s.tools.python, filepath.Join(s.tools.scripts, "aiohttp_crawl.py"), s.url,
				s.path("pages.jsonl"))
		},
	},
	{name: "trawl-builtin", ready: built, crawl: trawlBuiltIn, records: trawlRecords},
	{name: "trawl-private", ready: withRedis, crawl: trawlPrivate, records: trawlRecords},
	{name: "trawl-redis", ready: withRedis, prepare: startRedis, crawl: trawlRedis, records: trawlRecords},
	{name: "trawl-warc", ready: withRedis, prepare: startRedis, crawl: trawlWARC, records: trawlRecords},
	{name: "trawl-fleet", ready: withRedis, prepare: startFleet, crawl: trawlFleet,
		records: "worker-*/*/pages-*.jsonl*"},
	{name: "trawl-before", ready: withBefore, crawl: trawlBefore, records: trawlRecords},
}

// pythonEnv keeps scripts from leaving compiled ones beside them.
var pythonEnv = []string{"PYTHONDONTWRITEBYTECODE=1"}

// wget has no other way than to write the pages to disk. It exits with 8 when a
// link is broken.
func wget(ctx context.Context, s *stage) error {
	const serverError = 8
	err := s.run(ctx, nil, "wget", "--no-config", "--recursive", "--level=inf", "--no-verbose", "--no-host-directories",
		"--directory-prefix="+s.path("out"), s.url)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == serverError {
		return nil
	}
	return err
}

func built(*tools) error { return nil }

// installed reports what to install for a program to be on PATH.
func installed(program, pkg string) error {
	if _, err := exec.LookPath(program); err != nil {
		return fmt.Errorf("there is no %s: install %s", program, pkg)
	}
	return nil
}

// python reports what to install for modules to be found.
func python(modules, packages string) func(*tools) error {
	return func(t *tools) error {
		cmd := exec.Command(t.python, "-c", "import "+modules)
		cmd.Env = append(os.Environ(), pythonEnv...)
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s has no %s: install %s", t.python, modules, packages)
		}
		return nil
	}
}
