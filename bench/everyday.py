#!/usr/bin/env python3
"""Measures the three everyday problems of docs/everyday.md, in Python and with Trawl, in turn.

    everyday.py TRAWL [MANUAL]

It needs nginx, redis-server, and the modules aiohttp, lxml and redis. MANUAL is a folder of HTML
files, the manual of Java by default. All requests stay on the loopback interface. It prints tables
in Markdown, with medians of the rounds.
"""

import json
import os
import pathlib
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

TRAWL = os.path.abspath(sys.argv[1])
MANUAL = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "/usr/share/doc/openjdk-17-doc/api").resolve()
SCRIPTS = pathlib.Path(__file__).resolve().parent / "python"
DOWNLOADS, TITLES, QUEUED = 2000, 1000, 2000
HOSTS = 8  # of the queue
ROUNDS = int(os.environ.get("ROUNDS", "5"))
OPEN = ["--delay", "0", "--per-host", "32", "--allow-cidr", "127.0.0.0/8"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def serve(folder):
    """Starts nginx over the manual, and returns its process and port."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type text/html; keepalive_requests 100000; sendfile on;
  client_body_temp_path {folder}/t; proxy_temp_path {folder}/t; fastcgi_temp_path {folder}/t;
  uwsgi_temp_path {folder}/t; scgi_temp_path {folder}/t;
  server {{ listen {port}; root {MANUAL}; }}
}}
""")
    process = subprocess.Popen(["/usr/sbin/nginx", "-c", str(config)], stderr=subprocess.DEVNULL)
    wait_for(port)
    return process, port


def measure(command, stdout=None):
    """Runs a command to its end: seconds, seconds of processor time with all its children, MB of memory."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=stdout, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        sys.exit(f"{command} ended with status {status}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def files(n):
    """Returns n files of the manual whose names differ."""
    found = {}
    for path in sorted(MANUAL.rglob("*.html")):
        found.setdefault(path.name, path)
        if len(found) == n:
            return list(found.values())
    sys.exit(f"{MANUAL} has {len(found)} HTML files, want {n}")


def listing(folder, base, paths):
    """Writes the URLs of files, one a line."""
    name = folder / "urls.txt"
    name.write_text("".join(f"{base}/{p.relative_to(MANUAL)}\n" for p in paths))
    return name


def rows(title, python, trawl, lines):
    print(f"\n| {title} | lines | seconds | processor time | memory | lost |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, runs, code in (("Python", python, lines), ("Trawl", trawl, 1)):
        seconds, cpu, memory = (statistics.median(r[i] for r in runs) for i in range(3))
        print(f"| {name} | {code} | {seconds:.2f} | {cpu:.2f} s | {memory:.0f} MB | {sum(r[3] for r in runs)} |")


def code_lines(script):
    return sum(1 for line in script.read_text().splitlines() if line.strip())


def downloads(temp, base):
    paths = files(DOWNLOADS)
    script = SCRIPTS / "everyday_download.py"
    python, trawl = [], []
    for i in range(ROUNDS):
        urls = listing(temp, base, paths)
        out = temp / f"python-{i}"
        out.mkdir()
        used = measure([sys.executable, str(script), str(urls), str(out)])
        lost = sum((out / p.name).read_bytes() != p.read_bytes() for p in paths)
        python.append((*used, lost))
        out = temp / f"trawl-{i}"
        used = measure([TRAWL, "fetch", str(urls), "--out", str(out), "--format", "files", *OPEN])
        kept = {}
        for manifest in out.glob("manifest-*.jsonl"):
            for line in manifest.open():
                record = json.loads(line)
                kept[record["url"]] = out / record.get("path", "none")
        lost = sum(kept.get(f"{base}/{p.relative_to(MANUAL)}", temp / "none").read_bytes() != p.read_bytes() for p in paths)
        trawl.append((*used, lost))
    rows(f"download {DOWNLOADS:,} files", python, trawl, code_lines(script))


def titles(temp, base):
    paths = files(TITLES)
    script = SCRIPTS / "everyday_titles.py"
    python, trawl = [], []
    for i in range(ROUNDS):
        urls = listing(temp, base, paths)
        for runs, command, title in (
            (python, [sys.executable, str(script), str(urls)], lambda r: r["title"]),
            (trawl, [TRAWL, "fetch", str(urls), "--select", "title=title", *OPEN], lambda r: r["fields"]["title"]),
        ):
            with open(temp / "titles.jsonl", "w") as out:
                used = measure(command, out)
            found = {r["url"] for r in map(json.loads, open(temp / "titles.jsonl")) if title(r)}
            runs.append((*used, TITLES - len(found)))
    rows(f"titles of {TITLES:,} pages", python, trawl, code_lines(script))


def redis_server(temp, name):
    port = free_port()
    folder = temp / name
    folder.mkdir()
    process = subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--appendonly", "yes", "--save", ""],
        stdout=subprocess.DEVNULL)
    wait_for(port)
    return process, f"redis://127.0.0.1:{port}/0"


def queue_in_python(temp, urls, name):
    """Four workers; one is killed in the middle and replaced. Returns seconds, and how many URLs are lost."""
    import redis

    server, url = redis_server(temp, name)
    queue = redis.from_url(url)
    queue.rpush("queue", *urls)
    out = temp / f"{name}.jsonl"
    began = time.monotonic()

    def start():
        return subprocess.Popen([sys.executable, str(SCRIPTS / "everyday_queue.py"), url, str(out)])

    workers = [start() for _ in range(4)]
    while queue.llen("queue") > len(urls) / 2:
        time.sleep(0.001)
    workers[0].send_signal(signal.SIGKILL)
    workers.append(start())
    for worker in workers:
        worker.wait()
    took = time.monotonic() - began
    server.terminate()
    server.wait()
    done = {json.loads(line)["url"] for line in out.open()}
    return took, len(urls) - len(done)


def queue_with_trawl(temp, urls, name):
    """Two workers; one is killed in the middle and replaced. Returns seconds, and how many URLs are lost."""
    server, url = redis_server(temp, name)
    env = {**os.environ, "TRAWL_REDIS": url, "TRAWL_LISTEN": ""}
    out = temp / f"{name}-out"
    log = open(temp / f"{name}.log", "w")

    def start(*command):
        return subprocess.Popen([TRAWL, *command], env=env, stderr=log)

    def worker(n):
        return start("worker", "--out", str(out), "--name", f"w{n}", "--allow-cidr", "127.0.0.0/8")

    def trawl(*command, text=None):
        return subprocess.run([TRAWL, *command], env=env, input=text, capture_output=True, text=True, check=True).stdout

    processes = [start("scheduler"), worker(1), worker(2)]
    began = time.monotonic()
    trawl("job", "create", "-", text="{name: queue, delay: 10ms, throttle: 0, follow: false, scope: any}")
    trawl("seed", "queue", "-", text="\n".join(urls))
    while json.loads(trawl("job", "show", "queue", "--json"))["counters"]["waiting"] > len(urls) / 2:
        time.sleep(0.02)
    processes[1].send_signal(signal.SIGKILL)
    processes.append(worker(3))
    trawl("job", "watch", "queue")
    took = time.monotonic() - began
    done = {json.loads(line)["url"] for line in trawl("export", "queue", "--out", str(out)).splitlines()}
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()
    server.terminate()
    server.wait()
    return took, len(urls) - len(done)


def queues(temp, port):
    paths = files(QUEUED)
    urls = [f"http://127.0.0.{i % HOSTS + 1}:{port}/{p.relative_to(MANUAL)}" for i, p in enumerate(paths)]
    print(f"\n| {QUEUED:,} URLs from a queue, a worker killed, {ROUNDS} rounds | seconds | lost |\n| --- | ---: | ---: |")
    for name, run in (("Python", queue_in_python), ("Trawl", queue_with_trawl)):
        runs = [run(temp, urls, f"{name.lower()}-queue-{i}") for i in range(ROUNDS)]
        print(f"| {name} | {statistics.median(r[0] for r in runs):.1f} | {sum(r[1] for r in runs)} |")


def main():
    with tempfile.TemporaryDirectory(prefix="everyday-") as name:
        temp = pathlib.Path(name)
        nginx, port = serve(temp)
        try:
            print(f"Load average {os.getloadavg()[0]:.2f} before.")
            downloads(temp, f"http://127.0.0.1:{port}")
            titles(temp, f"http://127.0.0.1:{port}")
            queues(temp, port)
            print(f"\nLoad average {os.getloadavg()[0]:.2f} after.")
        finally:
            nginx.terminate()
            nginx.wait()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    main()
