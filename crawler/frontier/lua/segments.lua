-- segments: which segments of a shard are not shipped yet.
-- KEYS[1]  the shard's base
-- Returns  for each: segment, milliseconds until its worker counts as lost, URLs settled in
--          it; of those that are lost already -1 in place of milliseconds

local now, answer = now_ms(), {}
local counts = redis.call('HGETALL', UNSHIPPED) -- of as many segments as there are workers and their disks
for i = 1, #counts, 2 do
  local deadline = redis.call('ZSCORE', SEGMENTS, counts[i])
  answer[#answer + 1] = counts[i]
  answer[#answer + 1] = deadline and math.max(0, deadline - now) or -1
  answer[#answer + 1] = tonumber(counts[i + 1])
end
return answer
