-- forfeit: makes segments late now, because their worker is known not to come back.
-- KEYS[1]  the shard's base
-- ARGV     segments
-- Returns  how many of them the shard has

local n = 0
for _, segment in ipairs(ARGV) do
  if redis.call('ZSCORE', SEGMENTS, segment) then
    redis.call('ZADD', SEGMENTS, 0, segment)
    n = n + 1
  end
end
return n
