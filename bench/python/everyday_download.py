import asyncio, os, sys
import aiohttp

async def main(urls, folder):
    limit = asyncio.Semaphore(32)
    async with aiohttp.ClientSession() as session:
        async def save(url):
            async with limit, session.get(url) as response:
                body = await response.read()
            with open(os.path.join(folder, os.path.basename(url)), "wb") as file:
                file.write(body)
        await asyncio.gather(*map(save, urls))

asyncio.run(main(open(sys.argv[1]).read().split(), sys.argv[2]))
