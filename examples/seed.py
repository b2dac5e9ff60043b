#!/usr/bin/env python3
"""Creates a job, streams URLs to it from standard input, waits for its end and
prints its numbers as JSON, over the HTTP API of `trawl dashboard`. The standard
library is all that it takes.

    seed.py JOB < urls.txt

DASHBOARD is where the dashboard is, http://127.0.0.1:8080 by default, and
TRAWL_TOKEN its token, if it has one. DELAY is the time between two requests to a
host.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

API = os.environ.get("DASHBOARD", "http://127.0.0.1:8080") + "/api/v1"
CHUNK = 64 << 10  # bytes sent at once


def ask(method, path, body=None, kind="application/json"):
    """Asks the API, and returns its answer. A body that is a generator of bytes
    is sent as it is made (Transfer-Encoding: chunked)."""
    request = urllib.request.Request(API + path, data=body, method=method)
    if body is not None:
        request.add_header("Content-Type", kind)
    if token := os.environ.get("TRAWL_TOKEN"):
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as err:
        sys.exit(f"{method} {path}: {err.code}: {json.load(err)['error']}")


def ndjson(lines):
    """Makes {"url": …} of each line, many to a chunk."""
    chunk = bytearray()
    for line in lines:
        chunk += json.dumps({"url": line.strip()}).encode() + b"\n"
        if len(chunk) >= CHUNK:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    job = "/jobs/" + sys.argv[1]
    settings = {"name": sys.argv[1], "delay": os.environ.get("DELAY", "1s")}
    ask("POST", "/jobs", json.dumps(settings).encode())

    seeding = ask("POST", job + "/seeds", ndjson(sys.stdin), "application/x-ndjson")
    print(f"{seeding['admitted']} new, {seeding['seen']} known, {seeding['refused']} refused", file=sys.stderr)
    for refusal in seeding.get("refusals", []):
        print(f"line {refusal['line']}: {refusal['reason']}", file=sys.stderr)

    while (status := ask("GET", job))["state"] in ("created", "running", "paused"):
        time.sleep(1)
    print(json.dumps(status["counters"]))
    if status["state"] != "done":
        sys.exit(f"{sys.argv[1]} is {status['state']}: {status['reason']}")


if __name__ == "__main__":
    main()
