#!/usr/bin/env python3
"""A client of the HTTP API of `trawl dashboard`, in one file that needs nothing but
the standard library of Python 3.8 or later. Copy it beside your program:

    import trawl

    fleet = trawl.Client("http://127.0.0.1:8080")
    job = fleet.create("news", delay="2s")
    job.seed(["https://example.com/"])
    for record in job.records(where="outcome = fetched", fields=["url", "title"]):
        print(record["url"], record["title"])

As a program, it creates a job, adds the URLs of standard input, prints each record
as workers write it, and at the end the counters of the job as JSON:

    trawl.py JOB < urls.txt

The dashboard is at DASHBOARD (http://127.0.0.1:8080 by default), and its token, if it
has one, is in TRAWL_TOKEN. DELAY is the time between two requests to a host.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ENDED = ("done", "cancelled", "failed")


class Error(Exception):
    """A request that failed. status is the HTTP status, and message says what is
    wrong and what to do."""

    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Client:
    """The dashboard of a fleet. timeout is how long to wait for a response, in
    seconds."""

    def __init__(self, url=None, token=None, timeout=120):
        self.url = (url or os.environ.get("DASHBOARD", "http://127.0.0.1:8080")).rstrip("/")
        self.token = token or os.environ.get("TRAWL_TOKEN")
        self.timeout = timeout

    def open(self, method, path, body=None, kind="application/json", query=None, headers=None):
        """Sends a request to the API. Returns the response, which must be closed."""
        url = self.url + "/api/v1" + path
        if query:
            url += "?" + urllib.parse.urlencode(query, doseq=True)
        request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
        if body is not None:
            request.add_header("Content-Type", kind)
        if self.token:
            request.add_header("Authorization", "Bearer " + self.token)
        try:
            return urllib.request.urlopen(request, timeout=self.timeout)
        except urllib.error.HTTPError as err:
            text = err.read()
            try:
                message = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                message = text.decode(errors="replace")
            raise Error(err.code, message) from None

    def ask(self, method, path, body=None, **options):
        """Sends a request to the API. Returns its headers and its body, as bytes."""
        with self.open(method, path, body, **options) as answer:
            return answer.headers, answer.read()

    def call(self, method, path, value=None, **options):
        """Sends a value as JSON, and returns the response, which is JSON too."""
        body = None if value is None else json.dumps(value).encode()
        _, text = self.ask(method, path, body, **options)
        return json.loads(text) if text else None

    def create(self, name, **settings):
        """Creates a job. Settings that are missing have their defaults."""
        self.call("POST", "/jobs", dict(settings, name=name))
        return Job(self, name)

    def job(self, name):
        """Returns a job that exists. It makes no request."""
        return Job(self, name)

    def jobs(self, state=None):
        """Lists the jobs, as objects with states and counters; state selects some."""
        return self.call("GET", "/jobs", query={"state": state} if state else None)["jobs"]

    def fleet(self):
        """Returns numbers of the whole fleet, and what Redis reports about itself."""
        return self.call("GET", "/fleet")

    def workers(self):
        """Lists the live workers."""
        return self.call("GET", "/workers")["workers"]


class Job:
    """A job of a fleet."""

    def __init__(self, client, name):
        self.client = client
        self.name = name
        self.path = "/jobs/" + urllib.parse.quote(name, safe="")

    def status(self):
        """Returns the job with its state, counters and settings."""
        return self.client.call("GET", self.path)

    def seed(self, urls, priority=None):
        """Adds URLs. Returns how many are new ("admitted"), known ("seen") and
        refused, with the reasons for some of these ("refusals")."""
        lines = "".join(json.dumps({"url": url.strip()}) + "\n" for url in urls)
        _, text = self.client.ask("POST", self.path + "/seeds", lines.encode(), kind="application/x-ndjson",
                                  query={"priority": priority} if priority else None)
        return json.loads(text)

    def set(self, revision=None, **settings):
        """Changes settings, all or none; None stands for a default. With a revision,
        only if the settings still have it. Returns the job."""
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        return self.client.call("PATCH", self.path, settings, headers=headers)

    def pause(self):
        """Pauses the job. Returns the job."""
        return self.client.call("POST", self.path + "/pause")

    def resume(self):
        """Resumes the job if it is paused, or reopens it if it is done."""
        return self.client.call("POST", self.path + "/resume")

    def cancel(self):
        """Ends the job. URLs that wait are dropped."""
        return self.client.call("POST", self.path + "/cancel")

    def remove(self):
        """Removes the job, which has ended. Its records stay."""
        self.client.call("DELETE", self.path)

    def errors(self):
        """Returns why URLs failed: counts by cause, and the last of them."""
        return self.client.call("GET", self.path + "/errors")

    def refetch(self, lost=None):
        """Queues URLs again whose worker was lost before their records were shipped;
        lost names one that will not come back. Returns their number."""
        return self.client.call("POST", self.path + "/refetch", query={"lost": lost} if lost else None)["urls"]

    def export(self, file, format="jsonl", where=None, fields=None):
        """Writes all records that exist now to a file that is open for bytes, as they
        arrive: as jsonl or csv. where and fields are those of pages."""
        query = {"format": format}
        if where:
            query["where"] = [where] if isinstance(where, str) else list(where)
        if fields:
            query["fields"] = ",".join(fields)
        with self.client.open("GET", self.path + "/export", query=query) as answer:
            while part := answer.read(1 << 16):
                file.write(part)

    def hosts(self, limit=100):
        """Lists hosts of the job, those with the most waiting URLs first."""
        return self.client.call("GET", self.path + "/hosts", query={"limit": limit})["hosts"]

    def host(self, host):
        """Returns one host: its rules and their revision, its robots.txt, its first
        URLs, and those that failed."""
        return self.client.call("GET", self.path + "/hosts/" + urllib.parse.quote(host, safe=""))

    def set_host(self, host, revision=None, **rules):
        """Changes the rules of a host: paused, delay, pages, ask; None stands for the
        job's setting. retry=True tries it again at once. With a revision, only if the
        rules still have it. Returns the host."""
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        path = self.path + "/hosts/" + urllib.parse.quote(host, safe="")
        return self.client.call("PATCH", path, rules, headers=headers)

    def wait(self, every=1.0):
        """Waits until the job has ended, and returns it."""
        while (status := self.status())["state"] not in ENDED:
            time.sleep(every)
        return status

    def pages(self, cursor="", where=None, fields=None, limit=1000, follow=True, every=1.0):
        """Yields lists of records, each with the cursor after its last record, until
        the job has ended and all its records were read; without follow, until there
        are no more at the moment. A program that stores the cursor together with what
        the records led to can go on later, in another process, and gets each record
        once.

        where is a condition, or several that must all hold, in the language of
        trawl export; fields lists the fields to return."""
        query = {"limit": limit}
        if where:
            query["where"] = [where] if isinstance(where, str) else list(where)
        if fields:
            query["fields"] = ",".join(fields)
        while True:
            headers, text = self.client.ask("GET", self.path + "/records", query=dict(query, cursor=cursor))
            cursor = headers["Trawl-Cursor"]
            records = [json.loads(line) for line in text.split(b"\n") if line]
            if records:
                yield records, cursor
            if headers["Trawl-More"] == "true":
                continue
            if headers["Trawl-End"] == "true" or not follow:
                return
            if not records:
                time.sleep(every)

    def records(self, **options):
        """Yields the records one by one; the options are those of pages."""
        for records, _ in self.pages(**options):
            yield from records


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    fleet = Client()
    job = fleet.create(sys.argv[1], delay=os.environ.get("DELAY", "1s"))
    seeding = job.seed(sys.stdin)
    print(f"{seeding['admitted']} new, {seeding['seen']} known, {seeding['refused']} refused", file=sys.stderr)
    for record in job.records(fields=["status", "outcome", "url"]):
        print(record["status"], record["outcome"], record["url"])
    for failed in job.errors()["last"]:
        print(f"failed: {failed['url']}: {failed['reason']}", file=sys.stderr)
    status = job.wait()
    print(json.dumps(status["counters"]))
    if status["state"] != "done":
        sys.exit(f"{job.name} is {status['state']}: {status['reason']}")


if __name__ == "__main__":
    try:
        main()
    except Error as err:
        sys.exit(str(err))
