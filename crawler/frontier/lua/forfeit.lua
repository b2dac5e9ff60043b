-- forfeit: somebody knows that a worker does not come back: its segments are late now.
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
