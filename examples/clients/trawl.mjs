#!/usr/bin/env node
// A client of the HTTP API of `trawl dashboard`, in one file without dependencies, for Node 18
// or later, and for pages that the dashboard's own origin serves. Copy it beside your program:
//
//     import { Client } from "./trawl.mjs";
//
//     const fleet = new Client("http://127.0.0.1:8080");
//     const job = await fleet.create("news", { delay: "2s" });
//     await job.seed(["https://example.com/"]);
//     for await (const record of job.records({ where: "outcome = fetched", fields: ["url", "title"] })) {
//       console.log(record.url, record.title);
//     }
//
// As a program, it creates a job, adds the URLs of standard input, prints each record as workers
// write it, and at the end the counters of the job as JSON:
//
//     node trawl.mjs JOB < urls.txt
//
// The dashboard is at DASHBOARD (http://127.0.0.1:8080 by default), and its token, if it has one,
// is in TRAWL_TOKEN. DELAY is the time between two requests to a host.

const ended = ["done", "cancelled", "failed"];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A request that failed. status is the HTTP status; the message says what is wrong and what to do. */
export class TrawlError extends Error {
  constructor(status, message) {
    super(`${status}: ${message}`);
    this.name = "TrawlError";
    this.status = status;
  }
}

/** The dashboard of a fleet. url is "" for the origin of the page. */
export class Client {
  constructor(url = "", { token } = {}) {
    this.url = url.replace(/\/+$/, "");
    this.token = token;
  }

  /** Sends a request to the API, and returns the response if it is a success. */
  async ask(method, path, { body, type = "application/json", query, headers = {} } = {}) {
    const search = new URLSearchParams(query).toString();
    const response = await fetch(this.url + "/api/v1" + path + (search && "?" + search), {
      method,
      body,
      headers: {
        ...(body === undefined ? {} : { "Content-Type": type }),
        ...(this.token ? { Authorization: "Bearer " + this.token } : {}),
        ...headers,
      },
    });
    if (response.ok) return response;
    const text = await response.text();
    let message = text;
    try {
      message = JSON.parse(text).error ?? text;
    } catch {
      // It is not JSON: a proxy answered.
    }
    throw new TrawlError(response.status, message);
  }

  /** Sends a value as JSON, and returns the response, which is JSON too. */
  async call(method, path, value, options = {}) {
    const body = value === undefined ? undefined : JSON.stringify(value);
    const response = await this.ask(method, path, { ...options, body });
    return response.status === 204 ? undefined : response.json();
  }

  /** Creates a job. Settings that are missing have their defaults. */
  async create(name, settings = {}) {
    await this.call("POST", "/jobs", { ...settings, name });
    return this.job(name);
  }

  /** Returns a job that exists. It makes no request. */
  job(name) {
    return new Job(this, name);
  }

  /** Lists the jobs, as objects with states and counters; state selects some. */
  async jobs(state) {
    return (await this.call("GET", "/jobs", undefined, { query: state ? { state } : {} })).jobs;
  }

  /** Returns numbers of the whole fleet, and what Redis reports about itself. */
  fleet() {
    return this.call("GET", "/fleet");
  }

  /** Lists the live workers. */
  async workers() {
    return (await this.call("GET", "/workers")).workers;
  }
}

/** A job of a fleet. */
export class Job {
  constructor(client, name) {
    this.client = client;
    this.name = name;
    this.path = "/jobs/" + encodeURIComponent(name);
  }

  /** Returns the job with its state, counters and settings. */
  status() {
    return this.client.call("GET", this.path);
  }

  /**
   * Adds URLs. Returns how many are new (admitted), known (seen) and refused, with the reasons for
   * some of these (refusals).
   */
  async seed(urls, { priority } = {}) {
    const body = Array.from(urls, (url) => JSON.stringify({ url: url.trim() }) + "\n").join("");
    const query = priority ? { priority } : {};
    const response = await this.client.ask("POST", this.path + "/seeds", { body, type: "application/x-ndjson", query });
    return response.json();
  }

  /**
   * Changes settings, all or none; null stands for a default. With a revision, only if the settings
   * still have it. Returns the job.
   */
  set(settings, { revision } = {}) {
    const headers = revision === undefined ? {} : { "If-Match": `"${revision}"` };
    return this.client.call("PATCH", this.path, settings, { headers });
  }

  /** Pauses the job. Returns the job. */
  pause() {
    return this.client.call("POST", this.path + "/pause");
  }

  /** Resumes the job if it is paused, or reopens it if it is done. */
  resume() {
    return this.client.call("POST", this.path + "/resume");
  }

  /** Ends the job. URLs that wait are dropped. */
  cancel() {
    return this.client.call("POST", this.path + "/cancel");
  }

  /** Removes the job, which has ended. Its records stay. */
  remove() {
    return this.client.call("DELETE", this.path);
  }

  /** Returns why URLs failed: counts by cause, and the last of them. */
  errors() {
    return this.client.call("GET", this.path + "/errors");
  }

  /**
   * Queues URLs again whose worker was lost before their records were shipped; lost names one that will
   * not come back. Returns their number.
   */
  async refetch(lost) {
    return (await this.client.call("POST", this.path + "/refetch", undefined, { query: lost ? { lost } : {} })).urls;
  }

  /**
   * Returns a stream of all records that exist now, as bytes of jsonl or csv: the body of a response.
   * where and fields are those of pages.
   */
  async export({ format = "jsonl", where = [], fields = [] } = {}) {
    const query = [["format", format]];
    for (const condition of [where].flat()) query.push(["where", condition]);
    if (fields.length > 0) query.push(["fields", fields.join(",")]);
    return (await this.client.ask("GET", this.path + "/export", { query })).body;
  }

  /** Lists hosts of the job, those with the most waiting URLs first. */
  async hosts(limit = 100) {
    return (await this.client.call("GET", this.path + "/hosts", undefined, { query: { limit } })).hosts;
  }

  /** Returns one host: its rules and their revision, its robots.txt, its first URLs, and those that failed. */
  host(host) {
    return this.client.call("GET", this.path + "/hosts/" + encodeURIComponent(host));
  }

  /**
   * Changes the rules of a host: paused, delay, pages, ask; null stands for the job's setting. retry:
   * true tries it again at once. With a revision, only if the rules still have it. Returns the host.
   */
  setHost(host, rules, { revision } = {}) {
    const headers = revision === undefined ? {} : { "If-Match": `"${revision}"` };
    return this.client.call("PATCH", this.path + "/hosts/" + encodeURIComponent(host), rules, { headers });
  }

  /** Waits until the job has ended, and returns it. every is in milliseconds. */
  async wait(every = 1000) {
    for (;;) {
      const status = await this.status();
      if (ended.includes(status.state)) return status;
      await sleep(every);
    }
  }

  /**
   * Yields { records, cursor }: a list of records, and the cursor after the last of them, until the
   * job has ended and all its records were read; without follow, until there are no more at the
   * moment. A program that stores the cursor together with what the records led to can go on later,
   * in another process, and gets each record once.
   *
   * where is a condition, or several that must all hold, in the language of trawl export; fields
   * lists the fields to return.
   */
  async *pages({ cursor = "", where = [], fields = [], limit = 1000, follow = true, every = 1000 } = {}) {
    for (;;) {
      const query = [["limit", limit], ["cursor", cursor]];
      for (const condition of [where].flat()) query.push(["where", condition]);
      if (fields.length > 0) query.push(["fields", fields.join(",")]);
      const response = await this.client.ask("GET", this.path + "/records", { query });
      cursor = response.headers.get("Trawl-Cursor");
      const records = (await response.text()).split("\n").filter(Boolean).map((line) => JSON.parse(line));
      if (records.length > 0) yield { records, cursor };
      if (response.headers.get("Trawl-More") === "true") continue;
      if (response.headers.get("Trawl-End") === "true" || !follow) return;
      if (records.length === 0) await sleep(every);
    }
  }

  /** Yields the records one by one; the options are those of pages. */
  async *records(options) {
    for await (const page of this.pages(options)) yield* page.records;
  }
}

async function main(name) {
  const { env, stdin } = process;
  let list = "";
  for await (const chunk of stdin.setEncoding("utf8")) list += chunk;
  const fleet = new Client(env.DASHBOARD ?? "http://127.0.0.1:8080", { token: env.TRAWL_TOKEN });
  const job = await fleet.create(name, { delay: env.DELAY ?? "1s" });
  const seeding = await job.seed(list.split("\n").filter(Boolean));
  console.error(`${seeding.admitted} new, ${seeding.seen} known, ${seeding.refused} refused`);
  for await (const record of job.records({ fields: ["status", "outcome", "url"] })) {
    console.log(record.status, record.outcome, record.url);
  }
  for (const failed of (await job.errors()).last) console.error(`failed: ${failed.url}: ${failed.reason}`);
  const status = await job.wait();
  console.log(JSON.stringify(status.counters));
  if (status.state !== "done") throw new Error(`${name} is ${status.state}: ${status.reason}`);
}

// Only when Node runs this file, and neither when a program imports it nor in a browser.
const program = globalThis.process?.argv?.[1];
if (program && import.meta.url === (await import("node:url")).pathToFileURL(program).href) {
  const names = process.argv.slice(2);
  if (names.length !== 1) {
    console.error("usage: node trawl.mjs JOB < urls.txt");
    process.exit(2);
  }
  try {
    await main(names[0]);
  } catch (err) {
    console.error(err.message);
    process.exit(1);
  }
}
