package examples_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

func TestThePythonClientIsAProgram(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	stdout, told := c.run(lookPath(t, "python3"), "-B", "clients/trawl.py", "program")
	c.wantText(told, "4 new, 1 known, 1 refused")
	c.wantPrinted(stdout)
	c.wantCrawled("program", stdout)
}

func TestTheJavaScriptClientIsAProgram(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	stdout, told := c.run(lookPath(t, "node"), "clients/trawl.mjs", "program")
	c.wantText(told, "4 new, 1 known, 1 refused")
	c.wantPrinted(stdout)
	c.wantCrawled("program", stdout)
}

// wantPrinted checks that a client printed the record of each page once.
func (c *exampleFleet) wantPrinted(stdout string) {
	c.t.Helper()
	for url := range c.graph.URLs(c.site) {
		if n := strings.Count(stdout, "200 fetched "+url+"\n"); n != 1 {
			c.t.Errorf("the record of %s was printed %d times:\n%s", url, n, stdout)
		}
	}
}

// pythonCaller uses the client as a program does that stops between two pages of records and
// goes on in another process.
const pythonCaller = `
import io, json, os, sys
sys.path.insert(0, "clients")
import trawl

fleet = trawl.Client(os.environ["DASHBOARD"])
job = fleet.create("caller", delay="5s")
assert job.seed(sys.stdin)["admitted"] == 4
assert job.refetch() == 0
assert job.pause()["state"] == "paused" and job.resume()["state"] != "paused"
revision = job.status()["revision"]
assert job.set(revision=revision, delay="10ms")["job"]["delay"] == "10ms"
try:
    job.set(revision=revision, delay=None)
except trawl.Error as err:
    assert err.status == 412, err
else:
    raise AssertionError("a change of an old revision is accepted")
name = next(iter(job.hosts()))["host"]
host = job.host(name)
assert host["urls"] and host["rules"]["delay"] is None, host
changed = job.set_host(name, revision=host["revision"], delay="20ms", retry=True)
assert changed["rules"]["delay"] == "20ms", changed
try:
    job.set_host(name, revision=host["revision"], paused=True)
except trawl.Error as err:
    assert err.status == 412, err
else:
    raise AssertionError("a change of old rules is accepted")
assert job.set_host(name, delay=None)["revision"] == host["revision"]
assert [j["name"] for j in fleet.jobs(state="created,running")] == ["caller"]
assert len(fleet.workers()) == 2

urls, cursor = [], ""
for records, cursor in job.pages(limit=7, every=0.05):
    urls += [r["url"] for r in records]
    if len(urls) >= 14:
        break
for records, cursor in trawl.Client().job("caller").pages(cursor=cursor, limit=7, every=0.05):
    urls += [r["url"] for r in records]
assert len(urls) == len(set(urls)), "records were read twice"

failed = [r["url"] for r in job.records(where=["outcome != fetched", "status > 0"], fields=["url", "status"])]
assert failed == [], failed
try:
    fleet.job("missing").status()
except trawl.Error as err:
    assert err.status == 404 and "missing" in str(err), err
else:
    raise AssertionError("a job that does not exist is shown")
assert job.errors()["last"] == [] and job.hosts() == []
status = job.wait()
assert len(urls) == sum(n for o, n in status["counters"]["outcomes"].items() if o != "followed"), (len(urls), status)
table = io.BytesIO()
job.export(table, format="csv", where="outcome = fetched", fields=["url", "status"])
rows = table.getvalue().decode().split("\r\n")
assert rows[0] == "url,status" and len(set(rows[1:-1])) == status["counters"]["outcomes"]["fetched"], rows
assert fleet.fleet()["workers"] == 2 and fleet.fleet()["redis"]["version"], fleet.fleet()
try:
    job.refetch(lost="worker-3")
except trawl.Error as err:
    assert err.status == 409 and "trawl job refetch" in str(err), err
else:
    raise AssertionError("a job that has ended is fetched again")
print(json.dumps(status["counters"]))
job.remove()
`

// javaScriptCaller does the same as pythonCaller.
const javaScriptCaller = `
import assert from "node:assert";
import { Client, TrawlError } from "./clients/trawl.mjs";

let list = "";
for await (const chunk of process.stdin.setEncoding("utf8")) list += chunk;
const fleet = new Client(process.env.DASHBOARD);
const job = await fleet.create("caller", { delay: "5s" });
assert.equal((await job.seed(list.trim().split("\n"))).admitted, 4);
assert.equal(await job.refetch(), 0);
assert.equal((await job.pause()).state, "paused");
assert.notEqual((await job.resume()).state, "paused");
const { revision } = await job.status();
assert.equal((await job.set({ delay: "10ms" }, { revision })).job.delay, "10ms");
await assert.rejects(job.set({ delay: null }, { revision }), (err) => err instanceof TrawlError && err.status === 412);
const [{ host: name }] = await job.hosts();
const host = await job.host(name);
assert.ok(host.urls.length > 0 && host.rules.delay === null);
const changed = await job.setHost(name, { delay: "20ms", retry: true }, { revision: host.revision });
assert.equal(changed.rules.delay, "20ms");
await assert.rejects(job.setHost(name, { paused: true }, { revision: host.revision }), { status: 412 });
assert.equal((await job.setHost(name, { delay: null })).revision, host.revision);
assert.deepEqual((await fleet.jobs("created,running")).map((j) => j.name), ["caller"]);
assert.equal((await fleet.workers()).length, 2);

const urls = [];
let last = "";
for await (const { records, cursor } of job.pages({ limit: 7, every: 50 })) {
  urls.push(...records.map((r) => r.url));
  last = cursor;
  if (urls.length >= 14) break;
}
for await (const { records } of new Client(process.env.DASHBOARD).job("caller").pages({ cursor: last, limit: 7, every: 50 })) {
  urls.push(...records.map((r) => r.url));
}
assert.equal(new Set(urls).size, urls.length, "records were read twice");

for await (const r of job.records({ where: ["outcome != fetched", "status > 0"], fields: ["url", "status"] })) assert.fail(r.url);
await assert.rejects(fleet.job("missing").status(), { status: 404, message: /missing/ });
assert.deepEqual((await job.errors()).last, []);
assert.deepEqual(await job.hosts(), []);
const { counters } = await job.wait();
const { followed = 0, ...outcomes } = counters.outcomes;
assert.equal(urls.length, Object.values(outcomes).reduce((sum, n) => sum + n, 0));
let table = "";
for await (const part of await job.export({ format: "csv", where: "outcome = fetched", fields: ["url", "status"] })) {
  table += new TextDecoder().decode(part);
}
const rows = table.trimEnd().split("\r\n");
assert.equal(rows[0], "url,status");
assert.equal(new Set(rows.slice(1)).size, outcomes.fetched);
assert.ok((await fleet.fleet()).redis.version);
await assert.rejects(job.refetch("worker-3"), { status: 409, message: /trawl job refetch/ });
console.log(JSON.stringify(counters));
await job.remove();
`

func TestThePythonClientGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	stdout, _ := c.run(lookPath(t, "python3"), "-B", "-c", pythonCaller)
	c.wantText(stdout, `"fetched": 60`)
}

func TestTheJavaScriptClientGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	c := newExampleFleet(t)
	stdout, _ := c.run(lookPath(t, "node"), "--input-type=module", "-e", javaScriptCaller)
	c.wantText(stdout, `"fetched":60`)
}

// browserPage is a page that crawls with the client, as one that a proxy serves beside the API.
const browserPage = `<!doctype html><meta charset="utf-8"><title>crawl</title><link rel="icon" href="data:,"><pre id="said"></pre>
<script type="module">
import { Client, TrawlError } from "./trawl.mjs";
const said = document.getElementById("said");
try {
  const seeds = new URLSearchParams(location.search).getAll("seed");
  const job = await new Client().create("browser", { delay: "0s" });
  const { admitted } = await job.seed(seeds);
  const titles = [];
  for await (const record of job.records({ where: "outcome = fetched", fields: ["url", "title"], every: 50 })) {
    titles.push(record.title);
  }
  const { counters } = await job.wait(50);
  const missing = await new Client().job("missing").status().catch((err) => err instanceof TrawlError && err.status);
  said.textContent = JSON.stringify({ admitted, titles: new Set(titles).size, fetched: counters.outcomes.fetched, missing });
} catch (err) {
  said.textContent = "failed: " + err.stack;
}
said.className = "done";
</script>`

func TestTheJavaScriptClientRunsInABrowser(t *testing.T) {
	t.Parallel()
	b, c := testbrowser.New(t), newExampleFleet(t)
	api, err := url.Parse(c.api)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(api)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/"):
			proxy.ServeHTTP(w, r)
		case r.URL.Path == "/trawl.mjs":
			w.Header().Set("Content-Type", "text/javascript")
			http.ServeFile(w, r, "clients/trawl.mjs")
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, browserPage)
		}
	}))
	t.Cleanup(server.Close)
	seeds := make(url.Values)
	for _, at := range c.graph.Roots() {
		seeds.Add("seed", c.site.URL(at.Host, c.graph.Path(at.Page)))
	}
	b.Open(server.URL+"/?"+seeds.Encode(), "#said.done")
	text := testbrowser.Ask[string](b, `document.getElementById("said").textContent`)
	if want := `{"admitted":4,"titles":60,"fetched":60,"missing":404}`; text != want {
		t.Errorf("the page says %s, want %s", text, want)
	}
	b.Calm(server.URL)
}
