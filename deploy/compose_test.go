package deploy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// sites are the hosts to crawl, with the number of their pages: one for a short crawl, and one
// whose crawl takes longer than compose takes to stop it on a busy machine.
var sites = map[string]int{"alpha": 5, "beta": 240}

// fleet is docker-compose.yml with substitutes for its images, and sites that only its workers can
// reach.
type fleet struct{ *project }

const secret = "open-sesame"

// newFleet creates a fleet. more builds images of the given name for further services, and returns
// what is to be known of these in the compose file on top.
func newFleet(t *testing.T, more func(s *shell, images string) string) fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("this builds images and takes a minute: run it without -short")
	}
	s := newShell(t)
	command := composeCommand(s)
	images := unique()
	buildRedis(s, images+":redis")
	buildSites(s, images+":site", sites)
	buildTrawl(s, images+":trawl")
	over := more(s, images)
	return fleet{newProject(s, command, map[string]string{
		"TRAWL_IMAGE":      images + ":trawl",
		"TRAWL_TOKEN":      secret,
		"TRAWL_ALLOW_CIDR": "10.0.0.0/8,172.16.0.0/12,192.168.0.0/16", // the range in which Docker creates its networks
		"DASHBOARD_PORT":   "",                                        // any free port
		"GRAFANA_PORT":     "",
	}, fmt.Sprintf(`
services:
  redis: {image: %s:redis}
  site:
    image: %s:site
    networks: {web: {aliases: [alpha, beta]}}
%s`, images, images, over))}
}

func TestComposeBringsUpAFleetThatCrawls(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(*shell, string) string { return "" })
	f.up("--scale", "worker=2")
	f.waitHealthy(6)
	f.wantLockedDown()
	f.wantRedisHidden()

	f.trawl("", "seed", "--create", "alpha", "http://alpha:8080/")
	f.trawl("", "job", "watch", "alpha")
	f.wantCrawledOnce("alpha")
	f.wantDashboard("alpha")

	f.trawl("name: beta\nseeds: [http://beta:8080/]\ndelay: 1s\n", "job", "create", "-")
	f.waitUntil(func() string {
		if n := f.requests("beta").total(); n < 3 {
			return fmt.Sprintf("the site has been asked for %d pages, want 3", n)
		}
		return ""
	})
	f.compose("stop")
	f.wantCleanExit()
	if n := f.requests("beta").total(); n >= sites["beta"] {
		t.Errorf("all %d pages were fetched before the fleet was stopped: the test is inconclusive", n)
	}
	f.compose("start")
	f.waitHealthy(6)
	f.trawl("", "job", "set", "beta", "delay=5ms", "throttle=0")
	f.trawl("", "job", "watch", "beta")
	f.wantCrawledOnce("beta")
}

func TestComposeRequiresAToken(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	p := newProject(s, composeCommand(s), nil, "services: {redis: {image: none}}\n")
	_, said, err := p.try(".", "", append(p.command, "config")...)
	if err == nil || !strings.Contains(said, "set TRAWL_TOKEN in .env") {
		t.Errorf("without a token compose says %q (%v), which does not say what to do", said, err)
	}
}

// waitHealthy waits until n containers run, and all that have a health check pass it.
func (f fleet) waitHealthy(want int) {
	f.t.Helper()
	f.waitUntil(func() string {
		all := f.containers()
		if len(all) != want {
			return fmt.Sprintf("there are %d containers, want %d", len(all), want)
		}
		for _, c := range all {
			health := c.State.Health.Status
			if c.service() != "site" && health != "healthy" {
				return fmt.Sprintf("%s is %s, and its health %q", c.service(), c.State.Status, health)
			}
		}
		return ""
	})
}

// wantLockedDown checks that no container has more privileges than it needs.
func (f fleet) wantLockedDown() {
	f.t.Helper()
	for _, c := range f.containers() {
		if c.service() == "site" {
			continue
		}
		if !c.HostConfig.ReadonlyRootfs || !slices.Contains(c.HostConfig.CapDrop, "ALL") ||
			!slices.Contains(c.HostConfig.SecurityOpt, "no-new-privileges:true") {
			f.t.Errorf("%s is not locked down: %+v", c.service(), c.HostConfig)
		}
		top := strings.Fields(f.docker("top", c.ID, "-o", "uid,pid"))
		users := top[min(2, len(top)):] // each with a process: that of the service, or of a health check
		if len(users) == 0 || slices.Contains(users, "0") {
			f.t.Errorf("the users and processes of %s are %v, want no user 0", c.service(), users)
		}
	}
}

// wantRedisHidden checks that Redis is only on the fleet's internal network, and that only the
// dashboard's port is published.
func (f fleet) wantRedisHidden() {
	f.t.Helper()
	for _, c := range f.containers() {
		if c.service() == "redis" {
			networks := slices.Collect(maps.Keys(c.NetworkSettings.Networks))
			if !slices.Equal(networks, []string{f.name + "_fleet"}) {
				f.t.Errorf("Redis is on the networks %q", networks)
			}
		}
		for port, bound := range c.NetworkSettings.Ports {
			for _, b := range bound {
				if c.service() != "dashboard" || b.HostIp != "127.0.0.1" {
					f.t.Errorf("port %s of %s is published at %s", port, c.service(), b.HostIp)
				}
			}
		}
	}
	if internal := f.docker("network", "inspect", "-f", "{{.Internal}}", f.name+"_fleet"); internal != "true\n" {
		f.t.Errorf("the fleet's network is internal: %s", internal)
	}
}

// wantCleanExit checks that all containers exited by themselves with status 0. Docker kills those
// that take longer than their stop timeout.
func (f fleet) wantCleanExit() {
	f.t.Helper()
	for _, c := range f.containers() {
		if c.service() != "site" && (c.State.Status != "exited" || c.State.ExitCode != 0) {
			f.t.Errorf("%s is %s with %d, want exited with 0", c.service(), c.State.Status, c.State.ExitCode)
		}
	}
}

// count maps each URL to the number of its occurrences.
type count map[string]int

func (n count) total() int {
	sum := 0
	for _, one := range n {
		sum += one
	}
	return sum
}

// wantEachOnce checks that the count has each page of a host once, and nothing else.
func (n count) wantEachOnce(t *testing.T, what, host string) {
	t.Helper()
	want := count{fmt.Sprintf("http://%s:8080/", host): 1}
	for page := 1; page < sites[host]; page++ {
		want[fmt.Sprintf("http://%s:8080/%d", host, page)] = 1
	}
	if !maps.Equal(n, want) {
		t.Errorf("%s: %v\nwant each page once: %v", what, n, want)
	}
}

// requests counts the requests to the site under a host name, except for robots.txt.
func (f fleet) requests(host string) count {
	f.t.Helper()
	n := make(count)
	for _, url := range strings.Fields(f.docker("logs", f.id("site"))) {
		if strings.HasPrefix(url, "http://"+host+":") && !strings.HasSuffix(url, "/robots.txt") {
			n[url]++
		}
	}
	return n
}

// wantCrawledOnce checks that each page of a host was requested once and occurs once in the export
// of the job with its name.
func (f fleet) wantCrawledOnce(host string) {
	f.t.Helper()
	f.requests(host).wantEachOnce(f.t, "the site was asked for", host)
	exported := make(count)
	for line := range strings.Lines(f.trawl("", "export", host)) {
		var record struct{ URL, Outcome string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			f.t.Fatalf("the export has a line that is not a record: %v: %q", err, line)
		}
		if record.Outcome == "fetched" {
			exported[record.URL]++
		}
	}
	exported.wantEachOnce(f.t, "the export has", host)
}

// wantDashboard checks that the dashboard shows a job only with the token.
func (f fleet) wantDashboard(job string) {
	f.t.Helper()
	url := "http://" + strings.TrimSpace(f.compose("port", "dashboard", "8080")) + "/api/v1/jobs/" + job
	for token, want := range map[string]int{"": http.StatusUnauthorized, "wrong": http.StatusUnauthorized,
		secret: http.StatusOK} {
		req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, url, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		client := http.Client{Timeout: 30 * time.Second}
		answer, err := client.Do(req)
		if err != nil {
			f.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			f.t.Errorf("with the token %q %s answers %s, want %d", token, url, answer.Status, want)
		}
	}
}
