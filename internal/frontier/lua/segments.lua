-- segments: lists the segments of a shard that are not shipped yet.
-- KEYS[1]  the shard's base
-- Returns  for each: segment, milliseconds until its worker counts as lost (-1 if it does
--          already), URLs settled in it

local now, answer = now_ms(), {}
local counts = redis.call('HGETALL', UNSHIPPED) -- about as many segments as there are workers
for i = 1, #counts, 2 do
  local deadline = redis.call('ZSCORE', SEGMENTS, counts[i])
  answer[#answer + 1] = counts[i]
  answer[#answer + 1] = deadline and math.max(0, deadline - now) or -1
  answer[#answer + 1] = tonumber(counts[i + 1])
end
return answer
