-- recount: sets the counters that settling updates to what the output of an ended job contains,
-- and forgets lost segments and which URLs failed. It may be repeated.
-- KEYS[1]  the shard's base
-- ARGV     how many URLs have a record, number of counters, and for each counter: name, value;
--          then for each host: host, pages fetched, URLs seen
-- Returns  0

local records, behind = tonumber(ARGV[1]), 3 + 2 * tonumber(ARGV[2])
for i = 3, behind - 1, 2 do redis.call('HSET', COUNT, ARGV[i], ARGV[i + 1]) end
local shipped = tonumber(redis.call('HGET', COUNT, 'shipped') or 0)
if shipped > records then redis.call('HSET', COUNT, 'shipped', records) end
redis.call('UNLINK', SEGMENTS, UNSHIPPED, RECLAIMED)
redis.call('HDEL', COUNT, 'again', 'changed', 'unchanged') -- the output counts each URL once
forget_failed() -- some of them wait again now
for i = behind, #ARGV, 3 do
  local host, pages, seen = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2])
  local had = tonumber(unfold(host, 'seen')[1] or 0)
  redis.call('HSET', HOST(host), 'pages', pages, 'seen', seen)
  if had > 0 and seen == 0 then count('hosts', -1) end
  if had == 0 and seen > 0 then count('hosts', 1) end
end
return 0
