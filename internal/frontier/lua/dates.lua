-- dates: remembers which pages a sitemap or a feed of a host had, with which dates.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, the key of the list, packed dates, milliseconds until they are forgotten
-- Returns  1

if not holds(ARGV[1], ARGV[2]) then return STALE end
redis.call('DEL', ARGV[3]) -- first, so that a full Redis accepts it
if ARGV[4] ~= '' then redis.call('SET', ARGV[3], ARGV[4], 'PX', ARGV[5]) end
return 1
