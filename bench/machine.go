package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
)

// machine describes what a run took place on, in one line.
func machine() string {
	model := "unknown processor"
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := regexp.MustCompile(`model name\s*: (.*)`).FindSubmatch(text); found != nil {
			model = string(found[1])
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%d cores of %s, Linux %s", runtime.NumCPU(), model, strings.TrimSpace(string(kernel)))
}

// load is the load average of the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// versions names what took part.
func versions(t *tools, names []string) string {
	all := []string{runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "golang.org/x/net" {
				all = append(all, "x/net "+dep.Version)
			}
		}
	}
	add := func(name string, pattern string, command ...string) {
		text, _ := exec.Command(command[0], command[1:]...).CombinedOutput()
		if found := regexp.MustCompile(pattern).FindSubmatch(text); found != nil {
			all = append(all, name+" "+string(found[1]))
		}
	}
	add("nginx", `nginx/([0-9.]+)`, "/usr/sbin/nginx", "-v")
	for _, name := range names {
		switch name {
		case "colly":
			add("Colly", `colly/v2\s+v([0-9.]+)`, "go", "version", "-m", t.colly)
		case "wget":
			add("wget", `GNU Wget ([0-9.]+)`, "wget", "--version")
		case "scrapy":
			add("Scrapy", `([0-9.]+)`, t.python, "-c", "import scrapy; print(scrapy.__version__)")
		case "aiohttp":
			add("aiohttp", `([0-9.]+)`, t.python, "-c", "import aiohttp; print(aiohttp.__version__)")
		case "trawl-redis":
			add("Redis", `v=([0-9.]+)`, "redis-server", "--version")
		}
	}
	return strings.Join(all, ", ")
}
