-- settle: takes URLs out of flight with their outcomes; URLs to be retried wait. If the record of
-- a URL is in a segment that is not shipped yet, the URL is stored with that segment, so that it
-- can be fetched again if the segment is lost.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the segment ('' if the records are safe already),
--          milliseconds within which its worker must report again, '1' to store the URLs
--          themselves or '0' to count them; the number of counters of skipped URLs, then the name
--          and value of each ('failed:CAUSE' is no counter: its value is a URL that failed, to be
--          remembered); then for each URL: ticket, outcome, bytes, packed entry if it is to
--          be retried, milliseconds until then, and flags: 'o' skipped because of a budget of the
--          host, 'i' a required field is missing, 'nN' handlers emitted N items
-- Returns  pages fetched in the visit, including these. The call may be repeated; what Redis lost
--          meanwhile does not count

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'turn', 'pages')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
local counts = settle_urls(host, 4, #ARGV, h[3], h[4])
redis.call('ZADD', OPEN, now_ms() + lease, host)
redis.call('HSET', HOST(host), unpack(counts))
return counts[2]
