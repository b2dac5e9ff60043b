package main_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testhook"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// signingSecret is a secret that may appear nowhere but in the environment.
var signingSecret = "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("hunter2-", 4)))

// A crawl on this machine is its own fleet: it sends the events itself, before it ends.
func TestACrawlTellsWebhooksWhatHappensToIt(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]bool{"private redis": true, "built-in redis": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
			signed, plain := testhook.New(t, signingSecret), testhook.New(t)
			s := newShell(t)
			if redis {
				s.withRedis()
			} else {
				s.withoutRedis()
			}
			s.set("TRAWL_WEBHOOK_SECRET_OPS", signingSecret)
			s.write("job.yaml", fmt.Sprintf(
				"name: told\nseeds: [%q]\ndelay: 1ms\nwebhooks:\n  - {url: %q, secret: ops}\n", site.URL(0, "/"),
				signed.URL))
			r := s.run("crawl", "-f", "job.yaml", "--pages", "2").exits(done)
			want := []string{"began", "budget", "done"}
			if diff := cmp.Diff(want, testhook.Names(signed.Accepted())); diff != "" {
				t.Errorf("events (-want +got):\n%s\nrefused: %q", diff, signed.Refused())
			}
			s.run("crawl", site.URL(0, "/"), "--job", "again", "--delay", "1ms", "--webhooks", plain.URL).exits(done)
			if diff := cmp.Diff([]string{"began", "done"}, testhook.Names(plain.Accepted())); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			for _, text := range []string{r.stdout, r.stderr} {
				if strings.Contains(text, "hunter2") || strings.Contains(text, signingSecret) {
					t.Errorf("the secret is printed: %s", text)
				}
			}
			for file, text := range files(t, s.dir) {
				if strings.Contains(text, signingSecret) {
					t.Errorf("the secret is in %s", file)
				}
			}
		})
	}
}

// Two of three hosts do not answer: one event tells of both, before the end. The webhook of the end
// is told that, and nothing else.
func TestWebhooksAreToldOfHostsThatAreGivenUp(t *testing.T) {
	t.Parallel()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 2, LinksPerPage: 1}.Serve(t)
	all, end := testhook.New(t), testhook.New(t)
	s := newShell(t)
	s.withRedis()
	var dead []string
	for range 2 {
		dead = append(dead, closedAddress(t))
	}
	s.write("job.yaml", fmt.Sprintf("name: told\nseeds: [%q, 'http://%s/', 'http://%s/']\ndelay: 1ms\nhost_tries: 1\n"+
		"webhooks: [{url: %q}]\non_done: {webhook: {url: %q}}\n", site.URL(0, "/"), dead[0], dead[1], all.URL, end.URL))
	s.run("crawl", "-f", "job.yaml").exits(done)
	if diff := cmp.Diff([]string{"done"}, testhook.Names(end.Accepted())); diff != "" {
		t.Errorf("events of the webhook of the end (-want +got):\n%s", diff)
	}
	var hosts []string
	for _, e := range all.Accepted() {
		given, _ := e.Data["given_up"].(map[string]any)
		if (e.Name() == "host_given_up") != (given != nil) {
			t.Errorf("event %s has the hosts %v", e.Name(), given)
		}
		list, _ := given["hosts"].([]any)
		for _, one := range list {
			hosts = append(hosts, fmt.Sprint(one.(map[string]any)["host"]))
		}
	}
	slices.Sort(hosts)
	slices.Sort(dead)
	if diff := cmp.Diff(dead, hosts); diff != "" {
		t.Errorf("hosts that were given up (-want +got):\n%s", diff)
	}
	names := testhook.Names(all.Accepted())
	if !slices.Contains(names, "host_given_up") || !slices.Contains(names, "done") {
		t.Errorf("events: %q", names)
	}
}

// closedAddress returns an address at which nothing listens.
func closedAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func TestJobShowSaysWhatWebhooksWereTold(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	r := testhook.New(t)
	ft := newFleetTest(t)
	scheduler := ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, site)
	job.Name, job.Webhooks = "told", []crawler.Webhook{{URL: r.URL, Events: []crawler.EventName{crawler.EventDone}}}
	ft.Create(job)
	ft.waitForState("told", crawler.StateDone)
	show := func() string { return ft.run("job", "show", "told").exits(done).stdout }
	shows := func(what string) func(context.Context) bool {
		return func(context.Context) bool { return strings.Contains(show(), what) }
	}
	ft.waitUntil("the private receiver is refused", shows("the last try failed: webhook to "+strings.Split(r.URL, "/")[2]))
	if text := show(); !strings.Contains(text, "--webhook-cidr") || strings.Contains(text, "/hook") {
		t.Errorf("job show says\n%s\nwant the flag that allows the receiver, and not its path", text)
	}
	if _, text := get(t, scheduler.Address(), "/metrics"); !strings.Contains(text,
		`trawl_scheduler_webhook_tries_total{result="failed"} 1`) {
		t.Errorf("the metrics do not count the failed try")
	}
	scheduler.Terminate()
	ft.Scheduler("--webhook-cidr", "127.0.0.0/8")
	ft.waitUntil("the event is delivered", shows("1 event delivered"))
	if diff := cmp.Diff([]string{"done"}, testhook.Names(r.Accepted())); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestWrongWebhooksAreRefusedWithoutQuotingThem(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for hook, want := range map[string]string{
		"{url: ftp://a.example/hunter2}":                       "webhooks[0].url",
		"{url: 'https://u:hunter2@a.example/'}":                "name a secret instead",
		"{url: 'https://a.example/', events: [dun]}":           `did you mean "done"?`,
		"{url: 'https://a.example/', secret: whsec_hunter2AA}": "the name of a secret",
		"{url: 'https://a.example/', secrets: ops}":            "unknown field",
	} {
		s.write("job.yaml", "name: told\nseeds: ['http://127.0.0.1:1/']\nwebhooks: ["+hook+"]\n")
		r := s.run("crawl", "-f", "job.yaml").exits(usage)
		if !strings.Contains(r.stderr, want) || strings.Contains(r.stderr, "hunter2") {
			t.Errorf("%s: got %q, want %q, and not the secret", hook, r.stderr, want)
		}
	}
	if r := s.run("scheduler", "--webhook-cidr", "10/8").exits(usage); !strings.Contains(r.stderr, `"10/8"`) {
		t.Errorf("got %q", r.stderr)
	}
}
