"""A Scrapy spider that follows all links of one host.

scrapy runspider scrapy_spider.py -a url=URL -a out=OUT
"""

import json
from urllib.parse import urlsplit

import scrapy
from scrapy.http import HtmlResponse
from scrapy.linkextractors import LinkExtractor


class Spider(scrapy.Spider):
    name = "bench"
    custom_settings = {
        "CONCURRENT_REQUESTS": 32,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 32,
        "COOKIES_ENABLED": False,
        "LOG_LEVEL": "ERROR",
        "RETRY_ENABLED": False,
        "ROBOTSTXT_OBEY": False,
        "TELNETCONSOLE_ENABLED": False,
        "DOWNLOAD_MAXSIZE": 0,
        "DOWNLOAD_WARNSIZE": 0,
    }

    def __init__(self, url, out, **kwargs):
        super().__init__(**kwargs)
        self.start_urls = [url]
        self.extractor = LinkExtractor(tags=("a",), attrs=("href",), deny_extensions=(), allow_domains=[urlsplit(url).netloc])
        self.out = open(out, "w", encoding="utf-8")

    def parse(self, response):
        record = {"url": response.url, "status": response.status, "bytes": len(response.body)}
        links = []
        if isinstance(response, HtmlResponse):
            links = self.extractor.extract_links(response)
            record["title"] = response.css("title::text").get(default="")
            record["links"] = len(links)
        self.out.write(json.dumps(record) + "\n")
        for link in links:
            yield scrapy.Request(link.url.split("#")[0])

    def closed(self, reason):
        self.out.close()
