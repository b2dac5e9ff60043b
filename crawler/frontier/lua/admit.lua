-- admit: URLs that were never seen enter the queues of their hosts, and hosts
-- that were idle become due.
-- KEYS[1]  the shard's base
-- ARGV     for each host: host, number of URLs, and for each URL: fingerprint, band, packed entry
-- Returns  a string with a 1 for each URL that was new and a 0 for each other, in order

local now = now_ms()

-- wake makes a host due that has something to take now.
local function wake(host)
  local h = redis.call('HMGET', HOST(host), 'state', 'next')
  local due = math.max(now, tonumber(h[2] or 0))
  if not h[1] then
    redis.call('HSET', HOST(host), 'state', 'due')
    redis.call('ZADD', DUE, due, host)
  elseif h[1] == 'due' then
    redis.call('ZADD', DUE, 'LT', due, host)
  end
end

local answer, total, i = {}, 0, 1
while i <= #ARGV do
  local host, urls, fresh = ARGV[i], tonumber(ARGV[i + 1]), 0
  i = i + 2
  for _ = 1, urls do
    local new = see(ARGV[i])
    if new then
      redis.call('RPUSH', QUEUE(ARGV[i + 1], host), ARGV[i + 2])
      fresh = fresh + 1
    end
    answer[#answer + 1] = new and '1' or '0'
    i = i + 3
  end
  if fresh > 0 then
    if redis.call('HINCRBY', HOST(host), 'seen', fresh) == fresh then count('hosts', 1) end
    wake(host)
    total = total + fresh
  end
end
count('waiting', total)
grow(total)
return table.concat(answer)
