-- sweep: breaks visits whose deadline has passed. If a visit is armed and was never opened, its
-- host is due again. If it is open, its URLs in flight return to the front of the queue, and the
-- host is due after its gap.
-- KEYS[1]  the shard's base
-- ARGV[1]  the most hosts
-- ARGV[2]  milliseconds for which broken hosts wait for release before they are swept again; 0 to
--          release them at once
-- ARGV[3]  milliseconds added to the clock before deadlines are compared with it; may be negative
-- Returns  how many hosts were swept; then host, epoch, pages fetched in that visit, for each
--          open visit that broke

local now, most, hold = now_ms(), tonumber(ARGV[1]), tonumber(ARGV[2])
local deadline = now + tonumber(ARGV[3])
local late = redis.call('ZRANGEBYSCORE', ARMED, '-inf', deadline, 'LIMIT', 0, most)
for _, host in ipairs(late) do
  rest(host, 0) -- first, so that a full Redis refuses it and sweeps nothing
  redis.call('ZREM', ARMED, host)
end
local silent = redis.call('ZRANGEBYSCORE', OPEN, '-inf', deadline, 'LIMIT', 0, most)
local broken = { math.max(#late, #silent) }
for _, host in ipairs(silent) do
  local h = redis.call('HMGET', HOST(host), 'epoch', 'turn', 'gap', 'state', 'address')
  local epoch = string.find(h[1] or '', '^%d+$') and tonumber(h[1])
  if not epoch then -- release.lua would never find a host whose epoch is garbage
    epoch = now
    redis.call('HSET', HOST(host), 'epoch', string.format('%d', epoch))
    note_garbage(HOST(host) .. ' had the epoch ' .. (h[1] or 'of no visit'))
  end
  if h[4] == 'open' then
    count('broken', 1)
    requeue(host, 1)
    redis.call('HSET', HOST(host), 'last', now) -- the latest possible time
  end
  if hold > 0 then
    redis.call('HSET', HOST(host), 'state', 'broken')
    redis.call('ZADD', OPEN, now + hold, host)
  else
    redis.call('ZREM', OPEN, host)
    depart(host, h[5], tonumber(h[3] or 0))
    rest(host, tonumber(h[3] or 0))
  end
  broken[#broken + 1] = host
  broken[#broken + 1] = epoch
  broken[#broken + 1] = tonumber(h[2] or 0)
end
return broken
