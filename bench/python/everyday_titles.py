import asyncio, json, sys
import aiohttp, lxml.html

async def main(urls):
    limit = asyncio.Semaphore(32)
    async with aiohttp.ClientSession() as session:
        async def title(url):
            async with limit, session.get(url) as response:
                body = await response.read()
            tree = lxml.html.document_fromstring(body)
            print(json.dumps({"url": url, "title": tree.findtext(".//title")}))
        await asyncio.gather(*map(title, urls))

asyncio.run(main(open(sys.argv[1]).read().split()))
