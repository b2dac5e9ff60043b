-- admit: URLs that were never seen enter the queues of their hosts, and hosts
-- that were idle become due.
-- KEYS[1]  the shard's base
-- ARGV     for each host and band: host, band, number of URLs, and for each URL:
--          fingerprint, packed entry
-- Returns  how many URLs were new

local now = now_ms()

-- wake makes a host due that has something to take now.
local function wake(host)
  local h = redis.call('HMGET', HOST(host), 'state', 'next', 'rules')
  local due = math.max(now, tonumber(h[2] or 0))
  if paused(h[3]) then due = NEVER end
  if h[1] == 'due' then
    redis.call('ZADD', DUE, 'LT', due, host)
  elseif h[1] ~= 'armed' and h[1] ~= 'open' and h[1] ~= 'broken' then -- idle, or garbage
    redis.call('HSET', HOST(host), 'state', 'due')
    redis.call('ZADD', DUE, due, host)
  end
end

-- enqueue lets new entries wait. Where others wait already, the host is awake.
local function enqueue(host, band, entries)
  if redis.call('HINCRBY', HOST(host), 'seen', #entries) == #entries then count('hosts', 1) end
  local waiting = redis.call('RPUSH', QUEUE(band, host), unpack(entries))
  if waiting == #entries then wake(host) end
end

local total, at = 0, 1
while at <= #ARGV do
  local host, band, urls = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local fresh, behind = {}, at + 3 + 2 * urls
  for i = at + 3, behind - 1, 2 do
    if see(ARGV[i]) then fresh[#fresh + 1] = ARGV[i + 1] end
  end
  if #fresh > 0 then enqueue(host, band, fresh) end
  total, at = total + #fresh, behind
end
count('waiting', total)
grow(total)
return total
