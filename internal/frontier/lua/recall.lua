-- recall: tells visits to give their hosts back, because others should have their places. It
-- picks those that have fetched most, and none at hosts with waiting urgent URLs.
-- Visits learn of it when they take URLs or renew their lease.
-- KEYS[1]  the shard's base
-- ARGV[1]  how many visits, including those that were told before and are still open
-- Returns  how many are told

local MOST = 1000 -- visits that are considered
local want, told, others = tonumber(ARGV[1]), 0, {}
for _, host in ipairs(redis.call('ZRANGE', OPEN, 0, MOST - 1)) do
  local h = redis.call('HMGET', HOST(host), 'state', 'recalled', 'turn')
  if h[1] == 'open' and h[2] then
    told = told + 1
  elseif h[1] == 'open' and redis.call('EXISTS', QUEUE(BAND_URGENT, host)) == 0 then
    others[#others + 1] = { host, tonumber(h[3] or 0) }
  end
end
table.sort(others, function(a, b) return a[2] > b[2] end)
for i = 1, math.min(#others, want - told) do
  redis.call('HSET', HOST(others[i][1]), 'recalled', 1)
  told = told + 1
end
return told
