"""A crawler of aiohttp and lxml: 32 tasks, a queue, a set.

aiohttp_crawl.py URL OUT
"""

import asyncio
import json
import sys
from urllib.parse import urldefrag, urljoin, urlsplit

import aiohttp
import lxml.etree
import lxml.html

CONNECTIONS = 32


class Crawl:
    def __init__(self, seed, out, session):
        self.host = urlsplit(seed).netloc
        self.session = session
        self.out = out
        self.seen = {seed}
        self.queue = asyncio.Queue()
        self.queue.put_nowait(seed)

    async def work(self):
        while True:
            url = await self.queue.get()
            try:
                await self.visit(url)
            except (aiohttp.ClientError, lxml.etree.LxmlError, ValueError) as err:
                print(f"{url}: {err}", file=sys.stderr)
            finally:
                self.queue.task_done()

    async def visit(self, url):
        async with self.session.get(url) as response:
            body = await response.read()
        record = {"url": str(response.url), "status": response.status, "bytes": len(body)}
        if response.status == 200 and response.content_type == "text/html" and body:
            self.read(str(response.url), body, record)
        self.out.write(json.dumps(record) + "\n")

    def read(self, base, body, record):
        tree = lxml.html.document_fromstring(body)
        record["title"] = tree.findtext(".//title") or ""
        links = {urldefrag(urljoin(base, href)).url for href in set(tree.xpath("//a/@href"))}
        record["links"] = len(links)
        for link in links - self.seen:
            if urlsplit(link).netloc == self.host:
                self.seen.add(link)
                self.queue.put_nowait(link)


async def main(seed, out):
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        with open(out, "w", encoding="utf-8") as file:
            crawl = Crawl(seed, file, session)
            tasks = [asyncio.create_task(crawl.work()) for _ in range(CONNECTIONS)]
            await crawl.queue.join()
            for task in tasks:
                task.cancel()


asyncio.run(main(sys.argv[1], sys.argv[2]))
