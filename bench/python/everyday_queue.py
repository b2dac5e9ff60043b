import json, sys, urllib.request
import redis

queue = redis.from_url(sys.argv[1], decode_responses=True)
with open(sys.argv[2], "a") as out:
    while url := queue.lpop("queue"):
        with urllib.request.urlopen(url) as response:
            body = response.read()
        print(json.dumps({"url": url, "bytes": len(body)}), file=out, flush=True)
