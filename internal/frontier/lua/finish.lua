-- finish: visits settle URLs, as settle does. If a host has no URL left after that, its visit gives
-- it back in the same call, as close does.
-- KEYS[1]  the shard's base
-- ARGV[1]  lease in milliseconds; then for each visit: the number of its arguments, and these:
--          host, epoch; 14 arguments as for close, behind the epoch; then the arguments of settle,
--          behind the lease
-- Returns  for each visit: pages fetched in it, including these, or -1 if it no longer holds its
--          host; 1 if it has ended; other jobs that want the host. The call may be repeated

local lease, at, answer, ended, staying = ARGV[1], 2, {}, {}, {}

-- finish_one finishes the visit whose arguments are ARGV[at] to ARGV[last].
local function finish_one(last)
  local host, epoch = ARGV[at], ARGV[at + 1]
  local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'turn', 'pages', 'rivals', 'woken', 'address')
  if not h[1] and h[2] == epoch then
    -- The host is idle since this visit: an earlier call has ended it. If the visit had been swept,
    -- the URLs to be settled would wait.
    return tonumber(h[3]), 1, ''
  end
  if h[1] ~= 'open' or h[2] ~= epoch then return -1, 0, '' end
  local counts = settle_urls(host, at + 16, last, h[3], h[4])
  local pages = counts[2]
  if idle(host) then
    ended[#ended + 1] = host
    give_back(host, at + 2, h[5], h[6], h[7], counts, true)
    return pages, 1, h[5] or ''
  end
  staying[#staying + 1], staying[#staying + 2] = now_ms() + lease, host
  redis.call('HSET', HOST(host), unpack(counts))
  return pages, 0, ''
end

sum_counts()
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  at = at + 1
  answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = finish_one(last)
  at = last + 1
end
write_counts()
if #ended > 0 then redis.call('ZREM', OPEN, unpack(ended)) end
if #staying > 0 then redis.call('ZADD', OPEN, unpack(staying)) end
return answer
